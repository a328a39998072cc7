"""Where the level of a noisy sequence changes, by least squares: arrays in, positions out.

A sequence is divided into segments so that the sum over segments of (squared distances from the segment's mean) plus a
penalty per change is least. The division is found exactly, by optimal partitioning (Jackson et al. 2005, "An algorithm
for optimal partitioning of data on an interval"); with the inner minimum as one array operation, 10 000 values take a
fraction of a second, so nothing is pruned.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# Runs on either side that a run is held against before it is called a spike.
_REACH = 3
_SPIKE = 5.0
_GAUSSIAN = 1.4826


def deviation_of(values: Values) -> float:
    """Return the standard deviation of single values, unmoved by changes of the level and by a few spikes.

    It is the median absolute difference of neighbours, × 1.4826 / √2 (after von Neumann 1941, with a median for the
    mean). Where most neighbours are equal, as on a coarse clock, that is 0, and the mean square is taken instead.

    Args:
        values: [n] finite, n ≥ 2.
    """
    differences = np.diff(values)
    robust = _GAUSSIAN * float(np.median(np.abs(differences)))
    return (robust or math.sqrt(float(np.mean(differences**2)))) / math.sqrt(2)


def despiked(values: Values, deviation: float) -> Values:
    """Return the values with spikes replaced by the median of their neighbourhood.

    A spike is farther than 5 deviations from the median of itself and the three values on either side, fewer at the
    ends; of an even number of them, from both middle ones. So up to three stray values in a row go, and of a level that
    begins in the last three values, nothing goes if it has all three.

    Args:
        values: [n] finite.
        deviation: the standard deviation of single values.
    """
    padded = np.concatenate([np.full(_REACH, np.nan), values, np.full(_REACH, np.nan)])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1), axis=1)
    counts = np.count_nonzero(~np.isnan(windows), axis=1)
    rows = np.arange(values.size)
    low, high = windows[rows, (counts - 1) // 2], windows[rows, counts // 2]
    distance = np.maximum(low - values, values - high)
    return np.where(distance > _SPIKE * deviation, (low + high) / 2, values)


def partition(values: Values, penalty: float, shortest: int) -> list[int]:
    """Return where new segments begin, in order, without the 0.

    Args:
        values: [n] finite.
        penalty: what a change costs, in the square of the values' unit.
        shortest: the least number of values in a segment.
    """
    count = values.size
    sums = np.concatenate([[0.0], np.cumsum(values - values.mean())])
    lengths = np.arange(count, 0, -1, dtype=np.float64)
    # The sum of squares is the same however the values are divided, so the least cost is the largest gain, where a
    # segment gains (its sum)² / (its length). best[t] is that of the first t values, -inf where no segment may end.
    best = np.full(count + 1, -math.inf)
    best[0] = penalty
    start = np.zeros(count + 1, dtype=np.int64)
    for end in range(shortest, count + 1):
        stop = end - shortest + 1
        gains = sums[end] - sums[:stop]
        gains *= gains
        gains /= lengths[count - end : count - end + stop]
        gains += best[:stop]
        start[end] = position = gains.argmax()
        best[end] = gains[position] - penalty
    starts = []
    position = int(start[count])
    while position > 0:
        starts.append(position)
        position = int(start[position])
    return starts[::-1]


def means_of(values: Values, starts: list[int]) -> tuple[Values, Values]:
    """Return the mean and the length of each segment: two arrays of [segments]."""
    bounds = np.array([0, *starts, values.size])
    lengths = np.diff(bounds).astype(np.float64)
    return np.add.reduceat(values, bounds[:-1]) / lengths, lengths


def residuals(values: Values, starts: list[int]) -> Values:
    """Return the values less the means of their segments."""
    means, lengths = means_of(values, starts)
    return values - np.repeat(means, lengths.astype(np.int64))


def split_gains(values: Values, shortest: int) -> Values:
    """Return by how much the sum of squares falls if a second segment begins at each place: [n], -inf where none may.

    The gain at t is ``(sum of the first t, less t means)² · n / (t · (n - t))``.

    Args:
        values: [n] finite, n ≥ 2 · shortest.
        shortest: the least number of values in a segment.
    """
    count = values.size
    places = np.arange(shortest, count - shortest + 1)
    sums = np.cumsum(values - values.mean())[places - 1]
    gains = np.full(count, -math.inf)
    gains[places] = sums**2 * count / (places * (count - places))
    return gains
