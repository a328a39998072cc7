"""A graph cut at chosen tensors: what lies between them, and a copy in which each part starts from given values.

A layer's own error shows when it is run on its reference's activations, not on what the layers before it made of them.
To cut a sub-graph out for each layer and to load hundreds of them would take minutes. Here every edge at a chosen
tensor is cut at once: what reads the tensor reads an input of the graph instead, while the tensor itself becomes an
output. One session and one run then give what every layer makes of reference activations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, helper

from harness.graphs.element_types import element_types
from harness.graphs.walk import bodies_of, copy_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# Ends the name of the input that stands for a tensor where it is read.
_HANDED = "::handed"


@dataclass(frozen=True, kw_only=True)
class Block:
    """What makes one tensor out of others that are known.

    Attributes:
        tensor: the one that it makes.
        inputs: the known tensors and inputs of the graph that it reads, in the order in which they are met.
        nodes: its nodes, in graph order; shared ones belong to several blocks.
        weights: the initialisers that it reads.
    """

    tensor: str
    inputs: tuple[str, ...]
    nodes: tuple[NodeProto, ...]
    weights: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CutGraph:
    """A graph whose blocks start from given values.

    Attributes:
        model: the graph; its outputs are the tensors at which it was cut.
        handed: the tensor that each added input stands for, by the input's name, with the input's numpy dtype.
    """

    model: ModelProto
    handed: Mapping[str, tuple[str, np.dtype]]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors at which the graph was cut, in graph order."""
        return tuple(output.name for output in self.model.graph.output)


def blocks_of(model: ModelProto, known: Collection[str]) -> dict[str, Block]:
    """Return the block of each tensor in ``known`` that a node of ``model`` makes, by its name, in graph order.

    Args:
        model: any graph; nested graphs count as part of the node that holds them.
        known: names of tensors; others than its nodes' are passed over.
    """
    makers = {name: index for index, node in enumerate(model.graph.node) for name in node.output if name}
    weights = {tensor.name for tensor in model.graph.initializer}
    ends = {*known, *(value.name for value in model.graph.input)}
    return {
        name: _block(model, name, makers, weights, ends)
        for node in model.graph.node
        for name in node.output
        if name in known
    }


def cut(model: ModelProto, known: Collection[str]) -> CutGraph:
    """Return a copy of ``model`` that takes the tensors in ``known`` from outside wherever they are read.

    Tensors of a type that numpy does not have, or that cannot be inferred, are not cut: what reads them reads what was
    computed.

    Args:
        model: any graph; reads from within nested graphs are cut too.
        known: names of tensors.

    Raises:
        ModelError: the types of the graph's tensors cannot be inferred.
    """
    types = element_types(model)
    result = copy_of(model)
    graph = result.graph
    wanted = [name for node in graph.node for name in node.output if name in known and _has_numpy_type(types.get(name))]
    renamed = {name: f"{name}{_HANDED}" for name in wanted}
    read = {name for node in graph.node for name in _redirect(node, renamed)}
    handed: dict[str, tuple[str, np.dtype]] = {}
    for name in (name for name in wanted if name in read):
        dtype = np.dtype(types[name])
        handed[renamed[name]] = (name, dtype)
        # Without a shape: a name may stand for other sizes at another point.
        graph.input.append(
            helper.make_tensor_value_info(renamed[name], helper.np_dtype_to_tensor_dtype(dtype), shape=None)
        )
    del graph.output[:]
    graph.output.extend(ValueInfoProto(name=name) for name in wanted)
    del graph.value_info[:]
    return CutGraph(model=result, handed=handed)


def _block(
    model: ModelProto, tensor: str, makers: Mapping[str, int], weights: Collection[str], ends: Collection[str]
) -> Block:
    waiting, nodes = [tensor], set()
    inputs: dict[str, None] = {}
    constants: dict[str, None] = {}
    while waiting:
        index = makers[waiting.pop()]
        if index in nodes:
            continue
        nodes.add(index)
        for name in _reads(model.graph.node[index]):
            if name in ends:
                inputs.setdefault(name)
            elif name in weights:
                constants.setdefault(name)
            elif name in makers:
                waiting.append(name)
    return Block(
        tensor=tensor,
        inputs=tuple(inputs),
        nodes=tuple(model.graph.node[index] for index in sorted(nodes)),
        weights=tuple(constants),
    )


def _reads(node: NodeProto) -> Iterator[str]:
    yield from (name for name in node.input if name)
    for body in bodies_of(node):
        for inner in body.node:
            yield from _reads(inner)
        yield from (output.name for output in body.output)


def _redirect(node: NodeProto, renamed: Mapping[str, str]) -> Iterator[str]:
    """Let ``node`` read other tensors, in place; yield the names that it read before."""
    for position, name in enumerate(node.input):
        if name in renamed:
            node.input[position] = renamed[name]
            yield name
    # Names are unique across nested graphs, so one that is made outside means the same inside.
    for body in bodies_of(node):
        for inner in body.node:
            yield from _redirect(inner, renamed)
        for output in body.output:
            if output.name in renamed:
                name, output.name = output.name, renamed[output.name]
                yield name


def _has_numpy_type(name: str | None) -> bool:
    try:
        return name is not None and np.dtype(name).kind in "biuf"
    except TypeError:  # bfloat16 and others that only ml_dtypes has
        return False
