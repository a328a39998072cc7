"""The first two steps of a layered drawing: which layer each node is in, and in which order a layer's nodes stand.

The frame is that of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures",
IEEE Trans. SMC 11 (1981). Everything is deterministic: what is equal stays in the order in which it was given.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# After so many sweeps without fewer crossings there will be none fewer; Gansner et al. make 24 in all.
_SWEEPS = 24
_PATIENCE = 5


@dataclass(frozen=True)
class Layered:
    """A graph in layers, in which every edge leads from one layer to the next.

    Attributes:
        nodes: how many real ones there are; a vertex from that number on stands for a piece of a long edge.
        layers: the vertices of each layer, from the left, the layers from the top.
        above: by vertex, those of the layer above that lead to it.
        below: by vertex, those of the layer below that it leads to.
        routes: by edge, its vertices from the tail to the head.
    """

    nodes: int
    layers: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    routes: tuple[tuple[int, ...], ...]


def layered(nodes: int, edges: Sequence[tuple[int, int]]) -> Layered:
    """Put nodes into layers and cut long edges into pieces; what leads from one node to several shares its pieces.

    Args:
        nodes: how many there are.
        edges: (tail, head) with tail < head.
    """
    depth = _depths(nodes, edges)
    layers: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for node, own in enumerate(depth):
        layers[own].append(node)
    above: list[list[int]] = [[] for _ in range(nodes)]
    below: list[list[int]] = [[] for _ in range(nodes)]
    pieces: dict[tuple[int, int], int] = {}
    routes = []
    for tail, head in edges:
        route = [tail]
        for layer in range(depth[tail] + 1, depth[head]):
            piece = pieces.get((tail, layer))
            if piece is None:
                piece = pieces[tail, layer] = len(above)
                above.append([])
                below.append([])
                layers[layer].append(piece)
            route.append(piece)
        route.append(head)
        for upper, lower in itertools.pairwise(route):
            if lower not in below[upper]:
                below[upper].append(lower)
                above[lower].append(upper)
        routes.append(tuple(route))
    return Layered(nodes, layers, above, below, tuple(routes))


def _depths(nodes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return each node's layer: the longest path to it, but nearer to its readers where that shortens edges.

    A node goes down to its first reader if it has more readers than it reads from, or if nothing else reads what it is
    made from, so that all of it goes down together: promotion as in Nikolov and Tarassov, "Graph layering by promotion
    of nodes", Discrete Applied Mathematics 154 (2006), turned upside down, for the whole of a tree at once.
    """
    tails: list[list[int]] = [[] for _ in range(nodes)]
    heads: list[list[int]] = [[] for _ in range(nodes)]
    for tail, head in dict.fromkeys(edges):
        tails[head].append(tail)
        heads[tail].append(head)
    depth = [0] * nodes
    for node in range(nodes):
        depth[node] = max((depth[tail] + 1 for tail in tails[node]), default=0)
    alone = [False] * nodes
    for node in range(nodes):
        alone[node] = all(alone[tail] and len(heads[tail]) == 1 for tail in tails[node])
    for node in reversed(range(nodes)):
        if heads[node] and (alone[node] or len(heads[node]) > len(tails[node])):
            depth[node] = min(depth[head] for head in heads[node]) - 1
    return depth


def order(graph: Layered) -> list[list[int]]:
    """Return the layers, each in an order in which few edges cross.

    Weighted medians, then exchanges of neighbours, down and up by turns, from the order of a depth-first walk: Gansner,
    Koutsofios, North and Vo, "A Technique for Drawing Directed Graphs", IEEE Trans. Software Engineering 19 (1993),
    section 3. The best order that was met is kept.
    """
    layers = _walked(graph)
    _exchange(layers, graph)
    best, fewest = [list(layer) for layer in layers], crossings(layers, graph.below)
    waited = 0
    for sweep in range(_SWEEPS):
        if fewest == 0 or waited == _PATIENCE:
            break
        layers = _by_medians(layers, graph.above if sweep % 2 == 0 else graph.below, downwards=sweep % 2 == 0)
        _exchange(layers, graph)
        found = crossings(layers, graph.below)
        waited = 0 if found < fewest else waited + 1
        if found < fewest:
            best, fewest = [list(layer) for layer in layers], found
    return best


def crossings(layers: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """Count how many pairs of edges cross if each layer's vertices stand in this order."""
    count = 0
    for upper, lower in itertools.pairwise(layers):
        place = {vertex: i for i, vertex in enumerate(lower)}
        passed: list[int] = []
        for vertex in upper:
            ends = sorted(place[head] for head in below[vertex])
            count += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return count


def _walked(graph: Layered) -> list[list[int]]:
    depth = {vertex: i for i, layer in enumerate(graph.layers) for vertex in layer}
    layers: list[list[int]] = [[] for _ in graph.layers]
    seen: set[int] = set()
    for start in (vertex for layer in graph.layers for vertex in layer if not graph.above[vertex]):
        stack = [start]
        while stack:
            vertex = stack.pop()
            if vertex not in seen:
                seen.add(vertex)
                layers[depth[vertex]].append(vertex)
                stack.extend(reversed(graph.below[vertex]))
    return layers


def _by_medians(layers: list[list[int]], neighbours: list[list[int]], *, downwards: bool) -> list[list[int]]:
    """Return the layers ordered by the medians of their neighbours; what has none keeps its place."""
    ordered = [list(layer) for layer in layers]
    turns = range(1, len(ordered)) if downwards else range(len(ordered) - 2, -1, -1)
    for turn in turns:
        place = {vertex: i for i, vertex in enumerate(ordered[turn - 1 if downwards else turn + 1])}
        medians = {
            vertex: _median(sorted(place[other] for other in neighbours[vertex]))
            for vertex in ordered[turn]
            if neighbours[vertex]
        }
        waiting = iter(sorted((vertex for vertex in ordered[turn] if vertex in medians), key=medians.__getitem__))
        ordered[turn] = [next(waiting) if vertex in medians else vertex for vertex in ordered[turn]]
    return ordered


def _median(places: Sequence[int]) -> float:
    """Return the median; of an even number of places the one between the middle two, nearer to where more stand."""
    middle = len(places) // 2
    if len(places) % 2 == 1:
        return places[middle]
    if len(places) == 2:
        return sum(places) / 2
    left, right = places[middle - 1] - places[0], places[-1] - places[middle]
    if left + right == 0:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * right + places[middle] * left) / (left + right)


def _exchange(layers: list[list[int]], graph: Layered) -> None:
    """Exchange vertices that stand side by side as long as that leaves fewer crossings, in place."""
    places = {vertex: i for layer in layers for i, vertex in enumerate(layer)}
    better = True
    while better:
        better = False
        for layer in layers:
            for i in range(len(layer) - 1):
                left, right = layer[i], layer[i + 1]
                now = then = 0
                for neighbours in (graph.above, graph.below):
                    ours = sorted(places[other] for other in neighbours[left])
                    theirs = sorted(places[other] for other in neighbours[right])
                    now += sum(len(ours) - bisect_right(ours, place) for place in theirs)
                    then += sum(bisect_left(ours, place) for place in theirs)
                if then < now:
                    layer[i], layer[i + 1] = right, left
                    places[left], places[right] = i + 1, i
                    better = True
