from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import event

from harness.history.records import FindingRecord, MeasurementRecord
from reports.reading import read, summarise
from tests.reports.sample_history import DESKTOP, NEW, OLD, HistoryBuilder

if TYPE_CHECKING:
    from harness.history.store import History


def statements_of(history: History) -> int:
    """Count the statements that one reading takes."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(history._engine, "before_cursor_execute", note)
    read(history)
    event.remove(history._engine, "before_cursor_execute", note)
    return len(statements)


def test_the_number_of_statements_does_not_grow(builder: HistoryBuilder) -> None:
    """A history of twelve trials is read with as many statements as one of a single trial."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    before = statements_of(builder.history)
    for index in range(1, 5):
        session = builder.session(index)
        for precision in ("fp32", "fp16", "int8"):
            builder.history.add_trial(builder.trial(session, "squeezenet", precision))
    assert statements_of(builder.history) == before


def test_runs_are_in_the_order_of_their_sessions(builder: HistoryBuilder) -> None:
    """Each session gives one run to each series, oldest first, with its subject."""
    for index, subject in enumerate((OLD, OLD, NEW)):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16", subject=subject))
    reading = read(builder.history)
    for runs in reading.runs.values():
        assert [run.session_id for run in runs] == [f"{index:012x}" for index in range(3)]
        assert [run.subject for run in runs] == [OLD.hash, OLD.hash, NEW.hash]


def test_a_confirmation_gives_its_verdict_and_not_its_value(builder: HistoryBuilder) -> None:
    """A run's value is its first trial's; its verdict is the last word of its session."""
    session = builder.session(0)
    first = builder.trial(session, "resnet50", "fp16")
    values = tuple(replace(each, value=each.value * 2) for each in first.measurements)
    verdicts = tuple(replace(each, verdict=replace(each.verdict, status="regressed")) for each in first.verdicts)
    builder.history.add_trial(first)
    builder.history.add_trial(replace(first, index=1, measurements=values, verdicts=verdicts))
    reading = read(builder.history)
    latency = next(row for row in reading.series if row.metric == "latency_host")
    (run,) = reading.runs[latency.id]
    assert run.value == next(m.value for m in first.measurements if m.point == latency.point)
    assert run.status == "regressed"


def test_only_the_last_sessions_of_each_machine_are_read(builder: HistoryBuilder) -> None:
    """A machine that is busy every day does not push out one that runs once a month."""
    rare = builder.session(0)
    builder.history.add_trial(builder.trial(rare, "resnet50", "fp16", environment=DESKTOP))
    for index in range(1, 6):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16"))
    reading = read(builder.history, last=2)
    assert [trial.session_id for trial in reading.trials] == ["000000000000", "000000000004", "000000000005"]
    assert {len(runs) for runs in reading.runs.values()} == {1, 2}


def test_the_oldest_sessions_leave_several_at_a_time(builder: HistoryBuilder) -> None:
    """Of at most twenty, the 21st pushes out two, and the 22nd none: the first one shown is the same as before."""
    firsts = []
    for index in range(23):
        builder.history.add_trial(
            builder.trial(builder.session(index), "resnet50", "fp16", measurements=(), verdicts=())
        )
        if index >= 19:
            trials = read(builder.history, last=20).trials
            firsts.append((trials[0].session_id[-2:], len(trials)))
    assert firsts == [("00", 20), ("02", 19), ("02", 20), ("04", 19)]


def test_a_newer_version_of_a_case_replaces_the_older(builder: HistoryBuilder) -> None:
    """Of a case whose meaning has changed, only the newest version is current."""
    first, second = builder.session(0), builder.session(1)
    builder.history.add_trial(builder.trial(first, "resnet50", "fp16"))
    builder.history.add_trial(builder.trial(second, "resnet50", "fp16", case_version=2, case_hash="2" * 64))
    ((cell,),) = read(builder.history).cells.values()
    assert cell.case_version == 2


@pytest.mark.parametrize(
    ("outcome", "stage", "failed", "regressed"),
    [
        pytest.param("failed", "layers", True, False, id="a failed check is a failure"),
        pytest.param("failed", "regression", False, True, id="a regression is none"),
        pytest.param("crashed", None, True, False, id="a crash is one"),
        pytest.param("ok", None, False, False, id="a pass is none"),
    ],
)
def test_failures_and_regressions_are_counted_apart(
    builder: HistoryBuilder, outcome: str, stage: str | None, failed: bool, regressed: bool
) -> None:  # fmt: skip
    """A trial that is only slower did not fail."""
    findings = (FindingRecord(stage=stage, outcome="failed"),) if stage else ()
    trial = builder.trial(builder.session(0), "resnet50", "fp16", outcome=outcome, findings=findings)
    builder.history.add_trial(trial)
    (brief,) = read(builder.history).trials
    assert (brief.failed, brief.regressed) == (failed, regressed)


def test_a_value_that_is_not_a_number_stays_one(builder: HistoryBuilder) -> None:
    """NaN comes back as NaN, not as nothing."""
    measured = (MeasurementRecord(metric="latency_host", point="batch=1", value=math.nan),)
    trial = builder.trial(builder.session(0), "resnet50", "fp16", measurements=measured, verdicts=())
    builder.history.add_trial(trial)
    ((run,),) = read(builder.history).runs.values()
    assert math.isnan(run.value)


@pytest.mark.parametrize(
    ("count", "p90", "p99"),
    [(63, False, False), (64, True, False), (661, True, False), (662, True, True)],
    ids=["too few for any", "enough for p90", "too few for p99", "enough for p99"],
)
def test_tails_need_samples(count: int, p90: bool, p99: bool) -> None:
    """A percentile is given only where the samples bear it."""
    summary = summarise(np.arange(count, dtype=np.float32))
    assert summary is not None
    assert (summary.p90 is not None, summary.p99 is not None) == (p90, p99)
    assert summary.count == count


def test_spread_is_robust() -> None:
    """One outlier in a thousand Gaussian samples does not change their spread."""
    samples = np.random.default_rng(0).normal(10.0, 0.5, 1000)
    samples[0] = 1e6
    summary = summarise(samples)
    assert summary is not None
    assert summary.spread == pytest.approx(0.05, rel=0.1)


def test_samples_without_a_number_have_no_summary() -> None:
    """Of nothing but NaN there is nothing to say."""
    assert summarise(np.full(100, np.nan)) is None
