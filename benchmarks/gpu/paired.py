"""Two loops timed in turns, and by how much one takes longer: pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Side = Literal["ours", "bare"]
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """By how much ``ours`` takes longer than ``bare``.

    Attributes:
        ratio: geometric mean of ours / bare over the pairs.
        low: lower end of its interval.
        high: upper end.
        pairs: how many there were.
        ours_us: median microseconds a run of ours.
        bare_us: likewise of the other.
    """

    ratio: float
    low: float
    high: float
    pairs: int
    ours_us: float
    bare_us: float


def turns(pairs: int) -> list[tuple[Side, Side]]:
    """Return who runs when: ours and bare, then bare and ours, and so on, so that a drift falls on both alike."""
    return [("ours", "bare") if index % 2 == 0 else ("bare", "ours") for index in range(pairs)]


def take_turns(ours: Callable[[], float], bare: Callable[[], float], pairs: int) -> tuple[list[float], list[float]]:
    """Run both in turns.

    Args:
        ours: runs one block and returns its seconds a run.
        bare: likewise.
        pairs: how many blocks of each.

    Returns:
        What each returned, in the order of the pairs.
    """
    taken: dict[Side, list[float]] = {"ours": [], "bare": []}
    for pair in turns(pairs):
        for side in pair:
            taken[side].append(ours() if side == "ours" else bare())
    return taken["ours"], taken["bare"]


def ratio_of(ours: Sequence[float], bare: Sequence[float], confidence: float = CONFIDENCE) -> Ratio:
    """Compare paired blocks by the t interval of the mean of their log ratios.

    Args:
        ours: seconds a run of each block.
        bare: those of the blocks beside them.
        confidence: of the interval.

    Raises:
        ConfigurationError: there are fewer than two pairs, of which no interval can be told.
    """
    if len(ours) < 2:
        raise ConfigurationError(f"an interval needs 2 pairs of blocks or more, not {len(ours)}; raise --pairs")
    logs = np.log(np.asarray(ours, dtype=np.float64) / np.asarray(bare, dtype=np.float64))
    middle = float(logs.mean())
    half = float(stats.t.ppf(0.5 + confidence / 2, len(logs) - 1)) * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return Ratio(
        ratio=math.exp(middle),
        low=math.exp(middle - half),
        high=math.exp(middle + half),
        pairs=len(logs),
        ours_us=float(np.median(ours)) * 1e6,
        bare_us=float(np.median(bare)) * 1e6,
    )
