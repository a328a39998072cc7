"""What of a graph is drawn."""

from __future__ import annotations

from harness.history.records import GraphRecord, NodeRecord
from reports.graph_shown import ShownEdge, ShownGraph, shown_graph


def graph(*nodes: tuple[str, str, str], outputs: str = "y") -> ShownGraph:
    """Return what is drawn of nodes given by operator, inputs and outputs, the tensors by one letter each."""
    records = tuple(
        NodeRecord(name=operator.lower(), operator=operator, inputs=tuple(inputs), outputs=tuple(made))
        for operator, inputs, made in nodes
    )
    return shown_graph(GraphRecord(hash="g", size=len(nodes), inputs=("x",), outputs=tuple(outputs), nodes=records))


def names(shown: ShownGraph) -> list[str]:
    """Return what the boxes are."""
    return [node.operator or f"{node.kind} {node.name}" for node in shown.nodes]


def test_inputs_and_outputs_have_boxes_of_their_own() -> None:
    """Each comes before or behind the nodes, and is joined to what reads or makes it."""
    shown = graph(("Conv", "x", "a"), ("Relu", "a", "y"))
    assert names(shown) == ["input x", "Conv", "Relu", "output y"]
    assert shown.edges == (ShownEdge(0, 1, False), ShownEdge(1, 2, False), ShownEdge(2, 3, False))


def test_quantisation_becomes_an_edge() -> None:
    """A pair that quantises, or several in a row, is no box; what leads over it is an edge of another kind."""
    shown = graph(
        ("QuantizeLinear", "x", "q"), ("DequantizeLinear", "q", "d"), ("Conv", "d", "a"),
        ("QuantizeLinear", "a", "r"), ("DequantizeLinear", "r", "s"), ("QuantizeLinear", "s", "t"),
        ("DequantizeLinear", "t", "y"),
    )  # fmt: skip
    assert names(shown) == ["input x", "Conv", "output y"]
    assert shown.edges == (ShownEdge(0, 1, True), ShownEdge(1, 2, True))


def test_two_ways_are_one_edge() -> None:
    """A node that reads a tensor twice has one edge from it, which is quantised only if both ways are."""
    shown = graph(("QuantizeLinear", "x", "q"), ("DequantizeLinear", "q", "d"), ("Add", "xd", "a"), ("Mul", "dd", "y"))
    assert ShownEdge(0, 1, False) in shown.edges
    assert ShownEdge(0, 2, True) in shown.edges
    assert len(shown.edges) == 3


def test_what_nothing_makes_has_no_edge() -> None:
    """A dequantised constant that the graph gives back is an output on its own."""
    shown = graph(("DequantizeLinear", "", "y"), ("Relu", "x", "z"), outputs="yz")
    assert names(shown) == ["input x", "Relu", "output y", "output z"]
    assert shown.edges == (ShownEdge(0, 1, False), ShownEdge(1, 3, False))
