from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import event

from reports.reading import read
from tests.reports.sample_history import NEW, OLD

if TYPE_CHECKING:
    from harness.history.records import SubjectRecord
    from harness.verdicts.gate import Status
    from reports.reading import Reading
    from tests.reports.sample_history import HistoryBuilder


def latency(reading: Reading, model: str) -> int:
    """Return the series of a model's latency at batch 4."""
    return next(
        row.id for row in reading.series if (row.model, row.metric, row.point) == (model, "latency_host", "batch=4")
    )


def test_the_series_of_a_model_are_read_together(builder: HistoryBuilder) -> None:
    """All series of one model take two statements, once, and another model two more."""
    session = builder.session(0)
    for model in ("resnet50", "encoder"):
        builder.history.add_trial(builder.trial(session, model, "fp16"))
    reading = read(builder.history)
    selects: list[str] = []
    event.listen(
        builder.history._engine, "before_cursor_execute", lambda *told: selects.append(told[2]), named=False
    )  # fmt: skip
    for row in (row for row in reading.series if row.model == "resnet50"):
        assert len(reading.runs[row.id]) == 1
    assert len([each for each in selects if each.startswith("SELECT")]) == 2
    assert reading.runs[latency(reading, "encoder")]
    assert len([each for each in selects if each.startswith("SELECT")]) == 4


def test_runs_of_chosen_series_are_those_of_the_mapping(builder: HistoryBuilder) -> None:
    """Reading few series of several models gives what the mapping gives; of none there is nothing."""
    for index in range(3):
        for model in ("resnet50", "encoder"):
            builder.history.add_trial(builder.trial(builder.session(index), model, "fp16"))
    reading = read(builder.history)
    chosen = [latency(reading, model) for model in ("resnet50", "encoder")]
    assert reading.runs.of(chosen) == {key: reading.runs[key] for key in chosen}
    assert reading.runs.of([]) == {}


def test_two_subjects_of_a_session_are_two_runs(builder: HistoryBuilder) -> None:
    """Each has its own confirmation, whose verdict goes to the run of its own subject."""
    session = builder.session(0)
    expected: list[tuple[SubjectRecord, Status]] = [(OLD, "pass"), (NEW, "regressed")]
    for subject, status in expected:
        trial = builder.trial(session, "resnet50", "fp16", subject=subject)
        builder.history.add_trial(trial)
        words = tuple(replace(each, verdict=replace(each.verdict, status=status)) for each in trial.verdicts)
        builder.history.add_trial(replace(trial, index=1, verdicts=words))
    reading = read(builder.history)
    runs = reading.runs[latency(reading, "resnet50")]
    assert [(run.subject, run.status) for run in runs] == [(OLD.hash, "pass"), (NEW.hash, "regressed")]


def test_what_a_running_session_commits_later_is_not_seen(builder: HistoryBuilder) -> None:
    """A trial that comes between the reading and the making of a page is for the next report."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=OLD))
    reading = read(builder.history)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=NEW))
    assert [run.subject for run in reading.runs[latency(reading, "resnet50")]] == [OLD.hash]
