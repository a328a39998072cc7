"""The work on one case: graph, reference, engine, comparisons, timings; each done once, in a worker."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.accuracy.tasks import judge_task
from harness.building import KeptEngine, build_only, keeps_engines
from harness.cases.invariance import UNUSUAL
from harness.engines import EngineStore, key_of_build
from harness.errors import HarnessError
from harness.history.records import stable_hash
from harness.invariances import QUICK, plan_invariances, with_answers
from harness.preparation import Payload, Preparation
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from harness.cases import Case
    from harness.cases.model import BuildOptions
    from harness.measurement.sampling import SamplingPlan
    from harness.workbench import Phases, Workbench
    from harness.workers.subject import Subject


class Pipeline(Preparation):
    """The steps of one case under one subject: those before its engine, and what is done with the engine.

    Args:
        case: what is built.
        subject: what it is built by.
        workbench: the workers.
        phases: where the time is counted.
        smallest_only: whether only the smallest point of the profile is run, and on fewer unusual inputs.
        sampling: how long each point is timed.
        timeout: seconds after which a worker is killed.
        refusal: why the hardware cannot compute in the case's precision, where that is so.
        options: build options over the model's own.
        engine_name: names the engine's file.
        engines: whether an engine of an earlier session may stand for a build: the setting of that name.
    """

    def __init__(
        self,
        case: Case,
        subject: Subject,
        workbench: Workbench,
        phases: Phases,
        *,
        smallest_only: bool,
        sampling: SamplingPlan,
        timeout: float,
        refusal: str | None,
        options: BuildOptions,
        engine_name: str,
        engines: str = "auto",
    ) -> None:
        points = (case.profile.smallest,) if smallest_only else case.profile.points
        super().__init__(case, subject, workbench, phases, points=points, timeout=timeout, refusal=refusal)
        self._unusual = QUICK if smallest_only else UNUSUAL
        self._sampling = sampling
        own = case.model.build_options.get(subject.runtime, {}).get(case.precision.name, {})
        self._options = {**own, **options}
        if subject.runtime == "tensorrt":
            self._options.setdefault("timing_cache", str(workbench.cache / "timing"))
        self._engine = str(workbench.engines / f"{engine_name}.engine")
        self._engines = engines
        self._scores = workbench.engines / f"{engine_name}.scores"
        self._tolerances = [tolerance.to_json() for tolerance in case.model.tolerances_for(case.precision)]

    def build(self) -> Payload:
        """Build the engine, or take the one of an earlier session where the settings let it, and look into it."""

        def build() -> Payload:
            request = self._build_request()

            def anew() -> Payload:
                return self._ask_builder("build", "build", request=request)

            versions = self.versions()
            if not keeps_engines(self._engines, slow_builds=versions["slow_builds"]):
                return build_only(anew)
            key = key_of_build(
                self._case,
                graph=self.graph()["hash"],
                versions=versions,
                identity=self._ask_builder("build", "build_identity", request=request),
                calibration=self._calibration()["hash"],
            )
            kept = KeptEngine(EngineStore.below(self._bench.cache), key, self._case.id, self._engine, self._phases)
            if self._engines == "rebuild":
                return kept.build(anew)
            return kept.take_or_build(lambda: self._ask_builder("build", "adopt", request=request), anew)

        return self._steps.once("build", build)

    def outputs(self) -> Payload:
        """Compare the final outputs at every point."""

        def compare() -> Payload:
            self.build()
            folders = self.reference()
            self._bench.start_ahead(self._subject)
            return self._ask_builder(
                "run", "compare_outputs", engine=self._engine, folders=folders, tolerances=self._tolerances
            )

        return self._steps.once("outputs", compare)

    def layers(self) -> Payload:
        """Compare every layer at the smallest point."""

        def compare() -> Payload:
            self.build()
            return self._ask_builder(
                "run",
                "compare_layers",
                request=self._build_request(),
                engine=self._engine,
                folder=self.reference()[self._case.profile.smallest.label],
                tolerances=self._tolerances,
                rows_along=self._rows_along(),
            )

        return self._steps.once("layers", compare)

    def layer_origins(self) -> Payload:
        """Tell which layer makes the error of ``layers``, and why; its entries get an ``analysis`` each."""

        def analyse() -> Payload:
            layers, graph = self.layers(), self.graph()
            found = self._ask_reference(
                "compare",
                "analyse_layers",
                request={
                    "graph": graph["path"],
                    "recipe": self._case.precision.recipe,
                    "inputs": graph["inputs"],
                    "folder": self.reference()[self._case.profile.smallest.label],
                    "rows_along": self._rows_along(),
                    "tensors": layers["tensors"],
                },
            )
            for entry in layers["tensors"]:
                entry["analysis"] = found["tensors"][entry["tensor"]]
            return found

        return self._steps.once("layer_origins", analyse)

    def invariances(self) -> Payload:
        """Run the engine in ways that must not change its answer, and on inputs whose answer must make sense."""

        def check() -> Payload:
            self.build()
            case, graph = self._case, self.graph()
            request = {
                "inputs": graph["inputs"],
                "feeds": self._feeds,
                "seed": case.model.name,
                "sizes": dict(case.profile.smallest.sizes),
            }
            shared = f"{case.model.name}-{case.precision.name}-{self._subject.name}.profiles"
            plan = with_answers(
                plan_invariances(
                    case, graph, self._bench.engines / shared, runtime=self._subject.runtime, unusual=self._unusual
                ),
                self._bench,
                lambda worker, method, /, **params: self._call(worker, "reference", method, **params),
                graph,
                request,
            )
            answer = self._ask_builder(
                "run",
                "check_invariances",
                engine=self._engine,
                request={**request, "outputs": graph["outputs"], "recipe": case.precision.recipe},
                checks=plan.checks,
            )
            return {**answer, "items": [*answer["items"], *plan.items_left_out]}

        return self._steps.once("invariances", check)

    def task(self) -> Payload:
        """Score the model's labelled set with the FP32 graph and with the engine."""

        def judge() -> Payload:
            task, graph = self._case.model.task, self.graph()
            assert task is not None
            self.build()
            home = self._bench.cache / "tasks" / stable_hash([graph["fp32_hash"], task.to_json()])[:24]
            self._ask_reference("reference", "labelled_set", source=task.source, destination=str(home / "set"))
            scoring = {"samples": str(home / "set"), "task": task.to_json()}
            if not (home / "scores").exists():
                self._ask_reference(
                    "reference", "scores", engine=graph["fp32_path"], destination=str(home / "scores"), **scoring
                )
            shutil.rmtree(self._scores, ignore_errors=True)  # of a session that was broken off
            self._ask_builder("run", "scores", engine=self._engine, destination=str(self._scores), **scoring)
            with self._phases.phase("compare"):
                result = judge_task(
                    task,
                    load_tensors(self._scores)["scores"],
                    load_tensors(home / "scores")["scores"],
                    load_tensors(home / "set")["labels"],
                )
            return {"passed": result.passed, "sentence": result.sentence, "metrics": dict(result.metrics)}

        return self._steps.once("task", judge)

    def trial(self) -> Payload:
        """Time the engine in a fresh process, then its layers in the builder's."""

        def measure() -> Payload:
            self.build()
            self.cost()
            trial = self.another_trial()
            if self._subject.on_gpu and trial["quality"] in ("throttled", "contended"):
                first, trial = trial, self.another_trial()
                trial["conditions"]["retried_after"] = first["quality"]
            return self._profiled(trial, self._engine)

        return self._steps.once("trial", measure)

    def another_trial(self, engine: str = "") -> Payload:
        """Time the case's engine, or another one, in one more fresh process."""
        folders = self.reference()
        with self._bench.trial(self._subject) as worker:
            return self._call(
                worker,
                "measure",
                "measure",
                engine=engine or self._engine,
                folders=folders,
                plan=self._sampling.to_json(),
            )

    def another_build(self, number: int) -> tuple[Payload, Payload]:
        """Build one more engine of this case and time it in a fresh process: the answers of build and trial.

        It is built without a timing cache, which would make the builder choose again what it chose before.
        """
        request = self._build_request()
        request["destination"] = f"{self._engine}.{number}"
        request["options"] = {name: value for name, value in self._options.items() if name != "timing_cache"}
        built = build_only(lambda: self._ask_builder("build", "build", request=request))
        try:
            return built, self._profiled(self.another_trial(request["destination"]), request["destination"])
        finally:
            Path(request["destination"]).unlink(missing_ok=True)

    def _profiled(self, trial: Payload, engine: str) -> Payload:
        """Return ``trial`` with ``milliseconds`` by layer, at the point nearest to what the engine is tuned for.

        None where they could not be had: a trial without them is still a trial, and its conditions say why.
        """
        point = self._case.profile.nearest_to_opt(self._points).label
        folder = self.reference()[point]
        try:
            milliseconds = self._ask_builder("measure", "profile", engine=engine, folder=folder)["milliseconds"]
            told = {"point": point} if milliseconds is not None else None
        except HarnessError as failure:
            milliseconds, told = None, {"point": point, "failed": str(failure).splitlines()[0]}
        conditions = {**trial["conditions"], **({"layer_times": told} if told else {})}
        return {**trial, "milliseconds": milliseconds, "conditions": conditions}

    def discard(self) -> None:
        """Remove the engine and what lies beside it."""
        engine = Path(self._engine)
        for file in engine.parent.glob(f"{glob.escape(engine.name)}*"):
            file.unlink(missing_ok=True)

    def _build_request(self) -> Payload:
        graph = self.graph()
        return {
            "graph": graph["path"],
            "precision": self._precision,
            "profile": self._case.profile.to_json(),
            "inputs": graph["inputs"],
            "destination": self._engine,
            "options": self._options,
            "calibration": self._calibration()["samples"],
        }
