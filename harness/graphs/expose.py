"""Layers made visible: every tensor that a graph computes, as an output of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

from harness.graphs.walk import copy_of

if TYPE_CHECKING:
    from collections.abc import Collection

# Operators whose outputs are no numbers, whether or not the graph declares them.
_NOT_NUMERIC = frozenset({
    "Optional", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceMap",
    "SplitToSequence", "StringConcat", "StringNormalizer", "StringSplit", "ZipMap",
})  # fmt: skip

# The element types that numpy has, and a runtime can therefore hand out.
_NUMERIC = frozenset({
    TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.DOUBLE,
    TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
})  # fmt: skip


@dataclass(frozen=True)
class LayerTensor:
    """A tensor inside a graph.

    Attributes:
        position: place in graph order, from 0.
        tensor: the tensor's name.
        operator: type of the node that makes it, e.g. ``Conv``.
        node: name of that node.
    """

    position: int
    tensor: str
    operator: str
    node: str


def expose(model: ModelProto, only: Collection[str] | None = None) -> tuple[ModelProto, tuple[LayerTensor, ...]]:
    """Return a copy of ``model`` that also gives back what its nodes make, and those tensors in graph order.

    The new outputs follow the old ones and carry no type, which onnxruntime works out by itself. Left out are tensors
    that are outputs already, constants, and what is known to be no numbers that numpy can hold (bfloat16 among them).
    Two graphs of the same model may be compared at the names that both lists hold.

    Args:
        model: any graph; nested graphs are not looked into.
        only: names of the tensors that are wanted, e.g. those of the FP32 graph; all by default.
    """
    exposed = copy_of(model)
    graph = exposed.graph
    seen = {value.name for value in graph.output}
    declared = {value.name: value for value in graph.value_info}
    layers: list[LayerTensor] = []
    for node in graph.node:
        for name in node.output:
            wanted = name and name not in seen and (only is None or name in only)
            if wanted and _makes_numbers(node) and _is_numeric(declared.get(name)):
                seen.add(name)
                layers.append(LayerTensor(len(layers), name, node.op_type, node.name))
    graph.output.extend(ValueInfoProto(name=layer.tensor) for layer in layers)
    return exposed, tuple(layers)


def _makes_numbers(node: NodeProto) -> bool:
    if node.op_type == "Cast":
        return any(attribute.name == "to" and attribute.i in _NUMERIC for attribute in node.attribute)
    return node.op_type != "Constant" and node.op_type not in _NOT_NUMERIC


def _is_numeric(value: ValueInfoProto | None) -> bool:
    if value is None or value.type.WhichOneof("value") is None:
        return True
    return bool(value.type.HasField("tensor_type") and value.type.tensor_type.elem_type in _NUMERIC)
