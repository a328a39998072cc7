"""Ranks of two samples, held against scipy and against counting by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.verdicts import ranks


def _array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((1, 2, 3), (4, 5, 6, 7), id="apart"),
        pytest.param((1, 5, 3), (4, 2, 6, 7), id="overlapping"),
        pytest.param((4, 5, 6, 7), (1, 2, 3), id="the smaller sample second"),
        pytest.param((1, 1, 2, 2), (2, 3, 3), id="with ties"),
        pytest.param((1, 1), (1, 1, 1), id="all equal"),
    ],
)
def test_small_samples_are_counted(before: tuple[float, ...], after: tuple[float, ...]) -> None:
    """The p of small samples is the share of all ways to deal out the ranks that are as extreme, ties included."""
    pooled = sorted(before + after)
    rank = {value: np.mean([i + 1 for i, other in enumerate(pooled) if other == value]) for value in pooled}
    mean = len(before) * (len(pooled) + 1) / 2
    sums = [sum(deal) for deal in itertools.combinations([rank[value] for value in pooled], len(before))]
    observed = abs(sum(rank[value] for value in before) - mean)
    expected = np.mean([abs(total - mean) >= observed - 1e-9 for total in sums])
    assert ranks.rank_sum_p(_array(*before), _array(*after)) == pytest.approx(expected)


@pytest.mark.parametrize("decimals", [9, 1])
@pytest.mark.parametrize("counts", [(10, 40), (11, 40), (60, 30)])
def test_p_is_that_of_scipy(counts: tuple[int, int], decimals: int) -> None:
    """With and without ties, counted or approximated, p agrees with scipy's test."""
    from scipy.stats import mannwhitneyu

    generator = np.random.default_rng(sum(counts))
    before = np.round(generator.normal(0.0, 1.0, counts[0]), decimals)
    after = np.round(generator.normal(0.8, 1.0, counts[1]), decimals)
    counted = min(counts) <= 10 and decimals == 9
    expected = mannwhitneyu(before, after, method="exact" if counted else "asymptotic").pvalue
    tolerance = 1e-6 if counted or min(counts) > 10 else 0.1
    assert ranks.rank_sum_p(before, after) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(("before", "after"), [(3, 7), (7, 3), (5, 9), (10, 90), (4, 5000)])
def test_smallest_p_is_reached_by_samples_that_lie_apart(before: int, after: int) -> None:
    """No p is smaller than that of two samples that do not overlap, and a long sample counts with 100 values."""
    low, high = np.arange(before, dtype=np.float64), before + np.arange(after, dtype=np.float64)
    assert ranks.rank_sum_p(low, high) == pytest.approx(ranks.smallest_p(before, after))
    assert ranks.smallest_p(3, 7) == pytest.approx(2 / math.comb(10, 3))
    assert ranks.smallest_p(4, 5000) == ranks.smallest_p(4, 100)


def test_equal_long_samples_do_not_differ() -> None:
    """Where all ranks are tied, p is 1."""
    assert ranks.rank_sum_p(np.ones(20), np.ones(20)) == 1.0


def test_shift_is_the_median_of_all_differences() -> None:
    """The shift is that of Hodges and Lehmann, which an outlier does not move."""
    before, after = _array(1, 2, 3), _array(11, 12, 1000)
    assert ranks.shift(before, after) == np.median([b - a for a in before for b in after])
    assert ranks.shift(before, after) == 10


def test_shift_of_long_samples_is_that_of_their_near_ends() -> None:
    """Of long samples the values next to the change count, not those of long ago."""
    before = np.concatenate([np.zeros(1000), np.ones(500)])
    after = np.concatenate([np.full(500, 3.0), np.full(1000, 9.0)])
    assert ranks.shift(before, after) == 2.0
