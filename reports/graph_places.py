"""The third step of a layered drawing: how far from the left each vertex stands, so that edges are straight.

Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment", Graph Drawing 2001: vertices are tied to the
median of their neighbours into vertical blocks in four ways, from above or below and from the left or right; each way
gives places, of which every vertex gets the mean of the middle two. Blocks are put side by side by longest paths over
the graph of blocks, which does without the classes of the paper and so without the fault that Brandes, Walter and Zink
describe in "Erratum: Fast and Simple Horizontal Coordinate Assignment" (2020).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reports.graph_layers import Layered


def places(graph: Layered, layers: Sequence[Sequence[int]], widths: Sequence[float], gap: float) -> list[float]:
    """Return the middle of each vertex, from 0 on; neighbours in a layer are at least ``gap`` apart.

    Args:
        graph: the vertices and how they are joined.
        layers: its layers, each in its final order.
        widths: of each vertex.
        gap: in the unit of ``widths``.
    """
    crossed = _crossed(graph, layers)
    found: list[list[float]] = []
    for from_above in (True, False):
        for from_left in (True, False):
            turned = [list(layer) if from_left else list(layer)[::-1] for layer in layers]
            if not from_above:
                turned.reverse()
            roots = _aligned(turned, graph.above if from_above else graph.below, crossed)
            own = _compacted(turned, roots, widths, gap)
            found.append(own if from_left else [-place for place in own])
    return _balanced(found, widths)


def _crossed(graph: Layered, layers: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """Return the edges, either way round, that must bend because the inside of a long edge crosses them."""
    bent: set[tuple[int, int]] = set()
    for upper, lower in itertools.pairwise(layers):
        place = {vertex: i for i, vertex in enumerate(lower)}
        edges = [
            (i, place[head], vertex, head, vertex >= graph.nodes and head >= graph.nodes)
            for i, vertex in enumerate(upper)
            for head in graph.below[vertex]
        ]
        inside = [edge for edge in edges if edge[4]]
        for start, end, tail, head, is_inside in edges:
            if not is_inside and any((start - other[0]) * (end - other[1]) < 0 for other in inside):
                bent |= {(tail, head), (head, tail)}
    return bent


def _aligned(
    layers: Sequence[Sequence[int]], neighbours: Sequence[Sequence[int]], crossed: Collection[tuple[int, int]]
) -> list[int]:
    """Return the first vertex of each vertex's block, ties decided for the neighbour further left (algorithm 2)."""
    roots = list(range(len(neighbours)))
    for upper, lower in itertools.pairwise(layers):
        place = {vertex: i for i, vertex in enumerate(upper)}
        taken = -1
        for vertex in lower:
            own = sorted(neighbours[vertex], key=place.__getitem__)
            for middle in dict.fromkeys(((len(own) - 1) // 2, len(own) // 2)) if own else ():
                other = own[middle]
                if place[other] > taken and (other, vertex) not in crossed:
                    roots[vertex] = roots[other]
                    taken = place[other]
                    break
    return roots


def _compacted(
    layers: Sequence[Sequence[int]], roots: Sequence[int], widths: Sequence[float], gap: float
) -> list[float]:
    """Return places at which blocks stand as far left as they can, then as near to their right neighbours."""
    before: dict[int, dict[int, float]] = defaultdict(dict)
    behind: dict[int, dict[int, float]] = defaultdict(dict)
    for layer in layers:
        for left, right in itertools.pairwise(layer):
            here, there = roots[left], roots[right]
            apart = max((widths[left] + widths[right]) / 2 + gap, behind[here].get(there, 0.0))
            behind[here][there] = before[there][here] = apart
    blocks = _in_order([roots[vertex] for layer in layers for vertex in layer], before, behind)
    place: dict[int, float] = {}
    for block in blocks:
        place[block] = max((place[other] + apart for other, apart in before[block].items()), default=0.0)
    for block in reversed(blocks):
        nearest = min((place[other] - apart for other, apart in behind[block].items()), default=place[block])
        place[block] = max(place[block], nearest)
    return [place[root] for root in roots]


def _in_order(
    blocks: Sequence[int], before: Mapping[int, Mapping[int, float]], behind: Mapping[int, Mapping[int, float]]
) -> list[int]:
    """Return blocks each behind those left of it."""
    waiting = {block: len(before[block]) for block in dict.fromkeys(blocks)}
    free = [block for block, count in waiting.items() if not count]
    for block in free:
        for other in behind[block]:
            waiting[other] -= 1
            if not waiting[other]:
                free.append(other)
    return free


def _balanced(found: Sequence[Sequence[float]], widths: Sequence[float]) -> list[float]:
    """Return the mean of the middle two places of each vertex, the four drawings put over the narrowest one."""
    edges = [
        (
            min(place - width / 2 for place, width in zip(own, widths, strict=True)),
            max(place + width / 2 for place, width in zip(own, widths, strict=True)),
        )
        for own in found
    ]
    left, right = min(edges, key=lambda edge: edge[1] - edge[0])
    shifted = []
    for i, (own, (own_left, own_right)) in enumerate(zip(found, edges, strict=True)):
        shift = left - own_left if i % 2 == 0 else right - own_right
        shifted.append([place + shift for place in own])
    middle = [sum(sorted(four)[1:3]) / 2 for four in zip(*shifted, strict=True)]
    start = min(place - width / 2 for place, width in zip(middle, widths, strict=True))
    return [place - start for place in middle]
