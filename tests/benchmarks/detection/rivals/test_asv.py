"""asv's steps, by series whose steps are plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.rivals import asv
from tests.benchmarks.detection.rivals.histories import runs_at

LEVEL = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0]


def found(values: list[float]) -> list[int]:
    """Return the regressions of one series."""
    (steps,) = asv.fitted_steps(np.array([values]))
    return asv.regressions(steps)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(LEVEL, [], id="a level has no regression"),
        pytest.param(LEVEL + [1.2 * value for value in LEVEL], [10], id="a step up is one, at its first run"),
        pytest.param([1.2 * value for value in LEVEL] + LEVEL, [], id="a step down is none"),
        pytest.param([*LEVEL, 1.3, *LEVEL], [], id="one slow run that is followed by fast ones is none"),
        pytest.param(LEVEL + [1.03 * value for value in LEVEL], [], id="3 percent is below the threshold"),
        pytest.param([1.0] * 12, [], id="a constant has none"),
    ],
)
def test_regressions(values: list[float], expected: list[int]) -> None:
    """Upward steps of more than 5 % that last are regressions."""
    assert found(values) == expected


def test_dip_of_one_run_makes_no_regression_of_what_follows() -> None:
    """A level that comes back after one fast run has not risen; after two fast runs it has."""
    slow, fast = 1.2, 1.0
    for length, expected in ((1, []), (2, [12])):
        ends = [0, 10, 10 + length, 20]
        levels = [slow, fast, slow]
        steps = [asv.Step(*ends[i : i + 2], level=levels[i], error=0.0) for i in range(3)]
        assert asv.regressions(steps) == expected


def test_pieces_cover_the_series() -> None:
    """The fitted pieces follow each other from the first run to the last, at the median of their runs."""
    values = LEVEL + [2.0 * value for value in LEVEL]
    (steps,) = asv.fitted_steps(np.array([values]))
    assert [(step.left, step.right) for step in steps] == [(0, 10), (10, 20)]
    assert [step.level for step in steps] == pytest.approx([1.0, 2.0])
    assert steps[0].error == pytest.approx(0.006)


def test_series_are_fitted_one_by_one() -> None:
    """A series is fitted in the company of others as it is alone."""
    drawn = np.exp(np.random.default_rng(3).normal(0, 0.02, (20, 15)))
    drawn[::2, 9:] *= 1.15
    together = asv.fitted_steps(drawn)
    assert together == [asv.fitted_steps(series[None])[0] for series in drawn]


def test_alarm_on_the_new_run() -> None:
    """A new run far above a steady history is an alarm, one at its level is none."""
    history = runs_at(LEVEL, LEVEL)
    assert asv.alarms(history, runs_at([1.5], [1.0])).tolist() == [True, False]
