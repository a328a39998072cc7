"""Layers of a drawing, and the order of what stands in them."""

from __future__ import annotations

import itertools
import random

import pytest

from reports import graph_layers as module
from reports.graph_layers import Layered, crossings, layered, order

FIRE = [(0, 1), (0, 2), (1, 3), (2, 3)]


def depths(nodes: int, edges: list[tuple[int, int]]) -> list[int]:
    """Return the layer of each node."""
    graph = layered(nodes, edges)
    return [next(i for i, layer in enumerate(graph.layers) if node in layer) for node in range(nodes)]


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        pytest.param(1, [], [0], id="one node"),
        pytest.param(3, [(0, 1), (1, 2)], [0, 1, 2], id="a chain"),
        pytest.param(4, FIRE, [0, 1, 1, 2], id="two branches of equal length"),
        pytest.param(4, [(0, 1), (1, 2), (2, 3), (0, 3)], [0, 1, 2, 3], id="a skip connection"),
        pytest.param(4, [(0, 2), (2, 3), (1, 3)], [0, 1, 1, 2], id="an input that is read late comes late"),
        pytest.param(
            6,
            [(0, 1), (1, 2), (2, 5), (3, 4), (4, 5)],
            [0, 1, 2, 1, 2, 3],
            id="so does all that is made of it alone",
        ),
    ],
)
def test_a_node_is_below_what_it_reads(nodes: int, edges: list[tuple[int, int]], expected: list[int]) -> None:
    """Layers are those of the longest paths, except for what would only make edges longer there."""
    assert depths(nodes, edges) == expected


def test_edges_lead_from_each_layer_to_the_next() -> None:
    """Long edges are cut into a piece for each layer, and those from one node share their pieces."""
    graph = layered(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 4), (0, 5)])
    place = {vertex: i for i, layer in enumerate(graph.layers) for vertex in layer}
    assert all(place[head] == place[tail] + 1 for tail in place for head in graph.below[tail])
    assert [route[0] for route in graph.routes] == [0, 1, 2, 3, 4, 0, 0]
    assert graph.routes[-1][:-2] == graph.routes[-2][:-1]
    assert len(place) == 6 + 4


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        pytest.param(4, FIRE, 0, id="a fire module"),
        pytest.param(4, [(0, 3), (1, 2)], 0, id="two edges that need not cross"),
        pytest.param(6, [(t, h) for t in (0, 1, 2) for h in (3, 4, 5)], 9, id="all of three with all of three"),
        pytest.param(4, [(t, h) for t in (0, 1) for h in (2, 3)], 1, id="all of two with all of two"),
        pytest.param(9, [(0, i) for i in range(1, 9)], 0, id="a fan"),
        pytest.param(8, [(0, 7), (1, 6), (2, 5), (3, 4)], 0, id="four edges given the wrong way round"),
    ],
)
def test_few_edges_cross(nodes: int, edges: list[tuple[int, int]], expected: int) -> None:
    """Of small graphs the fewest crossings that there can be are found."""
    graph = layered(nodes, edges)
    assert crossings(order(graph), graph.below) == expected


def counted_one_by_one(layers: list[list[int]], below: list[list[int]]) -> int:
    """Count crossings by comparing every pair of edges."""
    count = 0
    for upper, lower in itertools.pairwise(layers):
        edges = [(upper.index(tail), lower.index(head)) for tail in upper for head in below[tail]]
        count += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(edges) for b in edges[:i])
    return count


def random_graph(seed: int) -> Layered:
    """Return a graph of 40 nodes that reads across several layers."""
    generator = random.Random(seed)
    edges = sorted({(generator.randrange(max(head - 6, 0), head), head) for head in range(1, 40) for _ in range(2)})
    return layered(40, edges)


@pytest.mark.parametrize("seed", range(12))
def test_an_order_never_makes_it_worse(seed: int) -> None:
    """On random graphs the count is right, and no more edges cross than before."""
    graph = random_graph(seed)
    found = order(graph)
    assert [sorted(layer) for layer in found] == [sorted(layer) for layer in graph.layers]
    assert crossings(found, graph.below) == counted_one_by_one(found, graph.below)
    assert crossings(found, graph.below) <= crossings(graph.layers, graph.below)


@pytest.mark.parametrize("seed", range(6))
def test_no_exchange_of_neighbours_would_be_better(seed: int) -> None:
    """No two vertices side by side could change places with fewer crossings."""
    graph = random_graph(seed)
    found = order(graph)
    fewest = crossings(found, graph.below)
    for layer in found:
        for i in range(len(layer) - 1):
            layer[i : i + 2] = layer[i : i + 2][::-1]
            assert crossings(found, graph.below) >= fewest
            layer[i : i + 2] = layer[i : i + 2][::-1]


@pytest.mark.parametrize("seed", range(6))
def test_the_best_order_is_kept(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """One sweep more never makes it worse, though a sweep by itself may."""
    graph = random_graph(seed)
    counts = []
    for sweeps in range(8):
        monkeypatch.setattr(module, "_SWEEPS", sweeps)
        counts.append(crossings(order(graph), graph.below))
    assert counts == sorted(counts, reverse=True)
