"""Charts of series over time: numbers in, SVG text out.

Every function is pure and returns ``Markup``: labels that come from outside are escaped here, so that a template may
insert the result as it is. Colours are classes, given their values by the page's style sheet; each colour has a shape
of its own. Coordinates are rounded to a tenth of a unit, which no eye sees and which keeps thousands of points small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports.axes import Axis, axis_over, spread_out
from reports.drawing import LEFT, RIGHT, SHAPES, number, value_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, TOP, BOTTOM = 640, 190, 12, 24


@dataclass(frozen=True)
class Line:
    """The runs of one subject in one trend: its place among the subjects, and (column, finite value) by column."""

    subject: int
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Mark:
    """A verdict worth seeing, at one point of a trend."""

    column: int
    value: float
    status: str
    text: str


@dataclass(frozen=True)
class Band:
    """Where the latest run was expected: between ``low`` and ``high``, from the first baseline run's column on."""

    first_column: int
    low: float
    high: float


@dataclass(frozen=True)
class Step:
    """A session since which the series lies elsewhere: a line across the chart, with a word and a longer text to it.

    One that a person has accepted is drawn fainter.
    """

    column: int
    label: str
    text: str
    accepted: bool = False


def sparkline(values: Sequence[float], description: str) -> Markup:
    """Draw values, oldest first, with a dot on the newest; nothing for fewer than two finite ones."""
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return Markup()
    across = Axis(0, len(finite) - 1, 2, 74)
    up = axis_over(finite, 18, 2, smallest_span=0.02)
    points = " ".join(f"{number(across.at(i))},{number(up.at(value))}" for i, value in enumerate(finite))
    x, y = points.rsplit(" ", 1)[-1].split(",")
    return Markup(  # noqa: S704 - numbers, and a description that is escaped
        f'<svg class="spark" viewBox="0 0 78 20" role="img"><title>{escape(description)}</title>'
        f'<polyline points="{points}"/><circle cx="{x}" cy="{y}" r="2"/></svg>'
    )


def trend_chart(
    lines: Sequence[Line],
    *,
    identity: str,
    description: str,
    dates: Sequence[str],
    unit: str,
    median: float | None = None,
    band: Band | None = None,
    marks: Sequence[Mark] = (),
    steps: Sequence[Step] = (),
) -> Markup:
    """Draw one series over its sessions: a line for each subject, the median, the expected band, the verdicts.

    Args:
        lines: at least one point in all.
        identity: the id under which the page's script finds the values of each point.
        description: what a screen reader says instead of the drawing.
        dates: one date per column, oldest first.
        unit: of the values, for the axis.
        median: of the values, drawn as a dashed line.
        band: see ``Band``.
        marks: see ``Mark``.
        steps: see ``Step``.
    """
    values = [value for line in lines for _, value in line.points]
    extent = [*values, *((band.low, band.high) if band and _worth_showing(band, values) else ())]
    up = axis_over(extent, HEIGHT - BOTTOM, TOP, smallest_span=0.02)
    across = Axis(0, max(len(dates) - 1, 1), LEFT + 8, WIDTH - RIGHT - 8)
    parts = [*value_axis(up, unit, WIDTH), *_date_axis(across, dates)]
    if band:
        top, bottom, left = up.at(band.high), up.at(band.low), across.at(band.first_column)
        parts.append(
            f'<rect class="band" x="{number(left)}" y="{number(top)}" width="{number(WIDTH - RIGHT - left)}" '
            f'height="{number(max(bottom - top, 1))}"/>'
        )
    if median is not None:
        y = number(up.at(median))
        parts.append(f'<path class="median" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
    parts += [_step(step, across) for step in steps]
    for line in lines:
        points = " ".join(f"{number(across.at(column))},{number(up.at(value))}" for column, value in line.points)
        parts.append(f'<polyline class="l{line.subject % len(SHAPES)}" points="{points}"/>')
    parts += [
        (
            f'<circle class="mark {escape(mark.status)}" cx="{number(across.at(mark.column))}" '
            f'cy="{number(up.at(mark.value))}" r="6.5"><title>{escape(mark.text)}</title></circle>'
        )
        for mark in marks
    ]
    return Markup(  # noqa: S704 - numbers, and texts that are escaped
        f'<svg class="chart trend" data-series="{escape(identity)}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'tabindex="0" aria-label="{escape(description)}">{"".join(parts)}</svg>'
    )


def _step(step: Step, across: Axis) -> str:
    """Draw a line between the column and the one before it, its label on the side that has more room."""
    x = (across.at(step.column) + across.at(max(step.column - 1, 0))) / 2
    beside, anchor = (x + 3, "start") if x < (LEFT + WIDTH - RIGHT) / 2 else (x - 3, "end")
    accepted = " accepted" if step.accepted else ""
    return (
        f'<g class="step{accepted}"><title>{escape(step.text)}</title>'
        f'<path d="M{number(x)} {TOP - 8}V{HEIGHT - BOTTOM}"/>'
        f'<text x="{number(beside)}" y="{TOP - 1}" text-anchor="{anchor}">{escape(step.label)}</text></g>'
    )


def _worth_showing(band: Band, values: Sequence[float]) -> bool:
    """Whether the whole band fits without pressing the points into a line: a band of a noisy start may be huge."""
    return band.high - band.low <= 6 * max(max(values) - min(values), 0.02 * max(map(abs, values)))


def _date_axis(across: Axis, dates: Sequence[str]) -> list[str]:
    places = spread_out(len(dates), 5)
    # Sessions of one day need its date once.
    chosen = [place for i, place in enumerate(places) if i == 0 or dates[place] != dates[places[i - 1]]]
    parts = []
    for place in chosen:
        x = number(across.at(place))
        anchor = "start" if place == 0 and len(dates) > 1 else "end" if place == len(dates) - 1 and place else "middle"
        parts.append(
            f'<path class="grid" d="M{x} {HEIGHT - BOTTOM}v4"/>'
            f'<text class="tick" x="{x}" y="{HEIGHT - 8}" text-anchor="{anchor}">{escape(dates[place])}</text>'
        )
    return parts
