"""What the steps of one case came to, as the records that the history keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cases.target import number_type_of
from harness.history.records import MeasurementRecord, SubjectRecord, TrialRecord
from harness.invariances import invariance_measurements
from harness.reference_stage import reference_conditions, reference_measurements
from harness.rooflines import cost_conditions, roofline_measurements, rooflines_of
from harness.trials import (
    accuracy_measurements,
    build_measurements,
    engine_record,
    graph_record,
    layer_conditions,
    tensor_errors,
    timing_measurements,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from harness.cases import Case
    from harness.history.records import EngineRecord, FindingRecord, Outcome, VerdictRecord
    from harness.measurement.roofline import Roofline
    from harness.surroundings import Surroundings
    from harness.workers.subject import Subject


class CaseRecords:
    """Reads what the steps of a case answered, and runs none of them: of a step that was not run nothing is told.

    Args:
        case: what was run.
        subject: what it was run by.
        around: the session's id, its environment and its board are taken from it.
        done: step -> what it answered, None if it was not run or failed.
    """

    def __init__(self, case: Case, subject: Subject, around: Surroundings, done: Callable[[str], Any]) -> None:
        self._case, self._subject, self._around, self._done = case, subject, around, done
        self._number_type = number_type_of(case.precision)

    def first(
        self,
        *,
        started_at: datetime,
        outcome: Outcome,
        message: str,
        phases: Mapping[str, float],
        findings: Iterable[FindingRecord],
        verdicts: Iterable[VerdictRecord],
    ) -> TrialRecord:
        """Return the record of the case's first trial, which has everything that was found of the case.

        Args:
            started_at: when the case began, UTC.
            outcome: how it ended.
            message: why, where it did not end well.
            phases: seconds by phase.
            findings: how each of its stages ended.
            verdicts: on its gated metrics.
        """
        versions = self._done("versions") or {"runtime": self._subject.runtime, "version": "", "libraries": {}}
        trial, outputs, layers = (self._done(step) for step in ("trial", "outputs", "layers"))
        return TrialRecord(
            session=self._around.session,
            case_id=self._case.id,
            case_hash=self._case.hash,
            case_version=self._case.model.version,
            model=self._case.model.name,
            precision=self._case.precision.name,
            profile=self._case.profile.name,
            environment=self._around.environment,
            subject=SubjectRecord(
                name=self._subject.name,
                runtime=versions["runtime"],
                version=versions["version"],
                libraries=versions["libraries"],
            ),
            started_at=started_at,
            outcome=outcome,
            message=message,
            quality=trial["quality"] if trial else "ok",
            conditions=self._conditions(),
            phases=phases,
            engine=self.engine(),
            graph=graph_record(self._done("graph")),
            measurements=tuple(self.measurements()),
            tensor_errors=tuple(
                tensor_errors(outputs["points"] if outputs else None, layers, self._case.profile.smallest.label)
            ),
            findings=tuple(findings),
            verdicts=tuple(verdicts),
        )

    def further(
        self, first: TrialRecord, index: int, engine: EngineRecord | None, trial: Mapping[str, Any]
    ) -> TrialRecord:
        """Return the record of one more trial of the same case, which has its timings alone.

        Args:
            first: the record of the first trial.
            index: the trial's number within the case.
            engine: what was timed.
            trial: the answer of ``measure``.
        """
        return replace(
            first,
            index=index,
            engine=engine,
            outcome="ok",
            message="",
            quality=trial["quality"],
            conditions=trial["conditions"],
            phases={},
            measurements=tuple(self.timings(trial)),
            tensor_errors=(),
            findings=(),
            verdicts=(),
        )

    def engine(self) -> EngineRecord | None:
        """Return the record of the case's engine, with the time of each layer if it was profiled; None without one."""
        built, trial = self._done("build"), self._done("trial")
        return engine_record(built, trial["milliseconds"] if trial else None) if built else None

    def measurements(self) -> list[MeasurementRecord]:
        """Return everything that was measured of the case's engine and of its first trial."""
        built, outputs = self._done("build"), self._done("outputs")
        trial, task, cost = (self._done(step) for step in ("trial", "task", "cost"))
        measurements = build_measurements(built) if built else []
        measurements += accuracy_measurements(outputs["points"]) if outputs else []
        measurements += reference_measurements(self._done("witnesses"))
        measurements += self.timings(trial) if trial else []
        invariances = self._done("invariances")
        measurements += invariance_measurements(invariances, self._case) if invariances else []
        if cost:
            measurements.append(MeasurementRecord(metric="weight_bytes", point="", value=float(cost["weight_bytes"])))
        if task:
            measurements += [MeasurementRecord(metric=m, point="", value=v) for m, v in task["metrics"].items()]
        return measurements

    def timings(self, trial: Mapping[str, Any]) -> list[MeasurementRecord]:
        """Return what one trial measured, the answer of ``measure``, and how far it is from the board's roofline."""
        timings = timing_measurements(trial, self._case)
        return timings + roofline_measurements(timings, self._rooflines())

    def _conditions(self) -> dict[str, Any]:
        trial, reference = self._done("trial"), self._done("reference")
        facts = self._around.environment.facts
        return {
            **(trial["conditions"] if trial else {}),
            **({"reference": reference.facts} if reference and reference.facts else {}),
            **reference_conditions(self._done("witnesses")),
            **({"machine": dict(facts)} if facts else {}),
            **layer_conditions(self._done("layers")),
            **cost_conditions(self._done("cost"), self._rooflines(), self._around.board, self._number_type),
        }

    def _rooflines(self) -> dict[str, Roofline]:
        return rooflines_of(self._done("cost"), self._around.board, self._number_type)
