from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.gpu.stored import seconds_by_phase, sessions_of, trials_since
from harness.history.store import History
from tests.history.building import NOON, full_trial, remember, trial

if TYPE_CHECKING:
    from pathlib import Path


def test_trials_of_earlier_sessions_are_left_out(tmp_path: Path) -> None:
    """Sessions that began at the moment or later count, with all that their trials have."""
    database = tmp_path / "history.db"
    with History.open(database) as history:
        remember(history, trial(1), full_trial(2), trial(3))
    found = trials_since(str(database), NOON + timedelta(hours=2))
    assert [record.session for record in found] == [f"{2:012x}", f"{3:012x}"]
    assert found[0].conditions == full_trial(2).conditions
    assert [row.record.id for row in sessions_of(str(database))] == [f"{number:012x}" for number in (1, 2, 3)]


def test_where_there_is_no_history_there_are_no_trials(tmp_path: Path) -> None:
    """Nothing is made by asking."""
    database = tmp_path / "history.db"
    assert trials_since(str(database), NOON) == sessions_of(str(database)) == []
    assert not database.exists()


def test_phases_are_added_up_most_first() -> None:
    """Seconds of all trials, by phase."""
    trials = [replace(trial(1), phases={"build": 1.0, "measure": 2.5}), replace(trial(2), phases={"build": 3.0})]
    assert list(seconds_by_phase(trials).items()) == [("build", 4.0), ("measure", 2.5)]
