from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.records import MeasurementRecord
from harness.history.store import History
from harness.tolerances.spread import BuildSpread, build_spread
from tests.history.building import full_trial, remember, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.history.records import TrialRecord


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Lend an empty history."""
    with History.open(tmp_path / "history.db") as opened:
        yield opened


def built(number: int, ratio: float, build: int) -> TrialRecord:
    """Return a trial of an engine of its own build, whose outputs reach a ratio in dB."""
    engine = full_trial(number).engine
    assert engine is not None
    measured = (MeasurementRecord(metric="output_sqnr_db", point="batch=1", value=ratio),)
    return trial(number, engine=replace(engine, build_seconds=float(build)), measurements=measured)


def test_builds_of_one_case_are_compared_by_their_medians(history: History) -> None:
    """Two builds at 30 and 33 dB lie 3 dB apart, however often each was run."""
    for number, (ratio, build) in enumerate([(30.0, 1), (30.0, 1), (33.0, 2)], start=1):
        remember(history, built(number, ratio, build))
    record = trial(1)
    spread = build_spread(history.queries, record.model, record.case_version, record.precision)
    assert spread == BuildSpread(2, 3.0)


def test_one_build_has_no_spread(history: History) -> None:
    """Where a case was built once, nothing is known, which is not the same as nothing to be known."""
    remember(history, built(1, 30.0, 1))
    record = trial(1)
    assert build_spread(history.queries, record.model, record.case_version, record.precision) == BuildSpread(1, None)


@pytest.mark.parametrize("other", [{"model": "another"}, {"version": 9}, {"precision": "bf16"}])
def test_other_cases_do_not_count(history: History, other: dict[str, Any]) -> None:
    """Builds of another model, version or precision say nothing of this one."""
    remember(history, built(1, 30.0, 1))
    record = trial(1)
    named = {"model": record.model, "version": record.case_version, "precision": record.precision, **other}
    assert build_spread(history.queries, **named) == BuildSpread(0, None)


def test_without_a_history_nothing_is_known() -> None:
    """A first session has none to ask."""
    assert build_spread(None, "net", 1, "int8") == BuildSpread(0, None)
