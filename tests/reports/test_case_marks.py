from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from harness.history.decisions import Decision
from harness.history.named_baselines import NamedBaseline
from harness.history.rows import SeriesRow
from reports.case_marks import MarkView, marks_of
from tests.reports.sample_history import FIRST_DAY

STARTS = [FIRST_DAY + timedelta(days=day) for day in range(5)]
AT = FIRST_DAY + timedelta(days=1, hours=3)
SIGNED: dict[str, Any] = {"reason": "why\x1b[31m", "author": "Ada", "created_at": AT}


def a_series(number: int, metric: str, point: str) -> SeriesRow:
    """Return a series of the case ``net-fp16``."""
    return SeriesRow(number, "", "net-fp16", 1, "net", "fp16", "", metric, point, "", "")


SERIES = [
    a_series(1, "latency_host", "batch=1"),
    a_series(2, "latency_host", "batch=4"),
    a_series(3, "engine_bytes", ""),
]
QUARANTINE = Decision(
    action="quarantine", case="net-*", metric="latency_*", until=AT + timedelta(days=2), id=7, **SIGNED
)


def marks(*decisions: Decision, baselines: tuple[NamedBaseline, ...] = ()) -> list[MarkView]:
    """Return what decisions make of the case ``net-fp16``."""
    return list(marks_of("net-fp16", SERIES, decisions, baselines, STARTS))


def test_a_decision_stands_between_two_sessions_with_who_and_why() -> None:
    """It is before the first session that it could have changed, for the series that its patterns match."""
    (mark,) = marks(replace(QUARANTINE, point="batch=4"))
    assert (mark.kind, mark.author, mark.reason) == ("quarantined", "Ada", "why")
    assert mark.about == "latency_* at batch=4"
    assert mark.remark == "up to 2026-01-08"
    assert mark.series == (2,)
    assert mark.span == (1.5, 3.5)
    assert mark.times == (AT.timestamp(), (AT + timedelta(days=2)).timestamp())


def test_a_withdrawn_decision_says_so_and_ends_then() -> None:
    """The withdrawal is a remark on what it withdraws, and no mark of its own."""
    undone = Decision(
        action="withdraw", case="net-*", withdraws=7, reason="mended", author="Bob", created_at=AT + timedelta(days=1)
    )
    (mark,) = marks(QUARANTINE, undone)
    assert "withdrawn by Bob, 2026-01-07: mended" in mark.remark
    assert mark.span[1] == 2.5


@pytest.mark.parametrize(
    ("decision", "kind", "series"),
    [
        pytest.param(
            Decision(action="ack", case="net-fp16", **SIGNED), "accepted as the new level", (1, 2, 3), id="ack"
        ),
        pytest.param(Decision(action="drop", case="net-*", **SIGNED), "taken out", (1, 2, 3), id="drop"),
        pytest.param(
            Decision(action="alias", case="old", parameters={"new": "net-fp16"}, **SIGNED),
            "renamed",
            (1, 2, 3),
            id="alias of a former name",
        ),
        pytest.param(Decision(action="ack", case="other", **SIGNED), None, (), id="another case"),
        pytest.param(Decision(action="ack", case="net-fp16", metric="top1", **SIGNED), None, (), id="another metric"),
    ],
)
def test_what_a_decision_is_about(decision: Decision, kind: str | None, series: tuple[int, ...]) -> None:
    """Only decisions about the case and a metric that it has make a mark."""
    assert [(mark.kind, mark.series) for mark in marks(decision)] == ([(kind, series)] if kind else [])


def test_a_pinned_baseline_is_a_mark() -> None:
    """It says which revision, of what, and stands among the decisions by its date, the newest first."""
    baseline = NamedBaseline(
        name="release", revision=2, source="session 1", trials=3, reason="shipped", author="Eve",
        created_at=AT + timedelta(days=9),
    )  # fmt: skip
    first, second = marks(QUARANTINE, baselines=(baseline,))
    assert (first.kind, first.about) == ("pinned as a baseline", "release, revision 2: 3 trials of session 1")
    assert first.span == (4.5, None)
    assert second.kind == "quarantined"
