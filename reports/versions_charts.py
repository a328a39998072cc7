"""Charts of many cases at once: numbers in, SVG text out.

Every function is pure and returns ``Markup``; labels are escaped here. Where colours tell things apart, shapes or words
do so, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports.axes import Axis, axis_over, round_ticks, tick_labels
from reports.drawing import LEFT, RIGHT, SHAPES, number, shape_path, value_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, TOP, BOTTOM = 420, 240, 14, 40
# What a letter of a label takes at most, in user units.
_LETTER = 6.4
_SLOPE_WIDTH, _SLOPE_HEIGHT, _LABELS = 880, 330, 320
_BAR, _BAR_LEFT, _BAR_RIGHT = 17, 300, 70


@dataclass(frozen=True)
class SlopeLine:
    """One case: the logarithm of its latency over that of its first column, by column, and its name with the change.

    ``tone`` is ``slower``, ``faster``, ``same``, ``undecided``, or ``few`` where too few runs are behind it; ``named``
    whether its label is written beside the line.
    """

    points: tuple[tuple[int, float], ...]
    label: str
    tone: str
    named: bool


@dataclass(frozen=True)
class TradePoint:
    """One precision: its latency (lower is better) and its score (higher is better); ``front``: none beats it in both.

    ``exact`` marks a score without any error, which has no place on an axis and is drawn at its top.
    """

    label: str
    shape: int
    latency: float
    score: float
    front: bool
    exact: bool = False


@dataclass(frozen=True)
class ScalingLine:
    """One precision: a throughput by column."""

    shape: int
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Bar:
    """A name, a value from 1 on, and the value in words."""

    label: str
    value: float
    text: str


def slope_chart(columns: Sequence[str], lines: Sequence[SlopeLine], description: str) -> Markup:
    """Draw how each case's latency went from column to column, as a ratio to where its line begins."""
    shifts = [shift for line in lines for _, shift in line.points]
    up = axis_over(shifts, _SLOPE_HEIGHT - BOTTOM, TOP, smallest_span=0.0)
    if up.high - up.low < 0.04:  # noise of a thousandth is not to look like a change
        middle = (up.low + up.high) / 2
        up = Axis(middle - 0.02, middle + 0.02, up.start, up.end)
    elif up.low == 0.0:
        up = Axis(-0.04 * up.high, up.high, up.start, up.end)
    right = _SLOPE_WIDTH - (_LABELS if any(line.named for line in lines) else 20)
    across = Axis(0, max(len(columns) - 1, 1), LEFT + 20, right)
    parts = []
    for tick in round_ticks(math.expm1(up.low), math.expm1(up.high)):
        y = number(up.at(math.log1p(tick)))
        strong = " zero" if abs(tick) < 1e-12 else ""
        parts.append(
            f'<path class="grid{strong}" d="M{LEFT} {y}H{number(right)}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{y}" dy="3.5" text-anchor="end">{_percent(tick)}</text>'
        )
    for place, column in enumerate(columns):
        x = number(across.at(place))
        anchor = "start" if place == 0 else "end" if place == len(columns) - 1 else "middle"
        parts.append(
            f'<path class="grid" d="M{x} {TOP}V{_SLOPE_HEIGHT - BOTTOM}"/>'
            f'<text class="tick" x="{x}" y="{_SLOPE_HEIGHT - BOTTOM + 16 + 12 * (place % 2)}" '
            f'text-anchor="{anchor}">{escape(column)}</text>'
        )
    named = sorted((line for line in lines if line.named), key=lambda line: -line.points[-1][1])
    heights = _apart([up.at(line.points[-1][1]) for line in named], 13, TOP + 4, _SLOPE_HEIGHT - BOTTOM)
    for line in sorted(lines, key=lambda line: line.tone in ("slower", "faster")):
        points = " ".join(f"{number(across.at(column))},{number(up.at(shift))}" for column, shift in line.points)
        parts.append(
            f'<polyline class="slope {line.tone}" points="{points}"><title>{escape(line.label)}</title></polyline>'
        )
    for line, height in zip(named, heights, strict=True):
        end_x, end_y = across.at(line.points[-1][0]), up.at(line.points[-1][1])
        parts.append(
            f'<path class="leader" d="M{number(end_x + 3)} {number(end_y)}L{number(right + 12)} {number(height)}"/>'
            f'<text class="named {line.tone}" x="{number(right + 15)}" y="{number(height + 3.5)}">'
            f"{escape(line.label)}</text>"
        )
    return _drawn("slopes", _SLOPE_WIDTH, _SLOPE_HEIGHT, description, parts)


def trade_chart(points: Sequence[TradePoint], units: tuple[str, str], description: str) -> Markup:
    """Draw scores over latencies, and the front of those that no other beats in both.

    Args:
        points: at least one.
        units: of the latency and of the score, for the axes.
        description: what a screen reader says instead of the drawing.
    """
    scores = [point.score for point in points if not point.exact]
    highest = max(scores, default=1.0)
    span = max(highest - min(scores, default=1.0), 0.02 * abs(highest), 1e-6)
    heights = [highest + 0.35 * span if point.exact else point.score for point in points]
    up = axis_over(heights, HEIGHT - BOTTOM, TOP, smallest_span=0.02)
    across = axis_over([point.latency for point in points], LEFT, WIDTH - RIGHT, smallest_span=0.1)
    parts = [*value_axis(up, units[1], WIDTH), *_latency_axis(across, units[0])]
    places = [(across.at(point.latency), up.at(height)) for point, height in zip(points, heights, strict=True)]
    front = sorted(place for point, place in zip(points, places, strict=True) if point.front)
    steps = f"M{number(front[0][0])} {number(front[0][1])}" + "".join(f"H{number(x)}V{number(y)}" for x, y in front[1:])
    parts.append(f'<path class="front" d="{steps}"/>')
    taken: list[tuple[float, float, float, float]] = []
    for point, (x, y) in zip(points, places, strict=True):
        shape = point.shape % len(SHAPES)
        label = f"{point.label}{' (exact)' if point.exact else ''}{'' if point.front else ', beaten'}"
        box = _free_box(x, y, len(label) * _LETTER, taken)
        taken.append(box)
        parts.append(
            f'<g class="trade{"" if point.front else " beaten"}"><path class="f{shape}" d="{shape_path(shape)}" '
            f'transform="translate({number(x)} {number(y)})scale(1.5)"/>'
            f'<text x="{number(box[0])}" y="{number(box[3])}">{escape(label)}</text></g>'
        )
    return _drawn("trade-off", WIDTH, HEIGHT, description, parts)


def scaling_chart(columns: Sequence[str], lines: Sequence[ScalingLine], unit: str, description: str) -> Markup:
    """Draw a line per precision over what grows from column to column, from zero up."""
    values = [value for line in lines for _, value in line.points]
    up = Axis(0.0, 1.08 * max(values), HEIGHT - BOTTOM, TOP)
    across = Axis(0, max(len(columns) - 1, 1), LEFT + 14, WIDTH - RIGHT - 24)
    parts = value_axis(up, unit, WIDTH)
    parts += [
        f'<text class="tick" x="{number(across.at(place))}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">'
        f"{escape(column)}</text>"
        for place, column in enumerate(columns)
    ]
    for line in lines:
        points = " ".join(f"{number(across.at(column))},{number(up.at(value))}" for column, value in line.points)
        parts.append(f'<polyline class="l{line.shape % len(SHAPES)}" points="{points}"/>')
    return _drawn("scaling", WIDTH, HEIGHT, description, parts)


def bar_chart(bars: Sequence[Bar], description: str) -> Markup:
    """Draw bars to the right of their names on a logarithmic axis that begins at 1."""
    height = _BAR * len(bars) + 24
    largest = max(*(bar.value for bar in bars), 2.0)
    across = Axis(0.0, math.log10(largest), _BAR_LEFT, WIDTH * 2 - _BAR_RIGHT)
    parts = []
    for power in range(math.floor(math.log10(largest)) + 1):
        x = number(across.at(power))
        parts.append(
            f'<path class="grid" d="M{x} 14V{height - 8}"/>'
            f'<text class="tick" x="{x}" y="10" text-anchor="middle">{10**power}×</text>'
        )
    for place, bar in enumerate(bars):
        y = 18 + place * _BAR
        end = across.at(math.log10(max(bar.value, 1.0)))
        parts.append(
            f'<text class="name" x="{_BAR_LEFT - 8}" y="{y + 10}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="bar" x="{_BAR_LEFT}" y="{y}" width="{number(max(end - _BAR_LEFT, 1))}" height="{_BAR - 5}"/>'
            f'<text class="value" x="{number(end + 5)}" y="{y + 10}">{escape(bar.text)}</text>'
        )
    return _drawn("bars", WIDTH * 2, height, description, parts)


def _free_box(
    x: float, y: float, width: float, taken: Sequence[tuple[float, float, float, float]]
) -> tuple[float, float, float, float]:
    """Return where a label of a point fits, as left, top, right and bottom; to its right and above it if possible."""
    boxes = [
        (left, bottom - 11, left + width, bottom)
        for bottom in (y - 5, y + 15, y - 18, y + 28)
        for left in (x + 8, x - 8 - width)
        if left > LEFT and left + width < WIDTH and bottom < HEIGHT - BOTTOM + 2
    ]
    free = (
        box
        for box in boxes
        if not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken)
    )
    return next(free, (x + 8, y - 16, x + 8 + width, y - 5))


def _latency_axis(across: Axis, unit: str) -> list[str]:
    ticks = round_ticks(across.low, across.high, 5)
    parts = [
        f'<path class="grid" d="M{number(across.at(tick))} {HEIGHT - BOTTOM}v4"/>'
        f'<text class="tick" x="{number(across.at(tick))}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">'
        f"{label}</text>"
        for tick, label in zip(ticks, tick_labels(ticks), strict=True)
    ]
    middle = number((across.start + across.end) / 2)
    return [*parts, f'<text class="axis" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(unit)}</text>']


def _percent(share: float) -> str:
    return "0 %" if abs(share) < 1e-12 else f"{'+' if share > 0 else '−'}{100 * abs(share):.3g} %"


def _apart(heights: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Return heights, ascending, moved so that neighbours are at least ``least`` apart and all within the drawing."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + least if placed else low))
    overhang = placed[-1] - high if placed else 0.0
    if overhang > 0:
        limit = high
        for place in reversed(range(len(placed))):
            placed[place] = min(placed[place], limit)
            limit = placed[place] - least
    return placed


def _drawn(kind: str, width: int, height: int, description: str, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - numbers, and texts that are escaped
        f'<svg class="chart {kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(description)}">'
        f"{''.join(parts)}</svg>"
    )
