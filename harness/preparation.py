"""What a case needs before it has an engine: its graph, its reference, what one run costs; asked of workers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases import specs_from_json
from harness.cases.feed import feed_to_json
from harness.errors import Unsupported
from harness.history.records import stable_hash
from harness.reference import Reference, make_reference
from harness.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cases import Case, Point
    from harness.workbench import Phases, Workbench
    from harness.workers.client import WorkerClient
    from harness.workers.subject import Subject

Payload = dict[str, Any]


class Preparation:
    """The steps of one case under one subject that need no engine.

    A step does what it needs and has not been done. Asked again it answers from memory; if it failed, whoever asks next
    gets NotReached, so that one broken build is one failure and not eight.

    Args:
        case: what is prepared.
        subject: what it is prepared for.
        workbench: the workers.
        phases: where the time is counted.
        points: of the profile, those that are run.
        timeout: seconds after which a worker is killed.
        refusal: why the hardware cannot compute in the case's precision, where that is so.
    """

    def __init__(
        self,
        case: Case,
        subject: Subject,
        workbench: Workbench,
        phases: Phases,
        *,
        points: Sequence[Point],
        timeout: float,
        refusal: str | None,
    ) -> None:
        self._case, self._subject, self._bench, self._phases = case, subject, workbench, phases
        self._points = points
        self._timeout = timeout
        self._refusal = refusal
        self._feeds = {name: feed_to_json(feed) for name, feed in case.model.feeds.items()}
        self._precision = case.precision.to_json()
        self._steps = Steps()

    def done(self, step: str) -> Any:
        """Return what ``step`` returned, or None if it was not run or failed."""
        return self._steps.done(step)

    def versions(self) -> Payload:
        """Say which software builds this case."""
        return self._steps.once("versions", lambda: self._ask_builder("build", "versions"))

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

        return self._steps.once("graph", prepare)

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

        return self._steps.once("reference", compute).folders

    def witnesses(self) -> Payload:
        """Let others compute the FP32 graph at every point; see harness.workers.witnesses."""

        def hear() -> Payload:
            folders = self.reference()
            facts = self._steps.done("reference").facts
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

        return self._steps.once("witnesses", hear)

    def cost(self) -> Payload:
        """Count the weights of the graph, and what one run takes at each point."""
        return self._steps.once(
            "cost",
            lambda: self._ask_reference(
                "graph",
                "cost",
                graph=self.graph()["path"],
                fp32_graph=self.graph()["fp32_path"],
                points={point.label: dict(point.sizes) for point in self._points},
            ),
        )

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
