"""The levels that a series of runs went through, and where each begins; ``harness.verdicts.changes`` says how.

Values are on the metric's scale and finite; positions count them from 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from harness.verdicts import prediction, ranks, segmentation
from harness.verdicts.scales import ROUNDING

Values = NDArray[np.float64]

SHORTEST_LEVEL = 3
_PENALTY = 6.0
# Twice the standard error of the correlation of independent values: less is not told from none.
_CORRELATED = 2.0
# Beyond, a series wanders, and a finite one cannot tell how far.
_LARGEST_CORRELATION = 0.9
# Hansen 2000 ("Sample splitting and threshold estimation"), table 1: 95 % point of the likelihood ratio of a place.
_PLACE = 7.35
# As a share of all that a series moves, this is rounding.
_NOTHING = 1e-12
# More stray runs than this, in a series that repeats its values, are noise.
_STRAY_AT_MOST = 0.1


@dataclass(frozen=True)
class Step:
    """Where one level ends and the next begins.

    Attributes:
        start: the first value of the new level.
        low: the first value that may have been it, with 95 % confidence.
        high: the last one.
        shift: how far the new level lies above the old one; None where nothing but the values themselves says it.
        p: two-sided, of no difference.
    """

    start: int
    low: int
    high: int
    shift: float | None
    p: float


def lasting_levels(values: Values) -> list[int] | None:
    """Return where levels begin, without the 0, in a series that repeats its values exactly; None if it does not.

    A level lasts three runs, except at the ends, where one is enough unless some runs were stray ones: a single value
    between two equal ones. Values may be infinite.
    """
    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1, [values.size]])
    alone = np.diff(starts)[1:-1] == 1
    stray = starts[1 + np.flatnonzero(alone & (values[starts[:-3]] == values[starts[2:-1]]))]
    if stray.size > _STRAY_AT_MOST * values.size:
        return None
    origin = np.delete(np.arange(values.size), stray)
    kept = values[origin]
    begins = np.flatnonzero(kept[1:] != kept[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], begins, [kept.size]]))
    if begins.size and np.any((lengths if stray.size else lengths[1:-1]) < SHORTEST_LEVEL):
        return None
    return [int(origin[begin]) for begin in begins]


def noisy_levels(values: Values, *, floor: float, smallest: float, alpha: float) -> list[Step]:
    """Return the steps between levels that hold against the noise, in order.

    Args:
        values: [n] finite, n ≥ 3.
        floor: the smallest deviation of single values that the instrument can show.
        smallest: the smallest shift worth a word.
        alpha: the largest p of a step.
    """
    deviation = segmentation.deviation_of(values)
    clean = segmentation.despiked(values, deviation)
    starts = segmentation.partition(clean, _PENALTY * math.log(values.size) * deviation**2, SHORTEST_LEVEL)
    series = _Series(values, clean, floor=floor, inflation=_inflation(clean, starts))
    return series.hold(starts, smallest=smallest, alpha=alpha)


def _inflation(clean: Values, starts: list[int]) -> float:
    """Return by how much neighbours that resemble each other raise the variance of a mean; at least 1."""
    left = segmentation.residuals(clean, starts)
    total = float(left @ left)
    if total == 0:
        return 1.0
    count = clean.size
    # Taking a mean from each segment draws the correlation down by about 1 / length.
    correlation = float(left[1:] @ left[:-1]) / total + (len(starts) + 1) / count
    if correlation < _CORRELATED / math.sqrt(count):
        return 1.0
    correlation = min(correlation, _LARGEST_CORRELATION)
    return (1 + correlation) / (1 - correlation)


class _Series:
    """A noisy series, against whose noise steps are held.

    Args:
        values: [n] as they were measured; ranks are theirs.
        clean: [n] without spikes; sums of squares are theirs.
        floor: the smallest deviation of single values that the instrument can show.
        inflation: by how much neighbours that resemble each other raise the variance of a mean.
    """

    def __init__(self, values: Values, clean: Values, *, floor: float, inflation: float) -> None:
        self._values = values
        self._clean = clean
        self._floor = floor
        self._inflation = inflation
        self._compared: dict[tuple[int, int, int], tuple[float, float | None]] = {}

    def hold(self, starts: list[int], *, smallest: float, alpha: float) -> list[Step]:
        """Drop the weakest of the proposed steps, again and again, until each one left holds."""
        starts = list(starts)
        while starts:
            variance, freedom = self._noise(starts)
            gains = self._gains(starts) / variance
            if gains.min() < freedom * math.expm1(_PENALTY * math.log(self._values.size) / freedom):
                self._drop(starts, int(gains.argmin()))
                continue
            ends = [0, *starts, self._values.size]
            spans = list(zip(ends, starts, ends[2:], strict=False))
            found = [self._compare(*span, alpha) for span in spans]
            shifts = [shift for shift, _ in found]
            ps = [
                prediction.two_sided_p(math.sqrt(gain), freedom) if p is None else p
                for (_, p), gain in zip(found, gains.tolist(), strict=True)
            ]
            weak = [i for i in range(len(starts)) if abs(shifts[i]) < smallest - ROUNDING or ps[i] >= alpha]
            if not weak:
                return [
                    Step(start, *self._places(begin, end, variance), shift, p)
                    for (begin, start, end), shift, p in zip(spans, shifts, ps, strict=True)
                ]
            self._drop(starts, min(weak, key=gains.__getitem__))
        return []

    def _noise(self, starts: list[int]) -> tuple[float, int]:
        """Return the variance of what the levels leave, inflated, and its degrees of freedom."""
        left = segmentation.residuals(self._clean, starts)
        freedom = left.size - len(starts) - 1
        # Levels of exact values leave nothing, by which nothing can be divided.
        variance = max(float(left @ left) / freedom, self._floor**2, (_NOTHING * float(np.ptp(self._clean))) ** 2)
        return variance * self._inflation, freedom

    def _gains(self, starts: list[int]) -> Values:
        """Return by how much each step lowers the sum of squares: [steps]."""
        means, lengths = segmentation.means_of(self._clean, starts)
        gains: Values = np.diff(means) ** 2 * lengths[1:] * lengths[:-1] / (lengths[1:] + lengths[:-1])
        return gains

    def _compare(self, begin: int, start: int, end: int, alpha: float) -> tuple[float, float | None]:
        """Return the shift of one step, and its p; None where the values do not overlap but are too few for ranks."""
        key = begin, start, end
        if key not in self._compared:
            before, after = self._values[begin:start], self._values[start:end]
            p: float | None = self._weakened(ranks.rank_sum_p(before, after))
            if self._weakened(ranks.smallest_p(before.size, after.size)) >= alpha:
                p = None if before.max() < after.min() or after.max() < before.min() else 1.0
            self._compared[key] = ranks.shift(before, after), p
        return self._compared[key]

    def _weakened(self, p: float) -> float:
        """Return the p of a standard normal value whose variance is larger than was reckoned with."""
        if self._inflation == 1 or not 0 < p < 1:
            return p
        return math.erfc(-NormalDist().inv_cdf(p / 2) / math.sqrt(2 * self._inflation))

    def _places(self, begin: int, end: int, variance: float) -> tuple[int, int]:
        """Return the first and the last place at which the step between two others may be, with 95 % confidence."""
        gains = segmentation.split_gains(self._clean[begin:end], SHORTEST_LEVEL)
        likely = np.flatnonzero(gains >= gains.max() - _PLACE * variance)
        return begin + int(likely[0]), begin + int(likely[-1])

    def _drop(self, starts: list[int], index: int) -> None:
        """Take a step out, and put those beside it where they are best without it."""
        del starts[index]
        ends = [0, *starts, self._values.size]
        for beside in (index - 1, index):
            if 0 <= beside < len(starts):
                begin, end = ends[beside], ends[beside + 2]
                starts[beside] = begin + int(segmentation.split_gains(self._clean[begin:end], SHORTEST_LEVEL).argmax())
                ends[beside + 1] = starts[beside]
