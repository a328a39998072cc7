"""The writer of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.history.records import MeasurementRecord
from harness.history.store import History
from harness.recorder import Recorder, command_line, session_record
from harness.settings import Settings
from tests.history.building import session, trial

if TYPE_CHECKING:
    from pathlib import Path


def test_a_session_that_ends_finds_what_changed(tmp_path: Path) -> None:
    """The first run of a new size shows the change, for sizes have no noise, and its session stores it, once."""
    with History.open(tmp_path / "history.db") as history:
        found = []
        for number, size in enumerate([1.0, 1.0, 1.0, 2.0, 2.0, 2.0], start=1):
            recorder = Recorder(history, session(number))
            recorder.add(trial(number, measurements=(MeasurementRecord(metric="engine_bytes", point="", value=size),)))
            recorder.finish("finished")
            found.append(len(history.queries.change_points()))
    assert found == [0, 0, 0, 1, 1, 1]


def test_a_session_without_a_trial_leaves_nothing(tmp_path: Path) -> None:
    """What was never begun is not finished either."""
    with History.open(tmp_path / "history.db") as history:
        Recorder(history, session(1)).finish("finished")
        assert history.queries.sessions() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["/opt/venv/bin/pytest", "suites/", "--quick"], "pytest suites/ --quick", id="a script"),
        pytest.param(["/opt/venv/site-packages/pytest/__main__.py", "suites/"], "pytest suites/", id="python -m"),
        pytest.param(
            ["pytest", "suites/", "-k", "not int8", "--report", ""],
            "pytest suites/ -k 'not int8' --report ''",
            id="quotes",
        ),
    ],
)
def test_a_command_is_told_as_it_was_typed(arguments: list[str], told: str) -> None:
    """The folder of the program is left out, and a package that was run as a module has its own name."""
    assert command_line(arguments) == told


def test_no_password_is_stored(tmp_path: Path) -> None:
    """Of the history's address, the settings that are kept and shown in reports have what comes around it."""
    record = session_record("0" * 12, tmp_path, {"db": "postgresql+psycopg://ada:s:e/c@host:5432/db", "builds": 1})
    assert record.settings["db"] == "postgresql+psycopg://ada:***@host:5432/db"
    assert record.settings["builds"] == 1
    assert Settings(db="postgresql://ada:secret@host/db").shown_db == "postgresql://ada:***@host/db"
