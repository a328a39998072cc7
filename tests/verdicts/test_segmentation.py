"""Divisions of sequences by least squares, held against trying all of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from harness.verdicts import segmentation


def _cost(values: np.ndarray, starts: list[int], penalty: float) -> float:
    left = segmentation.residuals(values, starts)
    return float(left @ left) + penalty * len(starts)


@pytest.mark.parametrize("shortest", [1, 3])
@pytest.mark.parametrize("seed", range(8))
def test_partition_is_the_best_of_all(seed: int, shortest: int) -> None:
    """No other division with segments of the least length costs less."""
    generator = np.random.default_rng(seed)
    values = generator.normal(0.0, 1.0, 12) + np.repeat(generator.normal(0.0, 3.0, 3), 4)
    penalty = 2.0
    divisions = [
        list(starts)
        for count in range(12 // shortest)
        for starts in itertools.combinations(range(1, 12), count)
        if np.all(np.diff([0, *starts, 12]) >= shortest)
    ]
    best = min(divisions, key=lambda starts: _cost(values, starts, penalty))
    assert segmentation.partition(values, penalty, shortest) == best


def test_partition_of_fewer_values_than_two_segments_is_whole() -> None:
    """Five values hold no two segments of three."""
    assert segmentation.partition(np.array([0.0, 0.0, 9.0, 9.0, 9.0]), 0.1, 3) == []


def test_deviation_ignores_levels_and_spikes() -> None:
    """The deviation of single values is found below two changes of the level and a few spikes."""
    generator = np.random.default_rng(1)
    values = generator.normal(0.0, 1.0, 2000) + np.repeat([0.0, 50.0], 1000)
    values[::100] += 1000
    assert segmentation.deviation_of(values) == pytest.approx(1.0, rel=0.1)


def test_deviation_of_a_coarse_clock_is_not_zero() -> None:
    """Where most neighbours are equal, the few that differ still count."""
    assert segmentation.deviation_of(np.array([1.0, 1.0, 1.0, 1.1, 1.0, 1.0])) == pytest.approx(np.sqrt(0.02 / 5 / 2))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0, 0, 0, 9, 0, 0, 0], [0] * 7, id="one stray value goes"),
        pytest.param([0, 0, 0, 0, 9, 9, 9, 0, 0, 0, 0], [0] * 11, id="three in a row go"),
        pytest.param([0] * 4 + [9] * 4 + [0] * 4, [0] * 4 + [9] * 4 + [0] * 4, id="four in a row stay"),
        pytest.param([0] * 6 + [9], [0] * 7, id="one at the end goes"),
        pytest.param([0] * 6 + [9] * 3, [0] * 6 + [9] * 3, id="three at the end stay"),
        pytest.param([9] * 3 + [0] * 6, [9] * 3 + [0] * 6, id="three at the beginning stay"),
        pytest.param([0, 0, 0, 4, 0, 0, 0], [0, 0, 0, 4, 0, 0, 0], id="what is near stays"),
    ],
)
def test_spikes(values: list[float], expected: list[float]) -> None:
    """Stray values are replaced by their neighbourhood's, and levels are left as they are."""
    assert segmentation.despiked(np.array(values, dtype=np.float64), 1.0).tolist() == expected


def test_residuals_are_what_the_means_leave() -> None:
    """Each segment's mean is taken from its values."""
    values = np.array([1.0, 3.0, 10.0, 20.0, 30.0])
    means, lengths = segmentation.means_of(values, [2])
    assert (means.tolist(), lengths.tolist()) == ([2.0, 20.0], [2.0, 3.0])
    assert segmentation.residuals(values, [2]).tolist() == [-1.0, 1.0, -10.0, 0.0, 10.0]


def test_split_gains_are_falls_of_the_sum_of_squares() -> None:
    """The gain of a place is what a second segment from there on saves."""
    values = np.random.default_rng(2).normal(0.0, 1.0, 9)
    gains = segmentation.split_gains(values, 2)
    expected = [_cost(values, [], 0.0) - _cost(values, [place], 0.0) for place in range(2, 8)]
    assert gains[2:8] == pytest.approx(expected)
    assert np.isneginf(gains[[0, 1, 8]]).all()
