from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.commands.ci_history import latest_session
from tests.conftest import ROOT
from tests.history.building import session

if TYPE_CHECKING:
    from pathlib import Path

Gate = Callable[..., subprocess.CompletedProcess[str]]

# Stands for pytest: remembers a session with one verdict, if it is given one, and ends as it is told.
PYTEST = """
import os, sys
from harness.history.store import History
from tests.history.building import remember, session, trial, verdict
status, number = os.environ["STATUS"], int(os.environ["NUMBER"])
if status:
    with History.open(sys.argv[sys.argv.index("--db") + 1]) as history:
        remember(history, trial(number, word=verdict(status)))
        history.finish_session(session(number).id)
sys.exit(int(os.environ["PYTEST_ENDS"]))
"""


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return a function that runs ``scripts/gate`` of a checkout whose pytest is a stand-in."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "suites").mkdir()
    (tmp_path / "pytest.py").write_text(PYTEST)
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\nif [ "$1 $2" = "-m pytest" ]; then shift 2; set -- "{tmp_path / "pytest.py"}" "$@"; fi\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    stamp = "source scripts/environment.sh; fingerprint > .venv/installed-$extras"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "EXTRAS"))}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHON": ""}
    subprocess.run(["bash", "-c", stamp], cwd=root, env=environment, check=True)

    def run(status: str, *options: str, ends: int = 0, number: int = 1) -> subprocess.CompletedProcess[str]:
        told = {"STATUS": status, "PYTEST_ENDS": str(ends), "NUMBER": str(number)}
        return subprocess.run(
            ["scripts/gate", *options], cwd=root, env=environment | told, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize(
    ("status", "options", "ends", "code"),
    [
        pytest.param("pass", (), 0, 0, id="nothing regressed"),
        pytest.param("regressed", (), 1, 1, id="something regressed"),
        pytest.param("insufficient", ("--count", "insufficient"), 0, 3, id="what is counted"),
        pytest.param("pass", (), 3, 2, id="pytest broke down after its session"),
        pytest.param("regressed", (), 2, 1, id="something regressed before pytest was interrupted"),
        pytest.param("", (), 4, 2, id="pytest did not start"),
    ],
)
def test_the_exit_code_is_the_answer(gate: Gate, status: str, options: tuple[str, ...], ends: int, code: int) -> None:
    """It is that of the gate, unless pytest did not come to its end: then nothing passes."""
    answer = gate(status, *options, ends=ends)
    assert answer.returncode == code, answer.stdout + answer.stderr


def test_an_earlier_session_is_not_judged_again(gate: Gate, tmp_path: Path) -> None:
    """A run that left no session is no pass, though the history holds one that passed; its files are gone."""
    assert gate("pass", "--keep").returncode == 0
    answer = gate("", ends=4)
    assert answer.returncode == 2
    assert "left no session behind" in answer.stderr
    assert not list((tmp_path / "checkout" / "build" / "gate").glob("gate.*"))


def test_only_what_is_kept_is_a_baseline(gate: Gate, tmp_path: Path) -> None:
    """Without --keep a run leaves the kept history as it was; all forms of the answer are there each time."""
    root = tmp_path / "checkout"
    kept = root / ".trt-harness" / "ci" / "history.db"
    for number, (options, latest) in enumerate([((), 0), (("--keep",), 2), ((), 2)], start=1):
        assert gate("pass", *options, number=number).returncode == 0
        assert latest_session(kept) == (session(latest).id if latest else "")
        assert {file.suffix for file in (root / "build" / "gate").glob("gate.*")} == {".md", ".xml", ".sarif"}


@pytest.mark.parametrize(
    "options", [pytest.param(("--nope",), id="unknown"), pytest.param(("--output",), id="no value")]
)
def test_wrong_options_are_refused(gate: Gate, options: tuple[str, ...]) -> None:
    """Before anything is done it ends with 2 and names the option."""
    answer = gate("pass", *options)
    assert answer.returncode == 2
    assert options[0] in answer.stderr
