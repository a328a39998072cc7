"""Histories for the tests of rivals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection.noise import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence


def runs_at(*levels: Sequence[float], samples: int = 100, spread: float = 0.002) -> Runs:
    """Return a series for each row of ``levels``, a run for each level, whose samples lie evenly around it."""
    around = np.linspace(1 - spread, 1 + spread, samples)
    return Runs(np.array(levels, dtype=float)[..., None] * around)
