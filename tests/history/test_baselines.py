"""Baselines as they are read from a history; which runs are good is tested in tests/verdicts/test_baseline.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.decisions import Decision
from harness.history.named_baselines import NamedBaseline
from harness.history.records import EngineRecord, SubjectRecord
from harness.verdicts.baseline import Lineage
from tests.history.building import MACHINE, NOON, remember, session, trial, verdict

if TYPE_CHECKING:
    from harness.history.store import History

CASE = trial(0).case_id
SIGNED: dict[str, Any] = {"reason": "it is so", "author": "Ada", "created_at": NOON}
REGRESSED = verdict("regressed", k=5)


def baseline(history: History, **options: Any) -> list[float]:
    """Return the baseline of the one series that these tests write."""
    return history.queries.baseline_values(CASE, 1, MACHINE.hash, "latency_host", "batch4", **options)


def acknowledge(history: History, number: int, trial_id: int) -> int:
    """Acknowledge what a session found in the one series, and return the decision's number."""
    decision = Decision(action="ack", case=CASE, parameters={"session": session(number).id}, **SIGNED)
    (series,) = history.queries.series_list()
    return history.decide(decision, [(series.id, trial_id)])


def test_an_acknowledged_change_begins_a_level(history: History) -> None:
    """The trials of that session and good runs since make the baseline, further builds of it and older runs do not."""
    other_build = EngineRecord(fingerprint="f", bytes=1, build_seconds=2.0)
    remember(history, *(trial(number) for number in range(1, 11)))
    first, *_ = remember(
        history,
        trial(11, value=1.30, word=REGRESSED),
        *(trial(11, value=1.31, index=index) for index in (1, 2)),
        trial(11, value=9.0, index=3, engine=other_build),
        trial(12, value=1.32, word=REGRESSED),
        trial(13, value=1.60, word=REGRESSED),
    )
    assert baseline(history) == [1.0] * 10
    number = acknowledge(history, 11, first)
    remember(history, trial(14, value=1.33), trial(15, value=1.70, word=REGRESSED))
    assert baseline(history) == [1.30, 1.31, 1.31, 1.32, 1.33]
    assert baseline(history, before_session=session(11).id) == [1.0] * 10
    assert baseline(history, runtime="onnxruntime") == [1.30, 1.31, 1.31, 1.32, 1.33]
    assert baseline(history, runtime="tensorrt") == []
    history.decide(Decision(action="withdraw", case=CASE, withdraws=number, **SIGNED))
    assert baseline(history) == [1.0] * 10 + [1.33]


def test_an_acknowledgement_knows_the_newest_trial(history: History) -> None:
    """It is stored with the decision, since later alarms are against the new level."""
    *_, last = remember(history, trial(1, word=REGRESSED), trial(2))
    acknowledge(history, 1, 1)
    (decision,) = history.queries.decisions()
    assert decision.parameters == {"session": session(1).id, "newest_trial": last}


def test_a_level_is_of_one_runtime(history: History) -> None:
    """What was acknowledged of one runtime leaves the baseline of another as it is."""
    other = SubjectRecord(name="cuda", runtime="onnxruntime-cuda", version="1.31.1")
    remember(history, trial(1, value=2.0, subject=other), trial(1))
    (_, slow) = remember(history, trial(2, value=2.0, subject=other), trial(2, value=1.3, word=REGRESSED))
    acknowledge(history, 2, slow)
    assert baseline(history, runtime="onnxruntime") == [1.3]
    assert baseline(history, runtime="onnxruntime-cuda") == [2.0, 2.0]


def test_a_lineage_is_of_commits(history: History) -> None:
    """With a target branch, sessions of other commits, and those of none, stay out."""
    for number, commit in enumerate(("a", "b", "c", None), start=1):
        history.start_session(replace(session(number), commit=commit, branch="main"))
        history.add_trial(trial(number, value=float(number)))
    assert baseline(history) == [1.0, 2.0, 3.0, 4.0]
    assert baseline(history, lineage=Lineage(base=frozenset("ab"), line=frozenset("abc"))) == [1.0, 2.0]


def test_a_renamed_case_goes_on(history: History) -> None:
    """Runs under former names are runs of the series, in the order in which they came."""
    was = trial(1, model="was").case_id
    remember(history, trial(1, value=1.0, model="was"), trial(2, value=2.0), trial(3, value=3.0, model="was"))
    assert baseline(history) == [2.0]
    assert baseline(history, former_names=[was]) == [1.0, 2.0, 3.0]
    assert baseline(history, former_names=[was], last=2) == [2.0, 3.0]


def test_a_named_baseline_has_its_members_and_no_others(history: History) -> None:
    """It is what was pinned, whatever was judged, acknowledged or run since; a clock still wants a quiet machine."""
    ids = remember(
        history,
        trial(1, value=1.0),
        trial(2, value=2.0, word=REGRESSED),
        trial(3, value=3.0, quality="contended"),
        trial(4, value=4.0),
    )
    made = NamedBaseline(name="release", revision=1, source="three sessions", **SIGNED)
    number = history.pin(made, ids[:3])
    acknowledge(history, 4, ids[3])
    assert baseline(history, named=number) == [1.0, 2.0]
    assert baseline(history, named=number, any_quality=True) == [1.0, 2.0, 3.0]
    assert baseline(history, named=number, pace="full") == []
    assert history.queries.named_baselines() == [replace(made, trials=3, id=number)]


@pytest.mark.parametrize("status", ["regressed", "quarantined"])
def test_what_a_quarantine_hides_is_an_alarm(history: History, status: Any) -> None:
    """A regression that does not fail is no less a regression."""
    remember(history, trial(1), trial(2, value=1.3, word=verdict(status)))
    remember(history, trial(3, value=1.4, word=verdict("inconclusive")), trial(3, index=4, word=verdict(status)))
    assert baseline(history) == [1.0]
