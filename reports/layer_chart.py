"""The chart of layers: numbers in, SVG text out, by the rules of ``reports.charts``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports.axes import Axis, axis_over
from reports.drawing import LEFT, RIGHT, number, value_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, TOP, BOTTOM = 980, 260, 30, 32


@dataclass(frozen=True)
class LayerBar:
    """One layer of the layer chart.

    Attributes:
        name: the tensor's name, cleaned.
        operator: type of the node that makes it.
        sqnr_db: ratio of signal to error in dB; +inf where it equals the reference, None where there is no number.
        limit_db: smallest ratio allowed, or None where the layer has no such limit.
        passed: whether the layer is within all of its limits; None where it has none.
    """

    name: str
    operator: str
    sqnr_db: float | None
    limit_db: float | None
    passed: bool | None


def layer_chart(layers: Sequence[LayerBar], *, identity: str, description: str) -> Markup:
    """Draw each layer's signal-to-error ratio in graph order, the limit, and the first layer that leaves its limits.

    Layers equal to their reference stand on the line ``exact`` above the axis; those without a number, on its foot. A
    layer outside its limits is a cross of another colour with its name as tooltip; the first one is named beside it.

    Args:
        layers: in graph order, at least one.
        identity: the id under which the page's script finds the layers' names.
        description: what a screen reader says instead of the drawing.
    """
    finite = [v for layer in layers for v in (layer.sqnr_db, layer.limit_db) if v is not None and math.isfinite(v)]
    up = axis_over([*(finite or [0.0]), 0.0], HEIGHT - BOTTOM, TOP, smallest_span=0.1)
    across = Axis(0, max(len(layers) - 1, 1), LEFT + 8, WIDTH - RIGHT - 8)
    parts = value_axis(up, "dB", WIDTH)
    xs = [number(across.at(i)) for i in range(len(layers))]
    ys = [number(_layer_height(layer.sqnr_db, up)) for layer in layers]
    if any(layer.sqnr_db == math.inf for layer in layers):
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{TOP - 7}" text-anchor="end">exact</text>')
    parts.append(f'<path class="limit" d="{_limit_path(layers, across, up)}"/>')
    foot = number(up.start)
    stems = "".join(f"M{x} {foot}V{y}" for x, y in zip(xs, ys, strict=True))
    parts.append(f'<path class="stem" d="{stems}"/>')
    good = " ".join(f"{x},{y}" for x, y, layer in zip(xs, ys, layers, strict=True) if layer.passed is not False)
    parts.append(f'<polyline class="layer" points="{good}"/>' if good else "")
    outside = [i for i, layer in enumerate(layers) if layer.passed is False]
    parts += [
        (
            f'<path class="outside" d="M{xs[i]} {ys[i]}m-3.5-3.5l7 7m0-7l-7 7">'
            f"<title>{escape(layers[i].name)} is outside its tolerance</title></path>"
        )
        for i in outside
    ]
    if outside:
        parts.extend(_first_outside(layers[outside[0]].name, across.at(outside[0])))
    parts.append(
        f'<text class="axis" x="{(LEFT + WIDTH) / 2:g}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{len(layers):,} layers in graph order, from the inputs to the outputs</text>"
    )
    return Markup(  # noqa: S704 - numbers, and texts that are escaped
        f'<svg class="chart layers" data-layers="{escape(identity)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" tabindex="0" aria-label="{escape(description)}">{"".join(parts)}</svg>'
    )


def _layer_height(sqnr_db: float | None, up: Axis) -> float:
    if sqnr_db is None or math.isnan(sqnr_db):
        return up.start
    return up.end - 10 if sqnr_db == math.inf else up.at(sqnr_db)


def _limit_path(layers: Sequence[LayerBar], across: Axis, up: Axis) -> str:
    """Return the limits as steps half-way between layers; a layer without a limit leaves a gap."""
    half = (across.end - across.start) / max(len(layers) - 1, 1) / 2
    path: list[str] = []
    previous: float | None = None
    for i, layer in enumerate(layers):
        limit = layer.limit_db
        if limit is not None and limit != previous:
            path.append(f"{'L' if previous is not None else 'M'}{number(across.at(i) - half)} {number(up.at(limit))}")
        if limit is not None and (i + 1 == len(layers) or layers[i + 1].limit_db != limit):
            path.append(f"H{number(across.at(i) + half)}")
        previous = limit
    return "".join(path)


def _first_outside(name: str, x: float) -> list[str]:
    on_the_right = x > (LEFT + WIDTH) / 2
    shown = name if len(name) <= 44 else f"{name[:20]}…{name[-23:]}"
    return [
        f'<path class="first" d="M{number(x)} {TOP - 14}V{HEIGHT - BOTTOM}"/>',
        (
            f'<text class="first" x="{number(x - 6 if on_the_right else x + 6)}" y="{TOP - 8}" '
            f'text-anchor="{"end" if on_the_right else "start"}">first outside: {escape(shown)}</text>'
        ),
    ]
