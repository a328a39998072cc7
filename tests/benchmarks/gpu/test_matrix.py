from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.gpu.matrix import command_of, last_session, parsed, run_model
from harness.history.records import SessionRecord
from harness.history.rows import SessionRow
from harness.history.store import History
from tests.history.building import NOON

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

SETTINGS = {
    "models": ["digits"],
    "precisions": ["fp32", "fp16", "int8"],
    "subjects": ["trt86=/opt/trt86"],
    "build_options": ["optimization_level=1"],
    "gpu": "h200",
}


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> argparse.Namespace:
    """Lend a parsed command line."""
    words = f"--output {tmp_path}/o.json --gpu h200 --subject trt86=/opt/trt86 --db {tmp_path}/h.db --cache {tmp_path}"
    monkeypatch.setattr(sys, "argv", ["matrix.py", *words.split(), "--build-option", "optimization_level=1"])
    return parsed()


def session(number: int, status: str, **changes: Any) -> SessionRow:
    """Return a session as the history tells of it."""
    record = SessionRecord(id=f"s{number}", started_at=NOON, command="", settings=SETTINGS | changes)
    return SessionRow(record=record, status=status, finished_at=None, outcomes={}, verdicts={})


def test_a_command_runs_one_model_under_every_subject(arguments: argparse.Namespace) -> None:
    """Options go to pytest as they are, and a session that was interrupted is named."""
    command = command_of("digits", arguments, resume="s1")
    assert command[1:4] == ["-m", "pytest", "suites/"]
    pairs = list(zip(command[4::2], command[5::2], strict=True))
    assert ("--models", "digits") in pairs
    assert ("--subject", "trt86=/opt/trt86") in pairs
    assert ("--build-option", "optimization_level=1") in pairs
    assert pairs[-1] == ("--resume", "s1")
    assert "--resume" not in command_of("digits", arguments, resume="")


def test_only_a_session_of_the_same_work_is_gone_on_with(arguments: argparse.Namespace) -> None:
    """Another model, subject, precision or option makes it another session; of equal ones the newest counts."""
    others = [
        session(number, "finished", **{name: ["other"]})
        for number, name in enumerate(("models", "subjects", "precisions", "build_options"))
    ]
    same = [session(7, "interrupted"), session(8, "finished")]
    assert last_session(others, "digits", arguments) is None
    found = last_session([*same, *others], "digits", arguments)
    assert found is not None
    assert found.record.id == "s8"


def test_a_model_that_is_done_is_not_run_again(arguments: argparse.Namespace) -> None:
    """The history says so; nothing is started, however much time there is."""
    with History.open(arguments.db) as history:
        history.start_session(session(1, "").record)
        history.finish_session("s1", "finished")
    step = run_model("digits", arguments, time.monotonic() + 1000)
    assert step == {"model": "digits", "ended": "done before"}


def test_a_model_for_which_time_does_not_suffice_is_not_begun(arguments: argparse.Namespace) -> None:
    """A session that would be interrupted before its first engine is left to the next call."""
    assert run_model("digits", arguments, time.monotonic() + 60) == {"model": "digits", "ended": "not begun"}
