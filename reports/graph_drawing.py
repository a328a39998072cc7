"""The drawing of a graph: boxes and edges in, SVG text out, by the rules of ``reports.charts``.

One drawing carries all colourings: a box has a class and a text for each, and the page's style sheet says which of them
are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports.drawing import number
from reports.graph_layout import Layout, Point, lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.graph_colours import Shade

# In user units: what a letter takes of the operator's line, and of the smaller ones; heights of boxes; space around.
_LETTER, _SMALL_LETTER = 7.3, 6.0
_HEIGHT, _END_HEIGHT, _MARGIN, _PADDING = 40.0, 26.0, 14.0, 9.0
_NARROWEST, _WIDEST = 118.0, 236.0
_HEAD = 4.0


@dataclass(frozen=True)
class DrawnBox:
    """One box of the drawing.

    Attributes:
        heading: the operator; of an input or an output that word.
        name: what it is called; cut at its front where there is no room.
        about: all that is known of it, in lines.
        shades: how it looks by error, time and number type.
        failed: whether it is outside its tolerance.
        end: whether it is an input or an output of the graph.
        href: where the box leads; empty where nowhere.
    """

    heading: str
    name: str
    about: str
    shades: tuple[Shade, Shade, Shade]
    failed: bool = False
    end: bool = False
    href: str = ""


@dataclass(frozen=True)
class GraphDrawing:
    """The drawing, and its size in user units, which are those of the page where it is not made smaller."""

    svg: Markup
    width: int
    height: int


def draw_graph(boxes: Sequence[DrawnBox], edges: Sequence[tuple[int, int, bool]], description: str) -> GraphDrawing:
    """Draw a graph from top to bottom.

    Args:
        boxes: each behind those that lead to it, at least one.
        edges: tail and head by their places in ``boxes``, and whether the edge is drawn dashed.
        description: what a screen reader says of the whole.
    """
    width = _width(boxes)
    sizes = [(width, _END_HEIGHT if box.end else _HEIGHT) for box in boxes]
    layout = lay_out(sizes, [(tail, head) for tail, head, _ in edges])
    across, down = round(layout.width + 2 * _MARGIN), round(layout.height + 2 * _MARGIN)
    parts = [*_edges(layout, [dashed for _, _, dashed in edges])]
    parts += [_box(box, centre, size) for box, centre, size in zip(boxes, layout.centres, sizes, strict=True)]
    svg = (
        f'<svg class="graph-drawing" width="{across}" height="{down}" viewBox="{number(-_MARGIN)} {number(-_MARGIN)} '
        f'{across} {down}" role="group" aria-label="{escape(description)}">{"".join(parts)}</svg>'
    )
    return GraphDrawing(Markup(svg), across, down)  # noqa: S704 - numbers, and texts that are escaped


def _width(boxes: Sequence[DrawnBox]) -> float:
    """Return a width for all boxes: what the widest needs, within bounds."""
    needed = [
        max(_heading_width(box) + _LETTER + _value_width(box), len(box.name) * _SMALL_LETTER) + 2 * _PADDING
        for box in boxes
    ]
    return float(round(min(max(*needed, _NARROWEST), _WIDEST)))


def _heading_width(box: DrawnBox) -> float:
    return (len(box.heading) + 2 * box.failed) * _LETTER


def _value_width(box: DrawnBox) -> float:
    return max(len(shade.shown) for shade in box.shades) * _SMALL_LETTER


def _box(box: DrawnBox, centre: Point, size: tuple[float, float]) -> str:
    width, height = size
    styles = " ".join(
        ["node", *(["end"] if box.end else []), *(["failed-node"] if box.failed else []), *_styles(box.shades)]
    )
    room = width - 2 * _PADDING
    sign = '<tspan class="sign">✖ </tspan>' if box.failed else ""
    heading = _cut(box.heading, (room - _value_width(box)) / _LETTER - 2 * box.failed - 0.5)
    values = "".join(
        f'<text class="by-{kind}" x="{number(width - _PADDING)}" y="16">{escape(shade.shown)}</text>'
        for kind, shade in zip(("error", "time", "type"), box.shades, strict=True)
        if shade.shown
    )
    if box.end:
        # On one line, so that the ends of a graph are lower than its nodes.
        taken = _heading_width(box) + _value_width(box) + _LETTER
        name = _cut_front(box.name, (room - taken) / _SMALL_LETTER)
        texts = f'<text x="9" y="17">{sign}<tspan class="operator">{escape(heading)}</tspan> {escape(name)}</text>'
    else:
        name = _cut_front(box.name, room / _SMALL_LETTER)
        texts = f'<text class="operator" x="9" y="16">{sign}{escape(heading)}</text>'
        texts += f'<text x="9" y="32">{escape(name)}</text>'
    radius = number(height / 2) if box.end else "5"
    left, top = number(centre[0] - width / 2), number(centre[1] - height / 2)
    content = (
        f"<title>{escape(box.about)}</title>"
        f'<rect width="{number(width)}" height="{number(height)}" rx="{radius}"/>{texts}{values}'
    )
    if box.href:
        return f'<a class="{styles}" href="{escape(box.href)}" transform="translate({left} {top})">{content}</a>'
    return f'<g class="{styles}" role="img" transform="translate({left} {top})">{content}</g>'


def _styles(shades: Sequence[Shade]) -> list[str]:
    return [shade.style for shade in shades if shade.style]


def _cut(words: str, letters: float) -> str:
    """Return a text cut at its end to so many letters."""
    most = max(int(letters), 1)
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _cut_front(name: str, letters: float) -> str:
    """Return a name cut at its front, since what tells the names of a graph apart is at their ends."""
    most = max(int(letters), 1)
    return name if len(name) <= most else f"…{name[len(name) - most + 1 :]}"


def _edges(layout: Layout, dashed: Sequence[bool]) -> list[str]:
    """Return all edges of each kind as one path, with all their heads as another: few elements, whatever the size."""
    paths = {
        kind: "".join(
            dict.fromkeys(
                _path(route) for route, own in zip(layout.routes, dashed, strict=True) if own == (kind == "quantised")
            )
        )
        for kind in ("plain", "quantised")
    }
    heads = "".join(
        dict.fromkeys(
            f"M{number(x)} {number(y)}l{number(-_HEAD)}{number(-1.6 * _HEAD)}h{number(2 * _HEAD)}z"
            for x, y in (route[-1] for route in layout.routes)
        )
    )
    drawn = [f'<path class="edge {kind}" d="{path}"/>' for kind, path in paths.items() if path]
    return [*drawn, f'<path class="edge-heads" d="{heads}"/>'] if heads else drawn


def _path(route: Sequence[Point]) -> str:
    """Return a way as path data: straight where it runs straight down, else curves that begin and end vertically."""
    (x, y), *others, (end_x, end_y) = route
    parts = [f"M{number(x)} {number(y)}"]
    # Straight behind the head, which would hide the bend of a curve.
    for to_x, to_y in (*others, (end_x, end_y - 1.6 * _HEAD), (end_x, end_y)):
        if number(to_x) == number(x):
            parts[-1] = parts[-1].rpartition("V")[0] if parts[-1].startswith("V") else parts[-1]
            parts.append(f"V{number(to_y)}")
        else:
            middle = number((y + to_y) / 2)
            parts.append(f"C{number(x)} {middle} {number(to_x)} {middle} {number(to_x)} {number(to_y)}")
        x, y = to_x, to_y
    return "".join(parts)
