"""Whether memory grows: a robust slope over a series of readings, and a word on it; pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 1 << 20

# Bytes a minute from which on a slope is worth a word: half a gigabyte in a working day.
SMALLEST_SLOPE = 1.0 * MIB
# Fewer readings carry no interval worth the name.
FEWEST_READINGS = 8
CONFIDENCE = 0.95

Word = Literal["does not grow", "grows", "cannot tell", "too few readings"]

RULE = (
    "Theil-Sen slope with its 95 % interval, readings of the first minute dropped: 'does not grow' where the slope is "
    "below 1 MiB a minute; 'grows' where it is not and the interval lies above 0; 'cannot tell' where it is not and "
    "the interval contains 0"
)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How a series of readings goes.

    Attributes:
        word: the verdict, by ``RULE``.
        slope: bytes a minute; None where there are too few readings.
        low: lower end of its interval.
        high: upper end.
        readings: how many it is drawn from.
        minutes: over how long.
        first: median bytes of the first tenth of them.
        last: median bytes of the last tenth.
    """

    word: Word
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    readings: int = 0
    minutes: float = 0.0
    first: float | None = None
    last: float | None = None


def growth(seconds: Sequence[float], sizes: Sequence[float], settle: float = 60.0) -> Growth:
    """Judge whether ``sizes`` grow (Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau").

    Neighbouring readings of memory depend on each other, so the interval is narrower than it should be; the smallest
    slope keeps that from raising an alarm over pages.

    Args:
        seconds: when each reading was taken, from the start.
        sizes: bytes.
        settle: readings before this many seconds are dropped: caches fill, and libraries are loaded.
    """
    kept = [(at / 60.0, size) for at, size in zip(seconds, sizes, strict=True) if at >= settle]
    if len(kept) < FEWEST_READINGS:
        return Growth(word="too few readings", readings=len(kept))
    minutes, values = np.array(kept, dtype=np.float64).T
    slope, _, low, high = (float(value) for value in stats.theilslopes(values, minutes, CONFIDENCE))
    tenth = max(1, len(values) // 10)
    return Growth(
        word=_word(slope, low),
        slope=slope,
        low=low,
        high=high,
        readings=len(values),
        minutes=float(minutes[-1] - minutes[0]),
        first=float(np.median(values[:tenth])),
        last=float(np.median(values[-tenth:])),
    )


def _word(slope: float, low: float) -> Word:
    if slope < SMALLEST_SLOPE:
        return "does not grow"
    return "grows" if low > 0 else "cannot tell"


def sentence(what: str, found: Growth) -> str:
    """Say it in one line, sizes in MiB."""
    if found.slope is None or found.low is None or found.high is None:
        return f"{what}: {found.word} ({found.readings})"
    return (
        f"{what} {found.word}: {found.slope / MIB:+.3f} MiB a minute (95 %: {found.low / MIB:+.3f} to "
        f"{found.high / MIB:+.3f}) over {found.minutes:.1f} minutes and {found.readings} readings"
    )
