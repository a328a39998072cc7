"""The work on one case: graph, reference, engine, comparisons, timings; each done once, in a worker."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.accuracy.tasks import judge_task
from harness.building import KeptEngine, build_only, keeps_engines
from harness.cases import specs_from_json
from harness.cases.feed import feed_to_json
from harness.cases.invariance import UNUSUAL
from harness.engines import EngineStore, key_of_build
from harness.errors import HarnessError, Unsupported
from harness.history.records import stable_hash
from harness.invariances import QUICK, plan_invariances, with_answers
from harness.reference import Reference, make_reference
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.cases import Case
    from harness.cases.model import BuildOptions
    from harness.measurement.sampling import SamplingPlan
    from harness.workbench import Phases, Workbench
    from harness.workers.client import WorkerClient
    from harness.workers.subject import Subject

T = TypeVar("T")
Payload = dict[str, Any]


class NotReached(HarnessError):  # noqa: N818 - it is an answer rather than an error
    """A step that was not tried because one before it failed, which was reported there."""


class Pipeline:
    """The steps of one case under one subject.

    A step does what it needs and has not been done. Asked again it answers from memory; if it failed, whoever asks next
    gets NotReached, so that one broken build is one failure and not eight.

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
        self._case, self._subject, self._bench, self._phases = case, subject, workbench, phases
        profile = case.profile
        self._points = (profile.smallest,) if smallest_only else profile.points
        self._unusual = QUICK if smallest_only else UNUSUAL
        self._sampling = sampling
        self._timeout = timeout
        self._refusal = refusal
        own = case.model.build_options.get(subject.runtime, {}).get(case.precision.name, {})
        self._options = {**own, **options}
        if subject.runtime == "tensorrt":
            self._options.setdefault("timing_cache", str(workbench.cache / "timing"))
        self._engine = str(workbench.engines / f"{engine_name}.engine")
        self._engines = engines
        self._scores = workbench.engines / f"{engine_name}.scores"
        self._feeds = {name: feed_to_json(feed) for name, feed in case.model.feeds.items()}
        self._precision = case.precision.to_json()
        self._tolerances = [tolerance.to_json() for tolerance in case.model.tolerances_for(case.precision)]
        self._results: dict[str, Any] = {}
        self._failures: dict[str, HarnessError] = {}

    def done(self, step: str) -> Any:
        """Return what ``step`` returned, or None if it was not run or failed."""
        return self._results.get(step)

    def versions(self) -> Payload:
        """Say which software builds this case."""
        return self._once("versions", lambda: self._ask_builder("build", "versions"))

    def graph(self) -> Payload:
        """Make the graph of the case's precision, or take it from the cache.

        Raises:
            Unsupported: the subject cannot run this precision.
        """

        def prepare() -> Payload:
            self.versions()  # a refusal is recorded under the subject that refused, too
            reason = self._refusal
            reason = reason or self._ask_builder("build", "unsupported", precision=self._precision)["reason"]
            if reason:
                raise Unsupported(reason)
            model = self._case.model
            graph = self._ask_reference(
                "graph",
                "prepare",
                request={
                    "source": str(model.source),
                    "source_is_path": isinstance(model.source, Path),
                    "precision": self._precision,
                    "feeds": self._feeds,
                    "calibration": model.calibration.to_json(),
                    "point": dict(self._case.profile.corner("opt").sizes),
                    "batch_axis": model.batch_axis,
                    "cache": str(self._bench.cache),
                },
            )
            self._case.profile.check_against(specs_from_json(graph["inputs"]))
            return graph

        return self._once("graph", prepare)

    def reference(self) -> Mapping[str, str]:
        """Compute inputs, outputs and layers of the FP32 graph, or find them in the cache: a folder for each point."""

        def compute() -> Reference:
            graph = self.graph()
            seed = self._case.model.name
            return make_reference(
                self._bench,
                lambda worker, method, /, **params: self._call(worker, "reference", method, **params),
                {
                    "graph": graph["fp32_path"],
                    "inputs": graph["inputs"],
                    "feeds": self._feeds,
                    "seed": seed,
                    "rows_along": self._rows_along(),
                },
                self._points,
                self._case.profile.smallest,
                key=stable_hash([graph["fp32_hash"], self._feeds, seed, graph["inputs"]]),
            )

        return self._once("reference", compute).folders

    def witnesses(self) -> Payload:
        """Let others compute the FP32 graph at every point; see harness.workers.witnesses."""

        def hear() -> Payload:
            folders = self.reference()
            facts = self._results["reference"].facts
            return self._ask_reference(
                "reference",
                "witnesses",
                request={
                    "graph": self.graph()["fp32_path"],
                    "points": {point.label: dict(point.sizes) for point in self._points},
                    "framework": self._case.model.framework_outputs,
                    "reference": f"{facts['runtime']} {facts['version']}" if facts else None,
                },
                folders=folders,
            )

        return self._once("witnesses", hear)

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

        return self._once("build", build)

    def outputs(self) -> Payload:
        """Compare the final outputs at every point."""

        def compare() -> Payload:
            self.build()
            folders = self.reference()
            self._bench.start_ahead(self._subject)
            return self._ask_builder(
                "run", "compare_outputs", engine=self._engine, folders=folders, tolerances=self._tolerances
            )

        return self._once("outputs", compare)

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

        return self._once("layers", compare)

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

        return self._once("layer_origins", analyse)

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

        return self._once("invariances", check)

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

        return self._once("task", judge)

    def cost(self) -> Payload:
        """Count the weights of the graph, and what one run takes at each point."""
        return self._once(
            "cost",
            lambda: self._ask_reference(
                "graph",
                "cost",
                graph=self.graph()["path"],
                fp32_graph=self.graph()["fp32_path"],
                points={point.label: dict(point.sizes) for point in self._points},
            ),
        )

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

        return self._once("trial", measure)

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

    def _rows_along(self) -> str | None:
        """Return the axis along which layers are compared row by row; None where each size of it needs a build."""
        return None if self.versions()["slow_builds"] else self._case.model.batch_axis

    def _calibration(self) -> Payload:
        """Return a folder for each sample that a builder calibrates with; none where the graph has its scales in it."""
        if self._case.precision.recipe != "int8-calibrator":
            return {"samples": [], "hash": ""}
        model, graph = self._case.model, self.graph()
        request = {
            "calibration": model.calibration.to_json(),
            "inputs": graph["inputs"],
            "feeds": self._feeds,
            "point": dict(self._case.profile.corner("opt").sizes),
            "batch_axis": model.batch_axis,
        }
        home = self._bench.cache / "calibration" / stable_hash([graph["fp32_hash"], request])[:24]
        return self._ask_reference("graph", "calibration_set", request=request, destination=str(home))

    def _once(self, step: str, compute: Callable[[], T]) -> T:
        if step in self._failures:
            raise NotReached(f"not run, because {step} failed: {str(self._failures[step]).splitlines()[0]}")
        if step not in self._results:
            try:
                self._results[step] = compute()
            except Unsupported:
                raise
            except HarnessError as failure:
                if not isinstance(failure, NotReached):
                    self._failures[step] = failure
                raise
        result: T = self._results[step]
        return result

    def _ask_builder(self, phase: str, method: str, **params: Any) -> Payload:
        return self._call(self._bench.builder(self._subject), phase, method, **params)

    def _ask_reference(self, phase: str, method: str, **params: Any) -> Payload:
        return self._call(self._bench.reference(), phase, method, **params)

    def _call(self, worker: WorkerClient, phase: str, method: str, **params: Any) -> Payload:
        with self._phases.phase(phase):
            answer: Payload = worker.call(method, deadline=self._timeout, **params)
        if "compare_seconds" in answer:
            self._phases.add(phase, -answer["compare_seconds"])
            self._phases.add("compare", answer["compare_seconds"])
        return answer
