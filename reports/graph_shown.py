"""What of a graph is drawn: its nodes, inputs and outputs, with quantisation as a kind of edge rather than as nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from harness.history.records import GraphRecord

_QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True)
class ShownNode:
    """A box of the drawing.

    Attributes:
        kind: whether it is a node of the graph, or stands for an input or an output of it.
        name: of the node, or of the tensor that is put in or comes out.
        operator: of the node; empty for the others.
        tensors: what a node makes, and for the others the one tensor.
    """

    kind: Literal["input", "operator", "output"]
    name: str
    operator: str
    tensors: tuple[str, ...]


@dataclass(frozen=True)
class ShownEdge:
    """Something that one box makes and another reads, by their places; ``quantised`` on its way from the one."""

    tail: int
    head: int
    quantised: bool


@dataclass(frozen=True)
class ShownGraph:
    """Boxes, each behind those that it reads from, and the edges between them, no two between the same boxes."""

    nodes: tuple[ShownNode, ...]
    edges: tuple[ShownEdge, ...]


def shown_graph(graph: GraphRecord) -> ShownGraph:
    """Return what is drawn of ``graph``.

    Nodes that quantise or dequantise, which an INT8 graph has in pairs between all others, become part of the edge that
    they stand on. What is quantised on one way between two boxes and not on another is an edge that is not.
    """
    nodes: list[ShownNode] = []
    made_by: dict[str, tuple[int, bool]] = {}
    edges: dict[tuple[int, int], bool] = {}

    def add(node: ShownNode, inputs: tuple[str, ...]) -> None:
        for tail, quantised in (made_by[name] for name in inputs if name in made_by):
            edge = (tail, len(nodes))
            edges[edge] = quantised and edges.get(edge, True)
        nodes.append(node)

    for name in graph.inputs:
        made_by[name] = (len(nodes), False)
        add(ShownNode("input", name, "", (name,)), ())
    for node in graph.nodes:
        if node.operator in _QUANTISING:
            source = next((made_by[name] for name in node.inputs if name in made_by), None)
            if source is not None:
                made_by.update(dict.fromkeys(node.outputs, (source[0], True)))
            continue
        made_by.update(dict.fromkeys(node.outputs, (len(nodes), False)))
        add(ShownNode("operator", node.name, node.operator, node.outputs), node.inputs)
    for name in graph.outputs:
        add(ShownNode("output", name, "", (name,)), (name,))
    return ShownGraph(
        tuple(nodes), tuple(ShownEdge(tail, head, quantised) for (tail, head), quantised in edges.items())
    )
