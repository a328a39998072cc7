from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.history.decisions import Decision
from harness.history.policies import add_decision
from harness.history.records import MeasurementRecord
from harness.history.store import History
from tests.history.building import NEW, NOON, OLD, remember, session, trial

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Shell


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Return a history in which two models grew, the first with a new version, which was accepted."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        for number in range(1, 13):
            history.start_session(replace(session(number), commit=f"{number % 2}" * 40, dirty=False))
            for model, since in (("first", 5), ("second", 8)):
                size = MeasurementRecord(metric="engine_bytes", point="", value=2e6 if number >= since else 1e6)
                subject = NEW if number >= 5 else OLD
                remember(history, trial(number, model=model, measurements=(size,), subject=subject))
        history.find_change_points(session(12).id)
        (_, first) = history.queries.change_points()
        decision = Decision(action="ack", case="first*", reason="more | kernels", author="Ada", created_at=NOON)
        with history._transaction() as connection:
            add_decision(connection, decision, [(first.series.id, first.trial_id)])
    return str(path)


def test_changes_are_listed_with_what_else_changed(db: str, shell: Shell) -> None:
    """The newest comes first; version and commit of the two runs are told, and who accepted it."""
    answer = shell("changes", "--db", db)
    assert answer.exit_code == 0
    _, second, first = answer.stdout.splitlines()
    assert second.startswith("2024-06-01 20:01")
    assert "second-fp16-batch1x4x16  engine_bytes" in second
    assert "+100\u00a0%" in second
    assert "commit: 111111111111 → 000000000000" in second
    assert "runtime: onnxruntime 1.30.0 → onnxruntime 1.31.1" in first
    assert first.rstrip().endswith("Ada, 2024-06-01: more | kernels")


def test_every_format_has_the_same_changes(db: str, shell: Shell) -> None:
    """JSON has every difference as an object, CSV as a sentence."""
    data = json.loads(shell("changes", "--db", db, "--format", "json").stdout)
    rows = list(csv.DictReader(shell("changes", "--db", db, "--format", "csv").stdout.splitlines()))
    assert [row["case_id"] for row in rows] == [change["case_id"] for change in data]
    assert (data[1]["effect"], data[1]["unit"], data[1]["previous_trial_id"]) == (pytest.approx(1.0), "B", 7)
    assert {"name": "runtime", "before": "onnxruntime 1.30.0", "after": "onnxruntime 1.31.1"} in data[1]["differences"]
    assert "runtime: onnxruntime 1.30.0 → onnxruntime 1.31.1" in rows[1]["differences"]
    assert set(rows[0]) == set(data[0])


@pytest.mark.parametrize(
    ("options", "models"),
    [
        pytest.param(("--case", "first-*"), ["first"], id="by case"),
        pytest.param(("--metric", "latency_*"), [], id="by metric"),
        pytest.param(("--limit", "1"), ["second"], id="the newest"),
    ],
)
def test_changes_can_be_narrowed(db: str, shell: Shell, options: tuple[str, ...], models: list[str]) -> None:
    """Patterns are those of a shell."""
    data = json.loads(shell("changes", "--db", db, "--format", "json", *options).stdout)
    assert [change["case_id"].partition("-")[0] for change in data] == models


def test_no_change_is_said(db: str, shell: Shell) -> None:
    """An empty table says that it is empty."""
    assert shell("changes", "--db", db, "--case", "nothing").stdout == "no change of a level is known\n"


def test_a_history_that_is_not_there_ends_with_two(shell: Shell) -> None:
    """As every command that cannot be done as asked."""
    answer = shell("changes", "--db", "missing.db")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: ")
