"""Where the nodes of a graph are drawn, and along which ways its edges run: numbers in, numbers out.

A layered drawing: ``reports.graph_layers`` puts nodes into layers and these into an order, ``reports.graph_places``
places them from left to right, and here layers get their heights and edges their ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.graph_layers import Layered, layered, order
from reports.graph_places import places

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]

# In user units: between boxes of a layer, and between layers, of which the latter grows where edges run far sideways.
_GAP = 18.0
_BETWEEN, _MOST_BETWEEN, _STEEPNESS = 22.0, 70.0, 0.16
# A long edge takes up as much room sideways.
_LINE = 4.0


@dataclass(frozen=True)
class Layout:
    """A drawing's coordinates in user units, y downwards.

    Attributes:
        centres: of the boxes, in the order in which they were given.
        routes: by edge, the points that it runs through, from the foot of its tail's box to the head of its head's. It
            runs straight down wherever two points have the same x, and leaves and reaches each point vertically.
        width: of the whole.
        height: likewise.
    """

    centres: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def lay_out(boxes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Lay out a graph from top to bottom.

    Args:
        boxes: width and height of each node, at least one.
        edges: tail and head by their places in ``boxes``; a tail comes before its head there.

    Raises:
        ValueError: an edge leads backwards or nowhere.
    """
    for tail, head in edges:
        if not 0 <= tail < head < len(boxes):
            raise ValueError(f"an edge leads from {tail} to {head}, of {len(boxes)} nodes; heads come after tails")
    graph = layered(len(boxes), edges)
    layers = order(graph)
    widths = [width for width, _ in boxes] + [_LINE] * (len(graph.above) - len(boxes))
    across = places(graph, layers, widths, _GAP)
    tops, heights = _rows(graph, layers, across, boxes)
    rows = {vertex: (tops[i], heights[i]) for i, layer in enumerate(layers) for vertex in layer}
    # Where an edge meets its own box, which may be lower than its row; elsewhere it passes the whole row.
    inset = [(rows[node][1] - height) / 2 for node, (_, height) in enumerate(boxes)]
    routes = []
    for route in graph.routes:
        points = []
        for vertex in route:
            top, height = rows[vertex]
            points += [(across[vertex], top), (across[vertex], top + height)]
        points[0] = (points[0][0], points[1][1] - inset[route[0]])
        points[-1] = (points[-1][0], points[-2][1] + inset[route[-1]])
        routes.append(_without_stops(points))
    return Layout(
        centres=tuple((across[node], rows[node][0] + rows[node][1] / 2) for node in range(len(boxes))),
        routes=tuple(routes),
        width=max(place + width / 2 for place, width in zip(across, widths, strict=True)),
        height=tops[-1] + heights[-1],
    )


def _rows(
    graph: Layered, layers: Sequence[Sequence[int]], across: Sequence[float], boxes: Sequence[tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """Return top and height of each layer."""
    heights = [max((boxes[vertex][1] for vertex in layer if vertex < graph.nodes), default=0.0) for layer in layers]
    tops = [0.0]
    for layer, height in zip(layers[:-1], heights, strict=False):
        furthest = max(
            (abs(across[vertex] - across[head]) for vertex in layer for head in graph.below[vertex]), default=0.0
        )
        tops.append(tops[-1] + height + min(_BETWEEN + furthest * _STEEPNESS, _MOST_BETWEEN))
    return tops, heights


def _without_stops(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return a way without the points that lie on a straight line between their neighbours, or twice in one place."""
    kept: list[Point] = []
    for point in points:
        while len(kept) > 1 and kept[-2][0] == kept[-1][0] == point[0]:
            kept.pop()
        if not kept or kept[-1] != point:
            kept.append(point)
    return tuple(kept)
