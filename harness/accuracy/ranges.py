"""Numbers against the range of a type: what overflows, underflows, saturates or is subnormal, and a histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy.chunks import float64_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

# A bin for each binary exponent from 2⁻³² up to below 2³²; what lies outside counts in the first or last one.
HISTOGRAM_BINS = 64
_LOWEST_EXPONENT = -32


@dataclass(frozen=True, kw_only=True)
class FloatRange:
    """What a floating-point type can hold.

    Attributes:
        name: numpy's, or ml_dtypes'.
        largest: finite number.
        smallest_normal: positive number with all its digits.
        smallest: positive number at all.
    """

    name: str
    largest: float
    smallest_normal: float
    smallest: float


# IEEE 754-2019, table 3.5, for binary16 and binary32; bfloat16 has the exponent of the latter and 7 bits of fraction.
FLOAT_RANGES: Mapping[str, FloatRange] = {
    entry.name: entry
    for entry in (
        FloatRange(name="float16", largest=65504.0, smallest_normal=2.0**-14, smallest=2.0**-24),
        FloatRange(name="bfloat16", largest=2.0**127 * (2 - 2.0**-7), smallest_normal=2.0**-126, smallest=2.0**-133),
        FloatRange(name="float32", largest=2.0**127 * (2 - 2.0**-23), smallest_normal=2.0**-126, smallest=2.0**-149),
    )
}


@dataclass(frozen=True, kw_only=True)
class QuantisedRange:
    """What an integer type can hold at a scale: the numbers ``scale * (q - zero_point)`` for ``low <= q <= high``.

    Attributes:
        name: numpy's name of the integer type.
        scale: > 0, in the tensor's unit.
        zero_point: the integer that stands for 0.
    """

    name: str
    scale: float
    zero_point: int = 0

    @property
    def bounds(self) -> tuple[float, float]:
        """The numbers that the smallest and the largest integer stand for."""
        limits = np.iinfo(self.name)
        return (
            self.scale * (int(limits.min) - self.zero_point),
            self.scale * (int(limits.max) - self.zero_point),
        )


NumberRange = FloatRange | QuantisedRange


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How the elements of a tensor are distributed, and how many do not fit a number type.

    Attributes:
        count: elements.
        zeros: elements that are 0.
        nonfinite: elements that are NaN or infinite.
        minimum: of the finite elements, in the tensor's unit; 0 if there are none, as for the next two.
        maximum: likewise.
        rms: root of their mean square.
        overflow: finite elements beyond a float type's largest number, and infinite ones.
        saturated: elements that an integer type clamps: those that round to beyond its ends.
        underflow: elements other than 0 that round to 0.
        subnormal: elements that a float type holds with fewer digits.
        histogram: finite elements other than 0 by binary exponent, from 2⁻³²; the ends hold what lies beyond.
    """

    count: int
    zeros: int
    nonfinite: int
    minimum: float
    maximum: float
    rms: float
    overflow: int = 0
    saturated: int = 0
    underflow: int = 0
    subnormal: int = 0
    histogram: tuple[int, ...] = ()

    @property
    def share_of_zeros(self) -> float:
        """Zeros among the elements, from 0 to 1."""
        return self.zeros / self.count if self.count else 0.0

    @property
    def misfits(self) -> dict[str, int]:
        """The counts that are not 0, by name."""
        names = ("overflow", "saturated", "underflow", "subnormal", "nonfinite")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def to_json(self) -> dict[str, Any]:
        """Return plain data: range, RMS, share of zeros and the histogram."""
        return {
            "min": self.minimum,
            "max": self.maximum,
            "rms": self.rms,
            "zeros": self.share_of_zeros,
            "histogram": list(self.histogram),
        }


class SpreadCounter:
    """Counts the elements of a tensor that comes in parts; takes a few hundred KB besides them.

    Args:
        fits: the type that the elements are held against; None to hold them against none.
    """

    def __init__(self, fits: NumberRange | None = None) -> None:
        self._fits = fits
        self._count = self._zeros = self._nonfinite = 0
        self._overflow = self._saturated = self._underflow = self._subnormal = 0
        self._squares, self._minimum, self._maximum = 0.0, math.inf, -math.inf
        self._histogram = np.zeros(HISTOGRAM_BINS, np.int64)

    def add(self, array: np.ndarray) -> None:
        """Count the elements of ``array``: any shape, any real dtype."""
        with np.errstate(all="ignore"):
            for chunk in float64_chunks(array):
                self._add(chunk)

    def spread(self) -> Spread:
        """Return what was counted so far."""
        finite = self._count - self._nonfinite
        return Spread(
            count=self._count,
            zeros=self._zeros,
            nonfinite=self._nonfinite,
            minimum=self._minimum if finite else 0.0,
            maximum=self._maximum if finite else 0.0,
            rms=math.sqrt(self._squares / finite) if finite else 0.0,
            overflow=self._overflow,
            saturated=self._saturated,
            underflow=self._underflow,
            subnormal=self._subnormal,
            histogram=tuple(int(count) for count in self._histogram),
        )

    def _add(self, chunk: np.ndarray) -> None:
        self._count += chunk.size
        finite = np.isfinite(chunk)
        stray = chunk.size - int(np.count_nonzero(finite))
        if stray:
            self._nonfinite += stray
            if isinstance(self._fits, FloatRange):
                self._overflow += int(np.count_nonzero(np.isinf(chunk)))
            chunk = chunk[finite]
        if not chunk.size:
            return
        self._minimum = min(self._minimum, float(chunk.min()))
        self._maximum = max(self._maximum, float(chunk.max()))
        self._squares += float(chunk.dot(chunk))
        sizes = np.abs(chunk)
        _, exponents = np.frexp(sizes)
        is_zero = sizes == 0.0
        zeros = int(np.count_nonzero(is_zero))
        self._zeros += zeros
        # frexp's fraction lies in [½, 1), so its exponent is one more than that of the leading digit.
        bins = np.clip(exponents - 1 - _LOWEST_EXPONENT, 0, HISTOGRAM_BINS - 1)
        self._histogram += np.bincount(bins[~is_zero], minlength=HISTOGRAM_BINS)
        if isinstance(self._fits, FloatRange):
            # Half of the smallest number is a tie, and goes to the even one: zero.
            lost = int(np.count_nonzero(sizes <= self._fits.smallest / 2)) - zeros
            self._overflow += int(np.count_nonzero(sizes > self._fits.largest))
            self._underflow += lost
            self._subnormal += int(np.count_nonzero(sizes < self._fits.smallest_normal)) - zeros - lost
        elif self._fits is not None:
            low, high = self._fits.bounds
            half = self._fits.scale / 2
            self._saturated += int(np.count_nonzero((chunk < low - half) | (chunk > high + half)))
            self._underflow += int(np.count_nonzero(sizes <= half)) - zeros


def spread_of(array: np.ndarray, fits: NumberRange | None = None) -> Spread:
    """Return how the elements of ``array`` are distributed, and how many of them ``fits`` cannot hold."""
    counter = SpreadCounter(fits)
    counter.add(np.asarray(array))
    return counter.spread()
