from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from harness.case_records import CaseRecords
from harness.cases import FP16, Case, Model, Profile
from harness.history.records import FindingRecord
from harness.workers.subject import Subject
from tests.conftest import ENVIRONMENT
from tests.test_trials import BUILT

if TYPE_CHECKING:
    from harness.history.records import TrialRecord

CASE = Case(Model(name="m", source="zoo:m"), FP16, Profile())
STATIC = CASE.profile.smallest.label
TRIAL: dict[str, Any] = {
    "quality": "contended",
    "conditions": {"waited_seconds": 5.0},
    "milliseconds": None,
    "load_seconds": 0.25,
    "host_memory_peak": 4096,
    "samples": {STATIC: {"host": [2.0, 2.0, 2.0]}},
}


def records_of(**answers: Any) -> CaseRecords:
    """Return the records of a case whose steps answered so; the others were not run."""
    around: Any = SimpleNamespace(session="0123456789ab", environment=ENVIRONMENT, board=None)
    return CaseRecords(CASE, Subject("onnxruntime"), around, answers.get)


def first_of(records: CaseRecords) -> TrialRecord:
    """Return the first trial of a case that began at noon and failed."""
    noon = datetime(2031, 5, 1, 12, tzinfo=timezone.utc)
    findings = [FindingRecord(stage="build", outcome="failed", message="no such operator")]
    return records.first(
        started_at=noon, outcome="failed", message="no such operator", phases={"build": 1.0}, findings=findings,
        verdicts=(),
    )  # fmt: skip


def test_of_steps_that_were_not_run_nothing_is_told() -> None:
    """A case that came to nothing is recorded with what is known without any answer."""
    record = first_of(records_of())
    assert (record.case_id, record.outcome, record.message) == (CASE.id, "failed", "no such operator")
    assert (record.subject.runtime, record.subject.version) == ("onnxruntime", "")
    assert (record.engine, record.quality, record.conditions) == (None, "ok", {})
    assert (record.measurements, record.tensor_errors) == ((), ())


def test_what_steps_answered_is_told() -> None:
    """The software is the worker's own word, and the measurements are those of build, trial and cost."""
    versions = {"runtime": "onnxruntime", "version": "1.31.1", "libraries": {"onnx": "1.20"}}
    cost = {"weight_bytes": 640, "points": {}, "problem": ""}
    record = first_of(records_of(versions=versions, build=BUILT, trial=TRIAL, cost=cost))
    assert (record.subject.version, record.subject.libraries) == ("1.31.1", {"onnx": "1.20"})
    assert record.engine is not None
    assert record.engine.bytes == BUILT["bytes"]
    assert (record.quality, record.conditions["waited_seconds"]) == ("contended", 5.0)
    values = {measurement.metric: measurement.value for measurement in record.measurements}
    assert (values["engine_bytes"], values["latency_host"], values["weight_bytes"]) == (2000.0, 2.0, 640.0)


def test_a_further_trial_tells_its_timings_alone() -> None:
    """What was found once is in the first trial; one that follows has another number and its own machine's state."""
    records = records_of(build=BUILT, trial=TRIAL)
    first = first_of(records)
    further = records.further(first, 2, first.engine, {**TRIAL, "quality": "ok", "conditions": {}})
    assert (further.index, further.outcome, further.message, further.quality) == (2, "ok", "", "ok")
    assert (further.findings, further.verdicts, further.phases, further.conditions) == ((), (), {}, {})
    assert "engine_bytes" not in {measurement.metric for measurement in further.measurements}
    assert further.engine == first.engine
