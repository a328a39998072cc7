"""Models to compare subjects with, and runs of them that take no time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.cases import FP32, Model, Profile
from harness.history.records import FindingRecord, MeasurementRecord, SubjectRecord, TrialRecord
from tests.history.building import MACHINE, NOON, trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cases import Case
    from harness.surroundings import Surroundings
    from harness.workers.subject import Subject


def _model(name: str, source: str) -> Model:
    return Model(name=name, source=source, profiles=(Profile({"batch": (1, 2, 4)}),), precisions=(FP32,))


CATALOGUE = (
    _model("fine", "tests.tiny:convnet"),
    _model("other", "tests.tiny:convnet"),
    _model("broken", "tests.tiny:convnet_of_unknown_operator"),
)


@dataclass
class Machine:
    """What runs on it come to.

    Attributes:
        milliseconds: (case, subject) -> latency of the next trial.
        quality: (case, number of the trial) -> whether it can be trusted.
        outcome: (case, subject) -> how its trials end.
        order: subjects in the order in which they were timed, by case.
    """

    milliseconds: Callable[[str, str], float] = lambda _case, _subject: 1.0
    quality: Callable[[str, int], str] = lambda _case, _number: "ok"
    outcome: Callable[[str, str], str] = lambda _case, _subject: "ok"
    order: dict[str, list[str]] = field(default_factory=dict)

    def run(self, case: Case, subject: Subject, around: Surroundings) -> PretendedRun:
        """Make what stands for a ``harness.session.CaseRun``."""
        return PretendedRun(self, case, subject, around)


class PretendedRun:
    """A case under a subject whose engine is there at once and is timed by the clock of a ``Machine``."""

    def __init__(self, machine: Machine, case: Case, subject: Subject, around: Surroundings) -> None:
        self._machine, self._case, self._subject = machine, case, subject
        version = SubjectRecord(name=subject.name, runtime="onnxruntime", version=f"1.{subject.name}")
        self._first = trial(
            1,
            model=case.model.name,
            session=around.session,
            case_id=case.id,
            case_hash=case.hash,
            subject=version,
            environment=MACHINE,
            started_at=NOON,
            findings=(FindingRecord(stage="build", outcome="passed"),),
            measurements=(MeasurementRecord(metric="engine_bytes", point="", value=1000.0),),
        )

    def check(self, _stage: str) -> None:
        """Find nothing wrong."""

    def records(self) -> list[TrialRecord]:
        """Return what the build left."""
        return [self._first]

    def another_trial(self) -> TrialRecord:
        """Return a trial of what the machine says."""
        model, name = self._case.model.name, self._subject.name
        timed = self._machine.order.setdefault(model, [])
        timed.append(name)
        outcome = self._machine.outcome(model, name)
        return replace(
            self._first,
            outcome=outcome,  # type: ignore[arg-type]
            message="" if outcome == "ok" else "signal 11\nthe end of its log",
            quality=self._machine.quality(model, len(timed)),  # type: ignore[arg-type]
            findings=(),
            measurements=(
                MeasurementRecord(
                    metric="latency_host", point="batch=1", value=self._machine.milliseconds(model, name)
                ),
                MeasurementRecord(metric="host_memory_peak", point="", value=1e8),
            ),
        )

    def close(self) -> None:
        """Have nothing to remove."""
