from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.history.store import History
from tests.history.building import remember, trial

if TYPE_CHECKING:
    from tests.commands.conftest import Shell

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Return a history of two sessions with nine trials each, the second of them slower."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        for number, level in ((1, 1.0), (2, 1.3)):
            noise = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.0, 1.003)
            remember(history, *(trial(number, index=i, value=level * each) for i, each in enumerate(noise)))
    return path


def test_two_interpreters_are_run_in_turns(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One interpreter under two names does not regress; a case that neither can build is told for both."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TRT_HARNESS_CATALOGUE", "tests.commands.comparing:CATALOGUE")
    answer = shell(
        *("compare", f"one={sys.executable}", f"two={sys.executable}", "--models", "fine,broken", "--quick"),
        *("--gpu", "cpu", "--blocks", 6, "--format", "json", "--output", "found/comparison.json"),
    )
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("from one to two: ")
    found = json.loads((tmp_path / "found" / "comparison.json").read_text(encoding="utf-8"))
    rows = {row["metric"]: row for row in found["series"]}
    assert {name: rows[name]["word"] for name in ("engine_bytes", "output_cosine", "output_sqnr_db")} == dict.fromkeys(
        ("engine_bytes", "output_cosine", "output_sqnr_db"), "pass"
    )
    assert rows["host_memory_peak"]["n_a"] == 6
    assert rows["latency_host"]["word"] in {"pass", "inconclusive", "insufficient", "missing"}
    assert {(problem["case"], problem["side"]) for problem in found["problems"]} == {
        ("broken-fp32-batch1x2x4", "a"),
        ("broken-fp32-batch1x2x4", "b"),
    }
    assert all("Nope" in problem["reason"] for problem in found["problems"])
    assert sys.executable not in json.dumps(found)
    with History.open(tmp_path / ".trt-harness" / "history.db", read_only=True) as history:
        row = history.queries.session(found["session"])
    assert (row.status, row.outcomes) == ("finished", {})


def test_stored_sessions_are_shown_as_a_table(shell: Shell, stored: Path) -> None:
    """Case, metric, point, both levels, effect, interval and word stand in one line, and the evidence is qualified."""
    answer = shell("compare", "latest~1", "latest", "--db", stored)
    assert answer.exit_code == 1, answer.output
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("squeezenet-fp16")]
    assert line.split()[:8] == [
        "squeezenet-fp16-batch1x4x16",
        "latency_host",
        "batch4",
        "1.00",
        "ms",
        "1.30",
        "ms",
        "+30",
    ]
    assert line.split()[-1] == "regressed"
    assert "weaker evidence" in answer.stdout
    assert answer.stdout.splitlines()[-1].endswith("1 regressed (exit code 1)")


def test_markdown_is_a_table_with_escaped_cells(shell: Shell, stored: Path) -> None:
    """A pipe in a name does not break the table."""
    with History.open(stored) as history:
        for number in (1, 2):
            remember(history, trial(number, model="a|b<c"))
    answer = shell("compare", "latest~1", "latest", "--db", stored, "--format", "markdown")
    assert answer.exit_code == 1
    assert (
        "| a\\|b&lt;c-fp16-batch1x4x16 | latency_host | batch4 | 1.00 ms | 1.00 ms | 0 % |  | insufficient |"
        in answer.stdout
    )
    assert "\n|---|---|---|---|---|---|---|---|\n" in answer.stdout


def test_json_is_all_that_is_printed(shell: Shell, stored: Path) -> None:
    """Standard output is one JSON document with every figure."""
    found = json.loads(shell("compare", "latest~1", "latest", "--db", stored, "--format", "json").stdout)
    (series,) = found["series"]
    assert (found["way"], found["exit_code"], found["words"]) == ("stored", 1, {"regressed": 1})
    assert series["effect"] == pytest.approx(0.3)
    assert series["low"] < series["effect"] < series["high"]
    assert series["q"] is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("latest", "latest"), "are the same session", id="the same twice"),
        pytest.param(("nope", "latest"), "nothing called 'nope'", id="unknown"),
        pytest.param((f"x={sys.executable}", "latest"), "is to be run", id="one run and one stored"),
        pytest.param(("x=/nowhere/python", "y=/nowhere/python"), "there is no interpreter", id="no interpreter"),
        pytest.param(("latest~1", "latest", "--quick", "--full"), "contradict", id="two paces"),
        pytest.param(("latest~1", "latest", "--metrics", "speed"), "'speed' is no metric", id="an unknown metric"),
        pytest.param(
            ("latest~1", "latest", "--output", "/proc/none/x"), "cannot be written", id="a file that cannot be"
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_two(
    shell: Shell, stored: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Usage errors go to standard error, with nothing on standard output."""
    answer = shell("compare", *arguments, "--db", stored)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert said in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_without_a_history_there_is_nothing_to_look_up(shell: Shell) -> None:
    """The error says how to get one."""
    answer = shell("compare", "latest~1", "latest")
    assert answer.exit_code == 2
    assert "there is no history" in answer.stderr
