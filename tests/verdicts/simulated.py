"""Series of runs with the noise that runs have, for tests of what statistics promise."""

from __future__ import annotations

import math

import numpy as np


def histories(
    count: int,
    *,
    seed: int,
    runs: int = 100,
    deviation: float = 0.01,
    outliers: float = 0.02,
    correlation: float = 0.0,
    steps: dict[int, float] | None = None,
) -> list[list[float]]:
    """Return ``count`` series of run medians around 1.

    Args:
        count: how many.
        seed: of the random numbers.
        runs: in each series.
        deviation: of single runs, relative.
        outliers: share of runs that are 5 % to 50 % slow.
        correlation: of neighbouring runs; an autoregressive process of order 1.
        steps: by the first run at the new level, by how much it is slower.
    """
    generator = np.random.default_rng(seed)
    noise = generator.normal(0.0, 1.0, (count, runs))
    for run in range(1, runs):
        noise[:, run] = correlation * noise[:, run - 1] + math.sqrt(1 - correlation**2) * noise[:, run]
    noise *= deviation
    noise += (generator.random(noise.shape) < outliers) * generator.uniform(0.05, 0.5, noise.shape)
    for start, effect in (steps or {}).items():
        noise[:, start:] += math.log1p(effect)
    rows: list[list[float]] = np.exp(noise).tolist()
    return rows
