"""Where to end the range of an activation, from a histogram of its magnitudes.

Eight bits are a fixed number of steps: a range that ends early clips the largest values, one that ends late rounds all
others more coarsely. Each rule here weighs the two in its own way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.cases.calibration import MINMAX, parse_method
from harness.errors import CalibrationError

# As many as in Migacz's talk; an entropy taken from 128 of them, onnxruntime's default, cannot clip anything.
BINS = 2048
# Of int8 with a zero point of 0, on either side of it.
STEPS = 127
# To so many the entropy's histogram is reduced: Migacz's number, one for each magnitude of an int8.
_LEVELS = 128
# The share of the values other than 0 beyond which the entropy is blind.
_MOST_CLIPPED = 0.01


@dataclass(frozen=True, eq=False)
class MagnitudeHistogram:
    """How often magnitudes of a tensor were seen.

    Zeros are apart: at any scale they cost nothing, and behind a ReLU they outnumber all others.

    Attributes:
        counts: int64 [bins]; bin i holds magnitudes from i to i + 1 times ``width``.
        zeros: number of values that are exactly 0.
        largest: upper edge of the last bin: the largest magnitude, in the tensor's unit.
    """

    counts: np.ndarray
    zeros: int
    largest: float

    @classmethod
    def empty(cls, largest: float, bins: int = BINS) -> MagnitudeHistogram:
        """Return one that nothing was counted in yet.

        Raises:
            CalibrationError: ``largest`` is not above 0, or not finite.
        """
        if not 0.0 < largest < np.inf:
            raise CalibrationError(f"the magnitudes of a tensor end at a finite number above 0, not at {largest!r}")
        return cls(np.zeros(bins, np.int64), 0, largest)

    @property
    def width(self) -> float:
        """Width of a bin, in the tensor's unit."""
        return self.largest / len(self.counts)

    @property
    def total(self) -> int:
        """Number of values that were counted."""
        return self.zeros + int(self.counts.sum())

    def with_values(self, values: np.ndarray) -> MagnitudeHistogram:
        """Return this histogram with ``values`` counted too: floats of any shape, all finite.

        Magnitudes beyond ``largest`` count in the last bin.
        """
        magnitudes = np.abs(values[values != 0].astype(np.float64))
        bins = np.minimum(magnitudes / self.width, len(self.counts) - 1).astype(np.int64)
        counts = self.counts + np.bincount(bins, minlength=len(self.counts))
        return MagnitudeHistogram(counts, self.zeros + values.size - len(magnitudes), self.largest)


def clip_by(histogram: MagnitudeHistogram, method: str) -> float:
    """Return the magnitude at which ``method`` ends the range, in the tensor's unit: at most ``largest``.

    Args:
        histogram: of the tensor; without a value other than 0 nothing is clipped.
        method: see harness.cases.Calibration.

    Raises:
        ConfigurationError: there is no such method.
    """
    name, percent = parse_method(method)
    if name == MINMAX or not histogram.counts.any():
        return histogram.largest
    if name == "percentile":
        return percentile_clip(histogram, percent)
    return entropy_clip(histogram) if name == "entropy" else mse_clip(histogram)


def share_clipped(histogram: MagnitudeHistogram, clip: float) -> float:
    """Return the share of all values, zeros included, whose magnitude lies more than half a step beyond ``clip``.

    Up to there a value loses no more by being clipped than it would by being rounded. To the resolution of a bin.
    """
    first = math.ceil(clip * (1 + 0.5 / STEPS) / histogram.width)
    return float(histogram.counts[first:].sum()) / max(histogram.total, 1)


def percentile_clip(histogram: MagnitudeHistogram, percent: float) -> float:
    """Return the edge of the first bin up to which ``percent`` of all values lie, zeros included."""
    wanted = histogram.total * percent / 100.0
    below = histogram.zeros + np.cumsum(histogram.counts)
    # A sum of counts is exact and a share of them is not: 99.9 % of 1000 must not ask for 999.0000000000001.
    reached = below >= wanted * (1.0 - 1e-12)
    return float((int(reached.argmax()) + 1) * histogram.width)


def entropy_clip(histogram: MagnitudeHistogram) -> float:
    """Return the clip whose int8 image of the magnitudes is nearest to them by Kullback–Leibler divergence.

    For each candidate of i bins, P is the histogram up to there with all that is clipped added to its last bin, and Q
    is the same histogram, without what is clipped, summed up into 128 levels and spread over those bins of each level
    that are not empty. Taken is the i with the smallest Σ P log(P / Q), both normalised. Source: S. Migacz, 8-bit
    Inference with TensorRT, GPU Technology Conference 2017. Where Q is 0 and P is not, the divergence is infinite; the
    talk's pseudo-code leaves that open, and what smooths it there decides the outcome.

    What is clipped is in P and not in Q, and after normalisation that is not seen where one bin holds nearly all of
    both: of few values, or of values that are multiples of something, the divergence is smallest where nearly all of
    them are clipped. So no candidate may clip more than a hundredth of the values that are not 0.

    All candidates are computed at once from running sums: of counts, of bins that are not empty, and of c log c.
    """
    counts = histogram.counts.astype(np.float64)
    ends = np.arange(min(_LEVELS, len(counts)), len(counts) + 1)
    below, filled, logs = (_running(values) for values in (counts, counts > 0, _times_log(counts)))
    kept, total = below[ends], below[-1]
    clipped, last = total - kept, counts[ends - 1]

    edges = ends[:, None] * np.arange(_LEVELS + 1) // _LEVELS
    sums, bins = np.diff(below[edges], axis=1), np.diff(filled[edges], axis=1)
    level_logs = np.log(np.divide(sums, bins, out=np.ones_like(sums), where=sums > 0))

    own = logs[ends] - _times_log(last) + _times_log(last + clipped)
    cross = (sums * level_logs).sum(axis=1) + clipped * level_logs[:, -1]
    possible = (clipped <= _MOST_CLIPPED * total) & ((clipped == 0) | (last > 0))
    divergence = np.full(len(ends), np.inf)
    divergence[possible] = ((own - cross) / total + np.log(np.maximum(kept, 1.0) / total))[possible]
    return float(ends[int(divergence.argmin())] * histogram.width)


def mse_clip(histogram: MagnitudeHistogram) -> float:
    """Return the clip at which the mean squared error of int8 is smallest, of all edges of bins.

    For a clip s and a step Δ = s / 127 the error of a value x is taken to be (|x| - s)² beyond s, Δ² / 12 below it, and
    x² within half a step, which becomes 0. Source: C. Sakr et al., Optimal Clipping and Magnitude-aware Differentiation
    for Improved Quantization-aware Training, ICML 2022, equation 5, to which the last case is added; a bin counts as
    its centre. Every candidate is tried instead of iterating towards one, since running sums make that cheap.
    """
    counts = histogram.counts.astype(np.float64)
    centres = np.arange(len(counts)) + 0.5  # in bins, as are all lengths below
    number, first, second = (_running(counts * centres**power) for power in range(3))
    clips = np.arange(1, len(counts) + 1)
    steps = clips / STEPS
    rounded_off = np.floor(steps / 2 + 0.5).astype(np.int64)  # bins whose centre lies within half a step
    inside = second[rounded_off] + steps**2 / 12 * (number[clips] - number[rounded_off])
    beyond = [sums[-1] - sums[clips] for sums in (number, first, second)]
    clipped = beyond[2] - 2 * clips * beyond[1] + clips**2 * beyond[0]
    return float(clips[int((inside + clipped).argmin())] * histogram.width)


def _running(values: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, … all ``values``, float64."""
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def _times_log(values: np.ndarray) -> np.ndarray:
    """Return v log v of each, and 0 for 0."""
    product: np.ndarray = values * np.log(np.where(values > 0, values, 1.0))
    return product
