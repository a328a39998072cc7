"""criterion.rs: a bootstrapped t-test of means, and a bootstrapped interval of their ratio beyond a noise threshold.

After criterion 0.7.0, src/analysis/compare.rs, src/stats/univariate/mixed.rs and ``compare_to_threshold`` in
src/report.rs (https://github.com/bheisler/criterion.rs): "Performance has regressed" if the two-sided p of Welch's t
among resamples of both runs pooled is below 0.05, and the 95 % interval of new mean / old mean - 1 lies above 1 %.
Simplified: 1000 resamples rather than 100 000, the same ones for every series; pairs of resamples are independent,
where criterion holds one of the new run against about 316 of the old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.noise import Array, Runs

SIGNIFICANCE = 0.05
CONFIDENCE = 0.95
NOISE_THRESHOLD = 0.01
RESAMPLES = 1000


@dataclass(frozen=True)
class _Moments:
    """Mean, mean square and size of samples, or of resamples of them."""

    mean: Array
    square: Array
    count: int

    def welch(self, other: _Moments) -> Array:
        """Return Welch's t of this against another."""
        # Variances from mean squares, with n - 1 below: s² / n = (E[x²] - E[x]²) / (n - 1).
        own, others = (m.square - m.mean**2 for m in (self, other))
        error = own / (self.count - 1) + others / (other.count - 1)
        return np.asarray((self.mean - other.mean) / np.sqrt(np.maximum(error, 1e-300)))


def alarms(history: Runs, new: Runs) -> NDArray[np.bool_]:
    """Say in which series the samples of the new run are significantly slower than those of the last run."""
    ours, theirs = new.samples[:, 0], history.samples[:, -1]
    generator = np.random.default_rng(0)
    ratios = _resampled(generator, ours, ours.shape[1]).mean / _resampled(generator, theirs, theirs.shape[1]).mean - 1
    low = np.quantile(ratios, (1 - CONFIDENCE) / 2, axis=1)
    pooled = np.concatenate([ours, theirs], axis=1)
    by_chance = _resampled(generator, pooled, ours.shape[1]).welch(_resampled(generator, pooled, theirs.shape[1]))
    below = (by_chance < _moments(ours).welch(_moments(theirs))).mean(axis=1)
    p = 2 * np.minimum(below, 1 - below)
    return np.asarray((p < SIGNIFICANCE) & (low > NOISE_THRESHOLD))


def _moments(samples: Array) -> _Moments:
    return _Moments(samples.mean(axis=1, keepdims=True), (samples**2).mean(axis=1, keepdims=True), samples.shape[1])


def _resampled(generator: np.random.Generator, samples: Array, drawn: int) -> _Moments:
    """Return the moments of ``RESAMPLES`` resamples of ``drawn`` values, arrays (series, resamples)."""
    population = samples.shape[1]
    counts = generator.multinomial(drawn, np.full(population, 1 / population), size=RESAMPLES)
    weights = counts.T / drawn
    return _Moments(samples @ weights, samples**2 @ weights, drawn)
