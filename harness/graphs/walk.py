"""Walks through a model: its nested graphs, its tensors, its weights, its nodes by name and in order."""

from __future__ import annotations

import fnmatch
import math
from typing import TYPE_CHECKING, Any

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Shapes are computed from small constants only; larger ones are weights, of which inference needs type and shape alone.
_LARGEST_SHAPE_CONSTANT = 1024


def graphs_in(graph: GraphProto) -> Iterator[GraphProto]:
    """Yield ``graph``, then the bodies of its If, Loop and Scan nodes, however deep."""
    yield graph
    for node in graph.node:
        for body in bodies_of(node):
            yield from graphs_in(body)


def bodies_of(node: NodeProto) -> Iterator[GraphProto]:
    """Yield the graphs that ``node`` holds as attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def nodes_in(model: ModelProto) -> Iterator[NodeProto]:
    """Yield every node of ``model``: of its graph, of nested graphs and of its functions."""
    for graph in graphs_in(model.graph):
        yield from graph.node
    for function in model.functions:
        for node in function.node:
            yield node
            for body in bodies_of(node):
                for graph in graphs_in(body):
                    yield from graph.node


def tensors_in(model: ModelProto) -> Iterator[TensorProto]:
    """Yield every constant of ``model``: initialisers of all its graphs, and tensors held as attributes."""
    for graph in graphs_in(model.graph):
        yield from graph.initializer
    for node in nodes_in(model):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def opset_of(model: ModelProto) -> int:
    """Return the version of the ONNX operator set that ``model`` imports, 1 where it names none."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def copy_of(model: ModelProto) -> ModelProto:
    """Return a copy that can be changed without changing ``model``."""
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def without_initialisers(model: ModelProto) -> ModelProto:
    """Return a copy of ``model`` less the initialisers of its main graph: small, whatever its weights weigh."""
    shell = ModelProto()
    _copy_fields(model, shell, leave_out="graph")
    _copy_fields(model.graph, shell.graph, leave_out="initializer")
    return shell


def with_weights_as_inputs(model: ModelProto) -> ModelProto:
    """Return a copy of ``model`` whose large initialisers are inputs: small, and all that inference of shapes needs.

    Its order of inputs begins with the model's own.
    """
    shell = without_initialisers(model)
    declared = {value.name for value in shell.graph.input}
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _LARGEST_SHAPE_CONSTANT:
            shell.graph.initializer.append(tensor)
        elif tensor.name not in declared:
            shell.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    return shell


def _copy_fields(source: Any, target: Any, *, leave_out: str) -> None:
    for field, value in source.ListFields():
        if field.name == leave_out:
            continue
        if hasattr(value, "extend"):
            getattr(target, field.name).extend(value)
        elif hasattr(value, "CopyFrom"):
            getattr(target, field.name).CopyFrom(value)
        else:
            setattr(target, field.name, value)


def matching_nodes(graph: GraphProto, patterns: Sequence[str]) -> list[NodeProto]:
    """Return the nodes of ``graph`` whose names match any of ``patterns``, in graph order.

    Args:
        graph: the main graph; nested graphs are not searched.
        patterns: names, in which ``*``, ``?`` and ``[…]`` match as in a shell, case-sensitively.

    Raises:
        ConfigurationError: a pattern matches no node; it is named, with the nearest node.
    """
    names = [node.name for node in graph.node if node.name]
    for pattern in patterns:
        if not any(_matches(name, pattern) for name in names):
            raise ConfigurationError(f"keep_fp32: {_no_such_node(pattern, names)}")
    return [node for node in graph.node if any(_matches(node.name, pattern) for pattern in patterns)]


def _matches(name: str, pattern: str) -> bool:
    # Exporters write names such as "layers[0]", whose brackets a pattern would take for a set of characters.
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _no_such_node(pattern: str, names: Iterable[str], shown: int = 20) -> str:
    known = list(names)
    text = unknown_value("name of a node, nor a pattern that matches one", pattern, known)
    if len(known) <= shown:
        return text
    # A graph of a thousand nodes would bury the message; the suggestion was made from all of them.
    head = text.partition(" Known: ")[0]
    return f"{head} The graph has {len(known)} nodes, among them {', '.join(known[:shown])}."


def sort_nodes(graph: GraphProto) -> None:
    """Put the nodes of ``graph`` into an order in which each comes after those it reads from, in place.

    Nodes that are in order already stay in order; one that was appended moves to just before its first reader.
    """
    producers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    order: dict[int, None] = {}
    for start in range(len(graph.node)):
        stack = [start]
        while stack:
            before = [producers[name] for name in names_read(graph.node[stack[-1]]) if name in producers]
            waiting = [index for index in before if index not in order]
            if waiting:
                stack.extend(reversed(waiting))
            else:
                order.setdefault(stack.pop())
    nodes = [_copy_of_node(graph.node[index]) for index in order]
    del graph.node[:]
    graph.node.extend(nodes)


def _copy_of_node(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy


def names_read(node: NodeProto) -> Iterator[str]:
    """Yield the names of the tensors that ``node`` and its bodies read; those that a body makes are among them."""
    yield from node.input
    for body in bodies_of(node):
        for inner in body.node:
            yield from names_read(inner)
        yield from (output.name for output in body.output)
