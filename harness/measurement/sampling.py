"""Taking timed samples, and saying only what they support."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Samples below which a percentile is not reported: the count at which, with none of the tail's samples out of bounds,
# the percentile is bounded at 99 % confidence with half of the tail's share as margin (MLPerf Inference rules, "early
# stopping", https://github.com/mlcommons/inference_policies/blob/master/inference_rules.adoc).
PERCENTILE_SAMPLES: dict[float, int] = {90.0: 64, 95.0: 130, 99.0: 662, 99.9: 6636}


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """How long to sample.

    Attributes:
        seconds: time to spend on samples; sampling ends once it is spent and ``minimum`` samples are there.
        warmup_seconds: time to spend before the first sample.
        minimum: samples to take however long they last.
        maximum: samples after which it ends early.
        warmup_runs: runs before the first sample, at least.
    """

    seconds: float = 0.3
    warmup_seconds: float = 0.1
    minimum: int = 9
    maximum: int = 20_000
    warmup_runs: int = 2

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return dict(vars(self))


def take_samples(run_once: Callable[[], float], plan: SamplingPlan) -> np.ndarray:
    """Call ``run_once`` as ``plan`` says and return what it returned, without the warm-up.

    Args:
        run_once: does one inference and returns its milliseconds.
        plan: how long.

    Returns:
        float64 [n], milliseconds, in the order in which they were taken.
    """
    clock = time.perf_counter
    end = clock() + plan.warmup_seconds
    runs = 0
    while runs < plan.warmup_runs or clock() < end:
        run_once()
        runs += 1
    samples: list[float] = []
    end = clock() + plan.seconds
    while len(samples) < plan.minimum or (clock() < end and len(samples) < plan.maximum):
        samples.append(run_once())
    return np.array(samples)


def percentile(samples: Sequence[float] | np.ndarray, percent: float) -> float | None:
    """Return the ``percent``-th percentile, or None where there are too few samples to speak of it.

    Args:
        samples: any positive number of them.
        percent: one of ``PERCENTILE_SAMPLES``.
    """
    return float(np.percentile(samples, percent)) if len(samples) >= PERCENTILE_SAMPLES[percent] else None


def relative_spread(samples: Sequence[float] | np.ndarray) -> float:
    """Return the median absolute deviation from the median, times 1.4826, as a share of the median."""
    values = np.asarray(samples, dtype=np.float64)
    middle = float(np.median(values))
    return float(np.median(np.abs(values - middle))) * 1.4826 / middle if middle else 0.0


def relative_drift(samples: Sequence[float] | np.ndarray) -> float:
    """Return by which share the median of the last third differs from that of the first third."""
    values = np.asarray(samples, dtype=np.float64)
    third = len(values) // 3
    if not third:
        return 0.0
    first = float(np.median(values[:third]))
    return float(np.median(values[-third:])) / first - 1.0 if first else 0.0
