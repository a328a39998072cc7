from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.commands.operators_text import markdown_table
from harness.history.records import EnvironmentRecord, MeasurementRecord
from harness.history.store import History
from tests.history.building import NEW, OLD, remember, trial

if TYPE_CHECKING:
    from pathlib import Path

    from harness.history.records import Outcome, SubjectRecord, TrialRecord
    from tests.commands.conftest import Shell

ELSEWHERE = EnvironmentRecord(name="elsewhere", identity={"cpu": "other"})


def ran(
    number: int, subject: SubjectRecord, name: str, outcome: Outcome, precision: str = "fp32", **more: Any
) -> TrialRecord:
    """Return the trial of an operator case in a session."""
    return trial(
        number, model="operators", case_id=f"operators-{precision}-{name}", case_hash=f"{precision} {name}",
        profile=name, precision=precision, subject=subject, outcome=outcome,
        message="" if outcome == "ok" else f"it {outcome} | it\nand more", conditions={"operator": name.title()},
        measurements=(MeasurementRecord(metric="operator_error", point="", value=2.5),), **more,
    )  # fmt: skip


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Return a history of two versions, of which the newer one lost two operators and won one."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        remember(
            history,
            trial(1, subject=OLD),
            ran(1, OLD, "abs", "crashed"),
            ran(2, OLD, "abs", "ok"),
            ran(2, OLD, "conv", "ok"),
            ran(2, OLD, "conv", "ok", "fp16"),
            ran(2, OLD, "relu", "unsupported"),
            ran(3, NEW, "abs", "failed"),
            ran(3, NEW, "conv", "ok"),
            ran(3, NEW, "relu", "ok"),
        )
    return str(path)


def test_each_subject_has_its_table(db: str, shell: Shell) -> None:
    """The newest first, with the newest trial of each case, and what does not pass below."""
    answer = shell("operators", "--db", db)
    assert answer.exit_code == 0
    lines = [line.rstrip() for line in answer.stdout.splitlines() if line.strip()]
    assert [line for line in lines if " on cpu: EPYC" in line] == [
        "onnxruntime 1.31.1 on cpu: EPYC, 2 cores", "onnxruntime 1.30.0 on cpu: EPYC, 2 cores"
    ]  # fmt: skip
    assert "all       2 pass, 1 fail" in lines
    assert "all       2 pass, 1 unsupported  1 pass" in lines
    assert "abs   fp32       fail  it failed | it" in lines
    assert not any("crash" in line for line in lines)


def test_one_subject_can_be_chosen(db: str, shell: Shell) -> None:
    """By its version, as by its name."""
    data = json.loads(shell("operators", "--db", db, "--subject", "1.30.0", "--format", "json").stdout)
    (subject,) = data["subjects"]
    assert subject["software"] == "onnxruntime 1.30.0"
    assert subject["counts"] == {"fp32": {"ok": 2, "unsupported": 1}, "fp16": {"ok": 1}}
    assert subject["operators"]["Conv"] == {"fp32": {"ok": 1}, "fp16": {"ok": 1}}
    assert subject["not_passing"] == [
        {
            "case": "relu",
            "operator": "Relu",
            "precision": "fp32",
            "outcome": "unsupported",
            "error_share": 2.5,
            "message": "it unsupported | it\nand more",
        }
    ]


@pytest.mark.parametrize("name", ["onnxruntime 1.30.0", "1.30.0", "onnxruntime"])
def test_two_subjects_are_compared_exactly(db: str, shell: Shell, name: str) -> None:
    """What was lost comes first and ends the command with 1; what was not run is no pass."""
    answer = shell("operators", "--db", db, "--against", name, "--format", "json")
    assert answer.exit_code == 1
    data = json.loads(answer.stdout)
    assert (data["subject"], data["against"]) == ("onnxruntime 1.31.1", "onnxruntime 1.30.0")
    assert [(each["case"], each["precision"], each["change"]) for each in data["differences"]] == [
        ("abs", "fp32", "regressed"),
        ("conv", "fp16", "not run"),
        ("relu", "fp32", "improved"),
    ]


def test_what_only_got_better_ends_with_zero(tmp_path: Path, shell: Shell) -> None:
    """An improvement is told, and no reason to fail."""
    with History.open(tmp_path / "better.db") as history:
        remember(history, ran(1, OLD, "abs", "failed"), ran(2, NEW, "abs", "ok"))
    answer = shell("operators", "--db", "better.db", "--against", "1.30.0")
    assert answer.exit_code == 0
    assert "improved  abs   fp32       fail    pass   it failed | it" in answer.stdout


def test_machines_are_told_apart(tmp_path: Path, shell: Shell) -> None:
    """The same software on another machine has a table of its own, and a comparison names both."""
    with History.open(tmp_path / "two.db") as history:
        remember(history, ran(1, NEW, "abs", "ok"), ran(2, NEW, "abs", "ok", environment=ELSEWHERE))
    assert len(json.loads(shell("operators", "--db", "two.db", "--format", "json").stdout)["subjects"]) == 2
    answer = shell("operators", "--db", "two.db", "--against", "1.31.1")
    assert answer.exit_code == 0
    assert "on elsewhere and cpu: EPYC, 2 cores: nothing" in answer.stdout


def test_markdown_cannot_be_broken_by_a_message(db: str, shell: Shell) -> None:
    """A bar in a reason ends no cell."""
    answer = shell("operators", "--db", db, "--format", "markdown")
    assert "| abs | fp32 | fail | it failed \\| it |" in answer.stdout
    assert markdown_table(("a",), [("x\ny`",)]) == "| a |\n| --- |\n| x y\\` |"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("--against", "1.29"), "'1.29' is no subject whose operators this history has", id="no subject"),
        pytest.param(("--db", "models.db"), "run them: pytest suites/ -m operators", id="no operators"),
    ],
)
def test_what_cannot_be_shown_says_so(
    db: str, tmp_path: Path, shell: Shell, arguments: tuple[str, ...], text: str
) -> None:
    """With exit code 2, as every command that cannot be done as asked."""
    with History.open(tmp_path / "models.db") as history:
        remember(history, trial(1))
    answer = shell("operators", "--db", db, *arguments)
    assert answer.exit_code == 2
    assert text in answer.stderr


def test_compare_leaves_operators_to_this_command(tmp_path: Path, shell: Shell) -> None:
    """A thousand series without noise would drown those of the models."""
    with History.open(tmp_path / "both.db") as history:
        remember(history, *(trial(n, subject=OLD if n == 1 else NEW) for n in (1, 2)))
        remember(history, ran(1, OLD, "abs", "ok"), ran(2, NEW, "abs", "failed"))
    sides = ("session:000000000001", "session:000000000002")
    answer = shell("compare", *sides, "--db", "both.db")
    assert "squeezenet" in answer.stdout
    assert "abs" not in answer.stdout
