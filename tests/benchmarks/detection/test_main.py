"""The program as a whole, on few runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.detection import __main__ as program
from benchmarks.detection.figures import at_most, share
from benchmarks.detection.rivals import RIVALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.detection.figures import Figure

ROOT = Path(program.__file__).parents[2]


def test_quick_run_measures_every_method_and_writes_nothing(tmp_path: Path) -> None:
    """Few runs are enough to go through every table and every rival, and leave no result behind."""
    command = [sys.executable, "-m", "benchmarks.detection", "--quick", "--results", str(tmp_path / "result.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("this gate", "find_changes", "compare_blocks", *(rival.name for rival in RIVALS)):
        assert f"| {name} |" in done.stdout
    assert "Otava not installed" in done.stdout
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize(
    ("alarms", "code"), [pytest.param(1, 0, id="goals reached"), pytest.param(50, 1, id="a goal missed")]
)
def test_full_run_writes_its_figures_and_says_if_a_goal_was_missed(
    alarms: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document holds every figure with its goal; the exit code is 1 if one was missed."""

    def measured(_size: program.Size, _otava: str) -> Iterator[Figure]:
        yield share(alarms, 100, table="Gate", method="ours", noise="some", what="alarms", goal=at_most(0.01))

    monkeypatch.setattr(program, "measure", measured)
    result = tmp_path / "result.json"
    assert program.main(["--results", str(result)]) == code
    document = json.loads(result.read_text())
    assert document["reached"] is (code == 0)
    assert document["figures"][0]["goal"] == "at most 0.01"
    assert document["figures"][0]["noise"] == "some"
