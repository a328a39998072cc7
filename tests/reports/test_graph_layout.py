"""Where nodes are drawn and where edges run."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from reports.graph_layout import Layout, lay_out

BOX = (140.0, 40.0)


def random_graph(seed: int, nodes: int) -> list[tuple[int, int]]:
    """Return edges as networks have them: mostly to the node before, some to one far above."""
    generator = random.Random(seed)
    edges: set[tuple[int, int]] = set()
    for head in range(1, nodes):
        for _ in range(generator.choice([1, 1, 1, 2, 2, 3])):
            edges.add((max(0, head - 1 - int(generator.expovariate(0.5))), head))
    return sorted(edges)


def fire_modules(count: int) -> tuple[int, list[tuple[int, int]]]:
    """Return a squeezenet of so many modules: squeeze, two expansions, concatenation."""
    edges = []
    for module in range(count):
        top = 4 * module
        edges += [(top, top + 1), (top, top + 2), (top + 1, top + 3), (top + 2, top + 3), (top + 3, top + 4)]
    return 4 * count + 1, edges


def residual_blocks(count: int) -> tuple[int, list[tuple[int, int]]]:
    """Return a resnet of so many blocks: three nodes and a skip connection into a sum."""
    edges = []
    for block in range(count):
        top = 4 * block
        edges += [(top, top + 1), (top + 1, top + 2), (top + 2, top + 3), (top + 3, top + 4), (top, top + 4)]
    return 4 * count + 1, edges


def crossed_boxes(layout: Layout, boxes: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Return edges, with boxes that a straight piece of them runs through."""
    found = []
    for edge, route in enumerate(layout.routes):
        for (x, y), (to_x, to_y) in pairwise(route):
            for node, ((centre_x, centre_y), (width, height)) in enumerate(zip(layout.centres, boxes, strict=True)):
                inside = abs(x - centre_x) < width / 2 and abs(to_x - centre_x) < width / 2
                if inside and y < centre_y + height / 2 - 0.1 and to_y > centre_y - height / 2 + 0.1:
                    found.append((edge, node))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_two_boxes_overlap(seed: int) -> None:
    """Boxes of random sizes have a gap between them, inside the drawing."""
    generator = random.Random(seed)
    boxes = [(generator.uniform(40, 220), generator.uniform(20, 60)) for _ in range(90)]
    layout = lay_out(boxes, random_graph(seed, 90))
    for i, ((x, y), (width, height)) in enumerate(zip(layout.centres, boxes, strict=True)):
        assert width / 2 <= x + 1e-6
        assert x + width / 2 <= layout.width + 1e-6
        assert y + height / 2 <= layout.height + 1e-6
        for (other_x, other_y), (other_width, other_height) in zip(layout.centres[:i], boxes[:i], strict=True):
            beside = abs(x - other_x) >= (width + other_width) / 2 + 17.9
            assert beside or abs(y - other_y) >= (height + other_height) / 2 + 17.9


@pytest.mark.parametrize("seed", range(8))
def test_edges_run_downwards_and_around_boxes(seed: int) -> None:
    """Each edge goes from the foot of its tail to the head of its head, never up and through no box on its way."""
    edges = random_graph(seed, 90)
    boxes = [BOX] * 90
    layout = lay_out(boxes, edges)
    for (tail, head), route in zip(edges, layout.routes, strict=True):
        (x, y), (to_x, to_y) = layout.centres[tail], layout.centres[head]
        assert route[0] == pytest.approx((x, y + BOX[1] / 2))
        assert route[-1] == pytest.approx((to_x, to_y - BOX[1] / 2))
        assert all(there[1] >= here[1] for here, there in pairwise(route))
    assert crossed_boxes(layout, boxes) == []


def test_a_chain_is_straight() -> None:
    """Nodes that follow one another stand exactly below each other, and their edges have two points."""
    layout = lay_out([BOX] * 30, list(pairwise(range(30))))
    assert {x for x, _ in layout.centres} == {70.0}
    assert {len(route) for route in layout.routes} == {2}


def test_a_chain_beside_a_wide_part_is_straight() -> None:
    """A branch keeps to its column, however many nodes stand beside it in some of its layers."""
    chain = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 13)]
    beside = [(0, 5), (5, 6), (5, 7), (5, 8), (6, 9), (7, 9), (8, 9), (9, 10), (9, 11), (10, 12), (11, 12), (12, 13)]
    centres = lay_out([BOX] * 14, [*chain, *beside]).centres
    assert len({round(centres[node][0], 6) for node in (1, 2, 3, 4)}) == 1
    assert len({round(centres[node][0], 6) for node in (5, 7, 9, 12)}) == 1


def test_a_long_edge_is_straight_where_others_cross_it() -> None:
    """What crosses the inside of a long edge bends in its stead."""
    layout = lay_out([BOX] * 6, [(0, 1), (0, 5), (1, 2), (1, 4), (2, 3), (2, 5), (3, 4)])
    assert [len({x for x, _ in route[1:-1]}) for route in layout.routes if len(route) > 3] == [1, 1]


def test_fire_modules_are_symmetric() -> None:
    """What forks and joins again stands in the middle of its two branches, module after module."""
    nodes, edges = fire_modules(8)
    centres = lay_out([BOX] * nodes, edges).centres
    assert len({round(centres[4 * module][0], 6) for module in range(9)}) == 1
    for module in range(8):
        top, left, right, bottom = (centres[4 * module + i] for i in range(4))
        assert left[1] == right[1]
        assert top[0] == pytest.approx(bottom[0]) == pytest.approx((left[0] + right[0]) / 2)


def test_skip_connections_run_straight_beside_their_block() -> None:
    """A block's nodes are one straight column, and the long edge beside it bends at its ends alone."""
    nodes, edges = residual_blocks(6)
    layout = lay_out([BOX] * nodes, edges)
    for block in range(6):
        assert len({round(layout.centres[4 * block + i][0], 6) for i in (1, 2, 3)}) == 1
        skip = layout.routes[5 * block + 4]
        assert len(skip) == 4
        assert skip[1][0] == skip[2][0]
    assert crossed_boxes(layout, [BOX] * nodes) == []


def test_the_same_graph_is_always_drawn_the_same() -> None:
    """Nothing depends on chance or on the order of sets."""
    edges = random_graph(3, 60)
    assert lay_out([BOX] * 60, edges) == lay_out([BOX] * 60, list(edges))


def test_a_large_graph_takes_no_time() -> None:
    """400 nodes are laid out in a fraction of a second."""
    edges = random_graph(1, 400)
    spent = []
    for _ in range(3):
        start = time.process_time()
        lay_out([BOX] * 400, edges)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.3


@pytest.mark.parametrize("edge", [(1, 0), (0, 0), (0, 2), (-1, 1)])
def test_an_edge_that_leads_backwards_is_refused(edge: tuple[int, int]) -> None:
    """Heads come after their tails, which is how a graph lists its nodes."""
    with pytest.raises(ValueError, match=f"from {edge[0]} to {edge[1]}"):
        lay_out([BOX] * 2, [edge])
