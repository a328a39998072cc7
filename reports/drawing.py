"""What charts have in common: coordinates, the shapes of subjects, the axis of values."""

from __future__ import annotations

from markupsafe import Markup, escape

from reports.axes import Axis, round_ticks, tick_labels

# Space beside the plot, in user units: for the labels of values, and to the edge.
LEFT, RIGHT = 58, 10

# Subjects beyond this many share colours and shapes with earlier ones; names in tooltips still tell them apart.
SHAPES = ("circle", "square", "triangle", "diamond", "down", "pentagon", "bar", "cross")

_PATHS = {
    "circle": "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "square": "M-2.7-2.7h5.4v5.4h-5.4z",
    "triangle": "M0-3.6L3.4 2.6H-3.4z",
    "diamond": "M0-3.9L3.6 0L0 3.9L-3.6 0z",
    "down": "M0 3.6L3.4-2.6H-3.4z",
    "pentagon": "M0-3.5L3.4-1L2.1 3H-2.1L-3.4-1z",
    "bar": "M-3.4-1.5h6.8v3h-6.8z",
    "cross": "M-1.1-3.4h2.2v2.3h2.3v2.2h-2.3v2.3h-2.2v-2.3h-2.3v-2.2h2.3z",
}


def number(value: float) -> str:
    """Write a coordinate in as few characters as a tenth of a unit needs."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def shape_path(subject: int) -> str:
    """Return the outline of a subject's shape around the origin, as SVG path data."""
    return _PATHS[SHAPES[subject % len(SHAPES)]]


def marker_definitions(subjects: int) -> Markup:
    """Return an invisible drawing that defines the point shapes of the first ``subjects`` subjects, once for a page."""
    markers = "".join(
        f'<marker id="m{i}" viewBox="-5 -5 10 10" markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse">'
        f'<path class="f{i}" d="{shape_path(i)}"/></marker>'
        for i in range(min(subjects, len(SHAPES)))
    )
    layer = (
        '<marker id="layer" viewBox="-3 -3 6 6" markerWidth="5" markerHeight="5" markerUnits="userSpaceOnUse">'
        '<circle class="f0" r="2.4"/></marker>'
    )
    return Markup(  # noqa: S704 - numbers and constants only
        f'<svg class="definitions" width="0" height="0" aria-hidden="true"><defs>{markers}{layer}</defs></svg>'
    )


def shape_icon(subject: int) -> Markup:
    """Return a subject's shape in its colour, for legends and tables."""
    colour = subject % len(SHAPES)
    return Markup(  # noqa: S704 - numbers and constants only
        f'<svg class="shape" viewBox="-5 -5 10 10" aria-hidden="true">'
        f'<path class="f{colour}" d="{shape_path(subject)}"/></svg>'
    )


def value_axis(up: Axis, unit: str, width: int) -> list[str]:
    """Return grid lines and labels for an axis that points up, with its unit, on a drawing of ``width``."""
    ticks = round_ticks(up.low, up.high)
    parts = []
    for tick, label in zip(ticks, tick_labels(ticks), strict=True):
        y = up.at(tick)
        parts.append(
            f'<path class="grid" d="M{LEFT} {number(y)}H{width - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{number(y + 3.5)}" text-anchor="end">{label}</text>'
        )
    middle = number((up.start + up.end) / 2)
    parts.append(
        f'<text class="axis" transform="translate(11 {middle})rotate(-90)" text-anchor="middle">{escape(unit)}</text>'
    )
    return parts
