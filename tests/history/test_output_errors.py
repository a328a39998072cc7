from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.output_errors import output_errors
from harness.history.records import TensorErrorRecord
from harness.history.store import History
from tests.history.building import full_trial, remember, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.history.records import TrialRecord

ASKED: dict[str, Any] = {"model": "squeezenet", "version": 1, "precision": "fp16"}


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Lend an empty history."""
    with History.open(tmp_path / "history.db") as opened:
        yield opened


def ran(number: int, ratio: float, *, build: int = 1, scope: Any = "outputs", **changes: Any) -> TrialRecord:
    """Return a trial of the engine of a build, of which one tensor was compared."""
    engine = full_trial(number).engine
    assert engine is not None
    error = TensorErrorRecord(
        scope=scope, position=0, tensor="y", operator="", point="batch=1", errors={"sqnr_db": ratio}, passed=True
    )
    return trial(number, engine=replace(engine, build_seconds=float(build)), tensor_errors=(error,), **changes)


def test_each_run_gives_an_error_with_its_build_and_place(history: History) -> None:
    """Two runs of one build share it, a third of another build does not, and the newest comes first."""
    remember(history, ran(1, 50.0), ran(2, 51.0), ran(3, 55.0, build=2))
    found = output_errors(history.queries, **ASKED)
    assert [error.sqnr_db for error in found] == [55.0, 51.0, 50.0]
    assert found[0].build != found[1].build == found[2].build
    assert {(error.output, error.place[0], error.place[2], error.place[3]) for error in found} == {
        ("y", "squeezenet-fp16-batch1x4x16", "onnxruntime", "batch=1")
    }


def test_an_infinite_ratio_is_a_number(history: History) -> None:
    """What JSON has as text comes back as infinity."""
    remember(history, ran(1, float("inf")))
    assert [error.sqnr_db for error in output_errors(history.queries, **ASKED)] == [float("inf")]


@pytest.mark.parametrize("changes", [{"outcome": "failed"}, {"scope": "layers"}], ids=["a failed trial", "a layer"])
def test_only_outputs_of_sound_engines_count(history: History, changes: dict[str, Any]) -> None:
    """An engine that failed a stage says nothing of sound ones, nor does a layer of an output."""
    remember(history, ran(1, 50.0, **changes))
    assert output_errors(history.queries, **ASKED) == []


@pytest.mark.parametrize("other", [{"model": "another"}, {"version": 9}, {"precision": "bf16"}])
def test_other_cases_do_not_count(history: History, other: dict[str, Any]) -> None:
    """Engines of another model, version or precision say nothing of this one."""
    remember(history, ran(1, 50.0))
    assert output_errors(history.queries, **{**ASKED, **other}) == []
