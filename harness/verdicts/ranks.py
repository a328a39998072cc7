"""Two samples by their ranks: whether one lies above the other, and by how much. Numbers in, numbers out.

Ranks do not care how far an outlier lies out, and assume no distribution. The test is that of Mann & Whitney 1947 ("On
a test of whether one of two random variables is stochastically larger than the other"), the shift that of Hodges &
Lehmann 1963 ("Estimates of location based on rank tests").
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# With so few runs in one sample the normal approximation is off where p is near 0.001, and counting is quick.
_COUNTED_UP_TO = 10
# Counting against more runs than this would take longer and tell no more.
_COUNTED_AGAINST = 100
# Pairwise differences of more runs than this move the median of them by next to nothing.
_PAIRED_UP_TO = 500


def rank_sum_p(before: Values, after: Values) -> float:
    """Return the two-sided p of Mann and Whitney's test that neither sample lies above the other.

    Where the smaller sample has at most 10 values, all ways to deal the pooled values out are counted, ties included
    (its permutation distribution; Lehmann 1975, Nonparametrics, chapter 1). A larger one is held against the 100 values
    nearest to it alone. Above 10 values, the normal approximation with corrections for ties and continuity (ibid.).

    Args:
        before: [m] in the order of time, not empty.
        after: [n] likewise.
    """
    if min(before.size, after.size) <= _COUNTED_UP_TO:
        return _counted_p(*_nearest(before, after, _COUNTED_AGAINST))
    ranks = _doubled_ranks(np.concatenate([before, after])) / 2
    total, count = ranks.size, before.size
    statistic = abs(float(ranks[:count].sum()) - count * (total + 1) / 2)
    # The variance of the ranks themselves carries the correction for ties.
    variance = count * after.size / (total - 1) * float(ranks.var())
    if variance == 0:
        return 1.0
    return math.erfc(max(0.0, statistic - 0.5) / math.sqrt(2 * variance))


def smallest_p(before: int, after: int) -> float:
    """Return the p of ``rank_sum_p`` for that many untied values that do not overlap: no smaller one is possible."""
    short, long = sorted((before, after))
    return 2 / math.comb(short + min(long, _COUNTED_AGAINST), short) if short <= _COUNTED_UP_TO else 0.0


def shift(before: Values, after: Values) -> float:
    """Return how far ``after`` lies above ``before``: the median of all differences between a value of each.

    Of long samples the 500 values nearest to the other one count.

    Args:
        before: [m] in the order of time, not empty.
        after: [n] likewise.
    """
    before, after = _nearest(before, after, _PAIRED_UP_TO)
    return float(np.median(after[None, :] - before[:, None]))


def _nearest(before: Values, after: Values, count: int) -> tuple[Values, Values]:
    return before[-count:], after[:count]


def _counted_p(before: Values, after: Values) -> float:
    ranks = _doubled_ranks(np.concatenate([before, after]))
    chosen = ranks[: before.size] if before.size <= after.size else ranks[before.size :]
    size, mean = chosen.size, int(chosen.size * (ranks.size + 1))
    # ways[j, s]: in how many ways j of the values seen so far have ranks that sum to s.
    ways = np.zeros((size + 1, int(np.sort(ranks)[-size:].sum()) + 1))
    ways[0, 0] = 1
    for rank in ranks.tolist():
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    sums = np.arange(ways.shape[1])
    extreme = np.abs(sums - mean) >= abs(int(chosen.sum()) - mean)
    return float(ways[size, extreme].sum() / math.comb(ranks.size, size))


def _doubled_ranks(values: Values) -> NDArray[np.int64]:
    """Return twice the ranks from 1; equal values share the mean of theirs, which doubling keeps whole."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    doubled: NDArray[np.int64] = (2 * np.cumsum(counts) - counts + 1)[group]
    return doubled
