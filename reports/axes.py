"""Axes: where numbers fall on a drawing, and which round numbers to write beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Axis:
    """A linear map from values to one side of a drawing.

    Attributes:
        low: the value at ``start``.
        high: the value at ``end``, above ``low``.
        start: coordinate of ``low``, in user units of the drawing.
        end: coordinate of ``high``; below ``start`` where the axis points up.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the coordinate of ``value``; values outside the axis fall on its nearer end."""
        inside = min(max(value, self.low), self.high)
        return self.start + (self.end - self.start) * (inside - self.low) / (self.high - self.low)


def axis_over(values: Sequence[float], start: float, end: float, *, smallest_span: float = 0.0) -> Axis:
    """Return the axis that shows all of ``values`` with some air around them.

    Args:
        values: finite numbers, at least one.
        start: coordinate of the low end.
        end: coordinate of the high end.
        smallest_span: what the axis covers at least, as a share of the largest value, so that noise of a thousandth is
            not drawn as large as a change by half.
    """
    low, high = min(values), max(values)
    span = max(high - low, smallest_span * max(abs(low), abs(high)), 1e-12)
    middle = (low + high) / 2
    bottom, top = middle - 0.58 * span, middle + 0.58 * span
    # What cannot be negative, as times and sizes, gets no negative part of the axis.
    return Axis(max(bottom, 0.0) if low >= 0 else bottom, top, start, end)


def round_ticks(low: float, high: float, at_most: int = 5) -> list[float]:
    """Return up to ``at_most`` multiples of 1, 2 or 5 times a power of ten within [low, high], ascending."""
    if not high > low:
        return [low]
    rough = (high - low) / at_most
    magnitude = 10.0 ** math.floor(math.log10(rough))
    for step in (magnitude, 2 * magnitude, 5 * magnitude, 10 * magnitude, 20 * magnitude):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < at_most:
            break
    return [n * step for n in range(first, last + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Write ``ticks`` with as many decimals as tell them apart, and no more."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1.0
    if max(map(abs, ticks)) >= 1e6 or step < 1e-6:
        return [f"{tick:.3g}" for tick in ticks]
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    return [f"{tick:,.{decimals}f}" for tick in ticks]


def spread_out(count: int, at_most: int) -> list[int]:
    """Return up to ``at_most`` of the positions below ``count``, the first and the last among them, evenly spaced."""
    if count <= at_most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (at_most - 1)) for i in range(at_most)})
