from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.operators.small_library import write_small_library
from tests.test_plugin import CATALOGUE, ROOT, command, environment, rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.test_plugin import Run

ITEM = "test_operators.py::test_operators"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout as a user has it, with the operator suite over a small library."""
    (tmp_path / "catalogue.py").write_text(CATALOGUE)
    (tmp_path / "pyproject.toml").write_text('[tool.trt-harness]\ncatalogue = "catalogue:CATALOGUE"\n')
    (tmp_path / "suites").mkdir()
    for file in ("test_engines.py", "test_operators.py"):
        shutil.copy(ROOT / "suites" / file, tmp_path / "suites")
    write_small_library(tmp_path / ".trt-harness" / "cache")
    return tmp_path


@pytest.fixture
def run(checkout: Path) -> Run:
    """Return a function that runs a session over the checkout and waits for it."""

    def start(*arguments: str, quick: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments, quick=quick),
            cwd=checkout,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return start


@pytest.mark.parametrize("way", ["by its marker", "by its file"])
def test_the_suite_runs_where_it_is_asked_for(checkout: Path, run: Run, way: str) -> None:
    """Every case is an item: a pass, a failure with by how much, a refusal with its reason."""
    if way == "by its file":
        asked = [part if part != "suites" else "suites/test_operators.py" for part in command("-v")]
        result = subprocess.run(
            asked, cwd=checkout, env=environment(), capture_output=True, text=True, timeout=180, check=False
        )
    else:
        result = run("-m", "operators", "-v")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout + result.stderr
    assert f"{ITEM}[relu-fp32] PASSED" in result.stdout
    assert f"{ITEM}[relu-fp16] PASSED" in result.stdout
    assert f"{ITEM}[abs_of_another_mind-fp32] FAILED" in result.stdout
    assert f"{ITEM}[nope-fp32] UNSUPPORTED" in result.stdout
    assert "instead of" in result.stdout
    assert "reproduce: pytest suites/ -m operators -k '[abs_of_another_mind-fp32'" in result.stdout
    assert "operators: onnxruntime" in result.stdout
    assert rows(checkout, "select count(*) from trial") == [(4,)]


def test_a_plain_session_leaves_it_alone(checkout: Path, run: Run) -> None:
    """Its cases are not even listed; the one item that stands for them is deselected."""
    shutil.rmtree(checkout / ".trt-harness")
    result = run("--models", "first", "--precisions", "fp32", "-k", "build or operators", "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert ITEM not in result.stdout
    assert not (checkout / ".trt-harness" / "cache" / "operators").exists()
    assert rows(checkout, 'select distinct model from "case"') == [("first",)]


def test_k_selects_operators(checkout: Path, run: Run) -> None:
    """As pytest does it, by a part of the name or by the whole of it."""
    result = run("-m", "operators", "-k", "[relu-fp16", "-v")
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--precisions", "tf32"), "'tf32' is no precision of the operator suite"),
        (("--subject", "new=/no/python"), "there is no interpreter at '/no/python'"),
        (("--stop-after", "soon"), "--stop-after takes a number of seconds above 0, e.g. 480, not 'soon'"),
    ],
    ids=["no such precision", "no such interpreter", "a deadline that is no number"],
)
def test_what_cannot_be_done_ends_in_one_sentence(
    checkout: Path,
    run: Run,
    arguments: tuple[str, ...],
    text: str,
) -> None:
    """As for the models."""
    result = run("-m", "operators", *arguments)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert text in result.stderr + result.stdout


def test_an_operator_that_passed_and_does_not_now_is_a_regression(checkout: Path, run: Run) -> None:
    """One good session is enough; the gate counts it, and so does the comparison of the sessions that follow."""
    cache = checkout / ".trt-harness" / "cache"
    write_small_library(cache, wrong_by=0.0)
    assert run("-m", "operators").returncode == 0
    write_small_library(cache, wrong_by=1.0)
    for _ in range(2):
        result = run("-m", "operators")
        assert result.returncode == pytest.ExitCode.TESTS_FAILED
        assert "regressed operators-fp32-abs_of_another_mind: it held in 1 earlier run and does not" in result.stdout
    status = "select status, count(*) from verdict group by 1 order by 1"
    assert rows(checkout, status) == [("pass", 7), ("regressed", 2)]


def test_the_models_do_not_miss_the_operators(checkout: Path, run: Run) -> None:
    """A session that did not ask for the suite has lost nothing by that, and its report has no page of it."""
    run("-m", "operators")
    result = run("--models", "first", "--precisions", "fp32")
    assert result.returncode == 0, result.stdout
    gate = subprocess.run(
        [sys.executable, "-m", "harness.cli", "gate", "--json"],
        cwd=checkout, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "relu" not in json.dumps(json.loads(gate.stdout))
    pages = {page.name for page in (checkout / "build" / "report").glob("*.html")}
    assert not any("operators" in name for name in pages)
    assert "abs_of_another_mind" not in (checkout / "build" / "report" / "index.html").read_text()


def test_a_session_that_ran_out_of_time_is_resumed(checkout: Path, run: Run) -> None:
    """--stop-after ends the session as interrupted, with the command's id; --resume runs the rest and no more."""
    stopped = run("-m", "operators", "--stop-after", "0.000001")
    assert stopped.returncode == pytest.ExitCode.INTERRUPTED
    ((identity, status),) = rows(checkout, "select id, status from session")
    assert status == "interrupted"
    assert f"go on with --resume {identity}" in stopped.stdout
    again = run("-m", "operators", "--resume", identity, "-k", "relu")
    assert again.returncode == 0, again.stdout
    rest = run("-m", "operators", "--resume", identity, "-v")
    assert f"session {identity}, 2 cases recorded already" in rest.stdout
    assert f"{ITEM}[relu-fp16] PASSED" in rest.stdout
    assert rows(checkout, "select count(*), count(distinct case_id) from trial") == [(4, 4)]


def test_two_subjects_are_two_items(checkout: Path, run: Run) -> None:
    """Each runs every case, in a worker of its own, and is named in its items."""
    result = run(
        "-m", "operators", "-k", "relu", "--subject", f"a={sys.executable}", "--subject", f"b={sys.executable}", "-v"
    )
    assert f"{ITEM}[relu-fp32@a] PASSED" in result.stdout
    assert f"{ITEM}[relu-fp32@b] PASSED" in result.stdout


def test_operators_run_under_xdist(checkout: Path, run: Run) -> None:
    """The controller writes what the workers ran."""
    result = run("-m", "operators", "-n", "2")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout
    assert rows(checkout, "select count(*) from trial") == [(4,)]
