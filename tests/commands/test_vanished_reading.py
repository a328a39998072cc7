from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.commands.vanished_reading import lacking_cases
from harness.history.named_baselines import NamedBaseline
from harness.history.records import EnvironmentRecord
from harness.history.store import History
from tests.history.building import NOON, session, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ELSEWHERE = EnvironmentRecord(name="elsewhere", identity={"cpu": "other"})
GONE = trial(0, model="gone").case_id


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Return a new history."""
    with History.open(tmp_path / "history.db") as opened:
        yield opened


def ran(
    history: History, number: int, *models: str, finished: bool = True, commit: str = "a", **changes: Any
) -> list[int]:
    """Store a session that ran these models, and return its trials."""
    settings = {"pace": "quick", **changes.pop("settings", {})}
    history.start_session(replace(session(number), settings=settings, commit=commit))
    ids = [history.add_trial(trial(number, model=model, **changes)) for model in models]
    if finished:
        history.finish_session(session(number).id)
    return ids


def lacking(history: History, number: int, known: frozenset[str] | None = None) -> tuple[str | None, dict[str, str]]:
    """Return what a session lacks where git knows these commits."""
    with history.queries.snapshot() as connection:
        return lacking_cases(connection, history.queries.session(session(number).id), lambda _: known)


def test_cases_of_earlier_sessions_are_missed(history: History) -> None:
    """Also where the session just before had lacked them already."""
    ran(history, 1, "kept", "gone")
    ran(history, 2, "kept")
    ran(history, 3, "kept")
    assert lacking(history, 3) == (session(2).id, {GONE: session(1).id})
    assert lacking(history, 1) == (None, {})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"finished": False}, id="it did not finish"),
        pytest.param({"environment": ELSEWHERE}, id="it ran on another machine"),
        pytest.param({"settings": {"models": ["gone"]}}, id="it was asked for something else"),
        pytest.param({"settings": {"compare": ["a", "b"]}}, id="it compared two subjects"),
    ],
)
def test_sessions_that_cannot_be_compared_are_passed_over(history: History, changes: dict[str, Any]) -> None:
    """They neither miss anything nor take the place of one that does."""
    ran(history, 1, "kept", "gone", **changes)
    ran(history, 2, "kept")
    assert lacking(history, 2) == (None, {})


def test_only_as_many_sessions_as_make_a_baseline_are_remembered(history: History) -> None:
    """What has been gone for longer is no part of any baseline."""
    ran(history, 1, "kept", "gone")
    ran(history, 2, "kept")
    ran(history, 3, "kept", settings={"baseline_runs": 1})
    assert lacking(history, 3) == (session(2).id, {})


def test_only_what_was_merged_is_missed(history: History) -> None:
    """A case that another branch has is none of this one's, unless git does not know what was merged."""
    ran(history, 1, "kept", "gone", commit="theirs")
    ran(history, 2, "kept", settings={"merge_base": "a"})
    assert lacking(history, 2, frozenset({"a"})) == (None, {})
    assert lacking(history, 2, frozenset({"a", "theirs"})) == (session(1).id, {GONE: session(1).id})
    assert lacking(history, 2, None) == (session(1).id, {GONE: session(1).id})


def test_a_named_baseline_says_what_is_missed(history: History) -> None:
    """Its members are expected, and other sessions are not asked."""
    (kept, _) = ran(history, 1, "kept", "gone")
    (also,) = ran(history, 2, "also")
    made = NamedBaseline(name="release", revision=1, source="x", reason="so", author="Ada", created_at=NOON)
    history.pin(made, [kept, also])
    ran(history, 3, "kept", settings={"baseline": "release"})
    assert lacking(history, 3) == (session(2).id, {trial(0, model="also").case_id: session(2).id})
