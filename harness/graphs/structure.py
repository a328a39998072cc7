"""How a graph is wired: which node reads what which other one makes, without weights, small enough to be remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

from harness.graphs.cache import GraphCache, key_of
from harness.graphs.walk import names_read, sort_nodes, without_initialisers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto, ModelProto

# What is told of a graph is cached under this version: raise it when the description changes, and say so here.
# 1: as first written.
STRUCTURE_VERSION = 1
# Of a larger graph only the size is told: a drawing of more nodes is one that nobody reads, and each history would keep
# it once for every precision.
MOST_NODES = 400
# Pairs of these double a graph without adding a layer to it, so they do not count against the limit.
QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True)
class NodeStructure:
    """One node.

    Attributes:
        name: as the graph has it.
        operator: its type, e.g. ``Conv``.
        inputs: names of the tensors that it reads, less constants; those that a nested graph of it reads among them.
        outputs: names of the tensors that it makes.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GraphStructure:
    """A graph's nodes and what they hand to each other.

    Attributes:
        inputs: names of the tensors that the graph is fed.
        outputs: names of those that it gives back.
        size: how many nodes depend on an input, ``QUANTISING`` ones apart.
        nodes: those nodes and the quantising ones, each behind those that it reads from; none where ``size`` is more
            than ``MOST_NODES``.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    size: int
    nodes: tuple[NodeStructure, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the structure as plain data."""
        nodes = [{**vars(node), "inputs": list(node.inputs), "outputs": list(node.outputs)} for node in self.nodes]
        return {"inputs": list(self.inputs), "outputs": list(self.outputs), "size": self.size, "nodes": nodes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GraphStructure:
        """Make a structure from what ``to_json`` returned."""
        return cls(
            inputs=tuple(data["inputs"]),
            outputs=tuple(data["outputs"]),
            size=data["size"],
            nodes=tuple(
                NodeStructure(node["name"], node["operator"], tuple(node["inputs"]), tuple(node["outputs"]))
                for node in data["nodes"]
            ),
        )


def structure_of(model: ModelProto) -> GraphStructure:
    """Return how the main graph of ``model`` is wired.

    Left out are constants and the nodes that are computed from constants alone, such as the dequantised weights of an
    INT8 graph, unless the graph gives their result back.

    Args:
        model: any graph; its weights are not read.
    """
    shell = without_initialisers(model)
    sort_nodes(shell.graph)
    initialisers = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(value.name for value in shell.graph.input if value.name not in initialisers)
    outputs = tuple(value.name for value in shell.graph.output)
    nodes = _nodes_with_data(shell.graph, inputs, outputs)
    size = sum(node.operator not in QUANTISING for node in nodes)
    return GraphStructure(inputs=inputs, outputs=outputs, size=size, nodes=nodes if size <= MOST_NODES else ())


def cached_structure(graph: str, cache: GraphCache) -> GraphStructure:
    """Return how the graph of this hash is wired, from its file when it is asked for the first time.

    Raises:
        OSError: the cache cannot be written to, or has no such graph.
    """
    key = key_of(STRUCTURE_VERSION, graph)
    record = cache.read("structures", key)
    if record is not None:
        return GraphStructure.from_json(record["structure"])
    structure = structure_of(onnx.load(str(cache.path_of(graph)), load_external_data=False))
    cache.write("structures", key, {"hash": graph, "structure": structure.to_json()})
    return structure


def _nodes_with_data(graph: GraphProto, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> tuple[NodeStructure, ...]:
    made = set(inputs)
    found: list[NodeStructure] = []
    for node in graph.node:
        read = tuple(dict.fromkeys(name for name in names_read(node) if name in made))
        # One without any input is a constant or a source of random numbers, of which only the latter is data.
        depends = bool(read) or (not node.input and node.op_type.startswith("Random"))
        given = tuple(name for name in node.output if name)
        if depends or any(name in outputs for name in given):
            made.update(given)
            found.append(NodeStructure(node.name, node.op_type, read, given))
    return tuple(found)
