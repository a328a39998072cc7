"""conbench's lookback z-score.

After conbench at commit 3af4a552, ``_add_rolling_stats_columns_to_df`` and ``_detect_shifts_with_trimmed_estimators``
in conbench/entities/history.py, and ``DEFAULT_Z_SCORE_THRESHOLD`` in conbench/api/compare.py
(https://github.com/conbench/conbench): a run is its fastest sample ("best", the default); runs that jump and come back
are left out; z is the new value's distance from the mean of the last 100, over the deviation of what each was off the
mean of those before it; worse than 5 is a regression. A history without deviation has no z, and no regression.
Simplified: one result a commit, histories of at most 100, no changes of distribution marked by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.noise import Array, Runs

THRESHOLD = 5.0
OUTLIER_THRESHOLD = 5.0


def alarms(history: Runs, new: Runs) -> NDArray[np.bool_]:
    """Say in which series the new run's fastest sample is more than 5 deviations above the past."""
    past = history.minima
    kept = np.where(_outliers(past), np.nan, past)
    counts, sums = _running(kept)
    before = np.concatenate([np.full((len(past), 1), np.nan), _divided(sums, counts)[:, :-1]], axis=1)
    # The first run has nothing before it and is taken to lie on the mean.
    residuals = np.where(np.isnan(before), 0.0, past - before)
    residuals = np.where(np.isnan(kept), np.nan, residuals)
    deviation = np.nanstd(residuals, axis=1, ddof=1)
    distance = new.minima[:, 0] - np.nanmean(kept, axis=1)
    return np.asarray(distance > THRESHOLD * np.where(deviation > 0, deviation, np.inf))


def _outliers(values: Array) -> NDArray[np.bool_]:
    steps = np.diff(values, axis=1)
    low, high = np.quantile(steps, [0.05, 0.95], axis=1)
    clipped = np.where((steps < low[:, None]) | (steps > high[:, None]), np.nan, steps)
    counts, sums = _running(clipped)
    _, squares = _running(clipped**2)
    mean = _divided(sums, counts)
    variance = _divided(squares - counts * mean**2, counts - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shifted = np.abs(steps - mean) / np.sqrt(np.maximum(variance, 0.0)) > OUTLIER_THRESHOLD
    outliers = np.zeros(values.shape, dtype=bool)
    outliers[:, 1:-1] = shifted[:, :-1] & shifted[:, 1:]
    return outliers


def _running(values: Array) -> tuple[Array, Array]:
    """Return how many numbers there were up to each place, and their sum."""
    there = ~np.isnan(values)
    return np.cumsum(there, axis=1).astype(float), np.cumsum(np.where(there, values, 0.0), axis=1)


def _divided(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)
