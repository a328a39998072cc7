"""Bencher's threshold with a t-test.

After Bencher 0.6.12, ``NormalTestKind::T`` in lib/bencher_boundary/src/limits/mod.rs and ``std_deviation`` in
lib/bencher_boundary/src/mean.rs (https://github.com/bencherdev/bencher): an alert if the new value is above
``mean + t(boundary; n - 1) · s · √(1 + 1/n)`` of at most 64 past values; both numbers are those of its guide to
statistical continuous benchmarking, the boundary 0.99. A history without variance has no limit, and nothing in it is
ever an alert. Nothing is simplified.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.noise import Array, Runs

BOUNDARY = 0.99
MOST_RUNS = 64


def alarms(history: Runs, new: Runs) -> NDArray[np.bool_]:
    """Say in which series the new run's mean is above the upper limit of those before it."""
    return np.asarray(new.means[:, 0] > upper_limits(history.means))


def upper_limits(past: Array, boundary: float = BOUNDARY) -> Array:
    """Return above what a value is an alert, for each series of ``past`` (series, runs); inf if nothing ever is."""
    past = past[:, -MOST_RUNS:]
    count = past.shape[1]
    deviation = past.std(axis=1, ddof=1)
    limits = past.mean(axis=1) + stdtrit(count - 1, boundary) * deviation * math.sqrt(1 + 1 / count)
    return np.where(deviation > 0, limits, np.inf)
