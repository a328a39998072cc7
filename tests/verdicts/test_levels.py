"""Which levels are believed, by tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.verdicts import levels


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([5, 5, 5], [], id="a constant has no step"),
        pytest.param([5, 5, 6], [2], id="the last of three runs is a level"),
        pytest.param([5, 6, 6], [1], id="so is the first"),
        pytest.param([5] * 50 + [6], [50], id="the newest run counts at once"),
        pytest.param([5] * 3 + [6] * 3 + [7] * 3, [3, 6], id="levels of three runs"),
        pytest.param([5] * 8 + [6] + [5] * 8, [], id="a single run that comes back is a stray one"),
        pytest.param([5] * 8 + [6] + [5] * 8 + [7] * 3, [17], id="beside a stray run, three make a level"),
        pytest.param([5] * 8 + [6] + [5] * 8 + [7], None, id="beside a stray run, one makes none"),
        pytest.param([5, 6, 7], None, id="all different is noise"),
        pytest.param([5, 6] * 10, None, id="to and fro is noise"),
        pytest.param([5] * 4 + [6] * 2 + [7] * 4, None, id="two runs between levels are no level"),
        pytest.param([math.inf] * 4 + [90] * 4, [4], id="infinities are values like others"),
    ],
)
def test_lasting_levels(values: list[float], expected: list[int] | None) -> None:
    """Levels are exact where values repeat and last, and the rest is told from them as noise."""
    assert levels.lasting_levels(np.array(values, dtype=np.float64)) == expected


def _noisy(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, count)


def _starts(values: np.ndarray, *, smallest: float = 0.01, floor: float = 0.0, alpha: float = 0.001) -> list[int]:
    return [step.start for step in levels.noisy_levels(values, floor=floor, smallest=smallest, alpha=alpha)]


@pytest.mark.parametrize(
    ("level", "runs", "expected"),
    [
        pytest.param(0.1, 3, [7], id="three of ten runs that lie far out are a level, though ranks cannot show it"),
        pytest.param(0.1, 2, [], id="two are the gate's to confirm"),
        pytest.param(0.025, 3, [], id="three that lie not far enough are none"),
    ],
)
def test_newest_of_few_runs(level: float, runs: int, expected: list[int]) -> None:
    """Where ranks cannot reach the level of significance, Student's t decides over runs that do not overlap."""
    values = _noisy(10, seed=4)
    values[10 - runs :] += level
    assert _starts(values) == expected


def test_short_levels_that_overlap_are_none() -> None:
    """A few runs of which one lies among those before are no level, however far the others lie."""
    values = np.array([0.0, 0.01, -0.01, 0.005, -0.005, 0.002, -0.002, 0.5, 0.5, 0.5])
    assert _starts(values) == [7]
    values[0] = 0.51
    assert _starts(values) == []


def test_smallest_shift() -> None:
    """A step that is evident but smaller than the smallest shift is dropped."""
    values = _noisy(200)
    values[100:] += 0.02
    assert _starts(values, smallest=0.015) == [100]
    assert _starts(values, smallest=0.03) == []


def test_alpha() -> None:
    """A step whose p is not below alpha is dropped."""
    values = _noisy(60)
    values[30:] += 0.02
    (step,) = levels.noisy_levels(values, floor=0.0, smallest=0.01, alpha=0.001)
    assert 0 < step.p < 1e-4
    assert _starts(values, alpha=step.p) == []


def test_floor_of_the_instrument() -> None:
    """A step of the size of the clock's tick is no step."""
    values = np.round(_noisy(60) / 20, 3)
    values[30:] += 0.01
    assert _starts(values, smallest=0.0) == [30]
    assert _starts(values, smallest=0.0, floor=0.02) == []


def test_place_is_told_with_its_uncertainty() -> None:
    """A large step is placed exactly, and a small one within an interval that holds the truth."""
    values = _noisy(100)
    values[60:] += 0.2
    (large,) = levels.noisy_levels(values, floor=0.0, smallest=0.01, alpha=0.001)
    assert (large.low, large.start, large.high) == (60, 60, 60)
    values[60:] -= 0.185
    (small,) = levels.noisy_levels(values, floor=0.0, smallest=0.01, alpha=0.001)
    assert small.low < small.high
    assert small.low <= 60 <= small.high


def test_dropped_steps_leave_the_others_at_their_best_place() -> None:
    """What a dropped step held apart belongs to one level, whose end is found anew."""
    series = levels._Series(
        _noisy(60) + np.repeat([0.0, 0.1], 30), np.repeat([0.0, 0.1], 30), floor=0.01, inflation=1.0
    )
    starts = [10, 27, 50]
    series._drop(starts, 2)
    assert starts == [10, 30]


def test_levels_of_exact_values_between_stray_runs() -> None:
    """Values that leave no variance at all once stray ones are put aside raise no numerical warning."""
    values = np.array([1.0, 1, 1, 1, 1.5, 1, 1, 1, 1, 2, 2, 2, 2, 2.5, 2, 2, 2, 2, 2.5, 2, 2, 2, 2, 2])
    assert levels.lasting_levels(values) is None
    assert _starts(values) == [9]


def test_runs_that_resemble_their_neighbours_are_worth_fewer() -> None:
    """The variance of a mean is inflated where what the levels leave is autocorrelated, and only there."""
    assert levels._inflation(_noisy(400), []) == 1.0
    values = np.zeros(2000)
    for i, noise in enumerate(_noisy(1999), start=1):
        values[i] = 0.5 * values[i - 1] + noise
    assert levels._inflation(values, []) == pytest.approx(3.0, rel=0.15)
    assert levels._inflation(np.cumsum(_noisy(400)), []) == pytest.approx(19.0)


def test_p_is_weakened_as_a_larger_variance_would() -> None:
    """The p of two standard deviations becomes that of one, if the variance is four times as large; certainty stays."""
    series = levels._Series(np.zeros(6), np.zeros(6), floor=0.0, inflation=4.0)
    assert series._weakened(0.0455) == pytest.approx(0.3173, abs=1e-4)
    assert (series._weakened(0.0), series._weakened(1.0)) == (0.0, 1.0)
