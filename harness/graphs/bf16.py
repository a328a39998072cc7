"""BF16: an FP32 graph whose every value is rounded to bfloat16.

No CPU runtime computes in bfloat16, so this graph is an oracle of its numerics: weights are rounded beforehand, and
each float32 tensor goes through bfloat16 and back, as an accelerator that accumulates in FP32 and stores bfloat16 has
it. Optimisers take such casts for no-ops: run it with optimisation off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from harness.errors import ModelError
from harness.graphs.element_types import element_types
from harness.graphs.walk import copy_of, matching_nodes, opset_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIRST_OPSET_WITH_BFLOAT16 = 13

# Operands that steer an operator rather than being computed with; rounded, they would change shapes or choices.
_STEERING: Mapping[str, frozenset[int]] = {
    "Resize": frozenset({1, 2}),
    "Upsample": frozenset({1}),
    "Range": frozenset({0, 1, 2}),
    "NonMaxSuppression": frozenset({3, 4}),
    "QuantizeLinear": frozenset({1}),
    "DequantizeLinear": frozenset({1}),
    "Dropout": frozenset({1}),
}


def round_to_bfloat16(array: np.ndarray) -> np.ndarray:
    """Return float32 ``array`` rounded to the nearest bfloat16, ties to even, still as float32 of the same shape."""
    bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
    # Adding just under half of the last kept place, and one more where that place is odd, carries into it as rounding.
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(array), array, rounded.view(np.float32)).reshape(array.shape)


def to_bf16(model: ModelProto, keep: Sequence[str] = ()) -> ModelProto:
    """Return ``model`` computing, in float32, what it would compute in bfloat16.

    Every tensor keeps its name and type; inputs, outputs and weights of kept nodes are not rounded, though what other
    nodes read of them is. The bodies of If, Loop and Scan nodes stay as they are.

    Args:
        model: a graph with named nodes, as ``normalise`` returns it.
        keep: names or patterns of nodes to leave in float32.

    Raises:
        ConfigurationError: a pattern matches no node.
        ModelError: the graph's operator set is older than bfloat16 (13).
    """
    if opset_of(model) < _FIRST_OPSET_WITH_BFLOAT16:
        raise ModelError(
            f"the recipe 'bf16' needs opset {_FIRST_OPSET_WITH_BFLOAT16} or newer, and the graph is of opset "
            f"{opset_of(model)}: convert it with onnx.version_converter, or export it again"
        )
    kept = {node.name for node in matching_nodes(model.graph, keep)}
    types = element_types(model)
    return _Rounding(copy_of(model), types, kept).applied()


class _Rounding:
    """One pass over a graph that makes its own; ``unrounded`` maps a tensor to the rounded one that others read."""

    def __init__(self, model: ModelProto, types: Mapping[str, str], kept: set[str]) -> None:
        self._model = model
        self._types = types
        self._kept = kept
        self._weights = {t.name: t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT}
        self._rounded_copies: dict[str, str] = {}
        self._nodes: list[NodeProto] = []
        self._used = {*types, *(name for node in model.graph.node for name in (*node.input, *node.output))}

    def applied(self) -> ModelProto:
        graph = self._model.graph
        exact = self._exactly_read_weights()
        inputs = {value.name for value in graph.input if self._is_float(value.name)}
        unrounded = set(inputs)
        for node in list(graph.node):
            copy = NodeProto()
            copy.CopyFrom(node)
            for index, name in enumerate(node.input):
                if node.name in self._kept or index in _STEERING.get(node.op_type, ()):
                    continue
                if name in self._weights and name in exact:
                    copy.input[index] = self._rounded_weight(name)
                elif name in unrounded:
                    copy.input[index] = self._rounded_tensor(name)
            self._nodes.append(copy)
            floats = [name for name in node.output if self._is_float(name)]
            if node.name in self._kept:
                unrounded.update(floats)
            else:
                for name in floats:
                    self._round_output(copy, name)
        for name, tensor in self._weights.items():
            if name not in exact:
                tensor.CopyFrom(_rounded(tensor, name))
        del graph.node[:]
        graph.node.extend(self._nodes)
        return self._model

    def _is_float(self, name: str) -> bool:
        return self._types.get(name) == "float32"

    def _exactly_read_weights(self) -> set[str]:
        """Return the weights that some reader needs as they are; others then read a rounded copy."""
        return {
            name
            for node in self._model.graph.node
            for index, name in enumerate(node.input)
            if name in self._weights and (node.name in self._kept or index in _STEERING.get(node.op_type, ()))
        }

    def _rounded_weight(self, name: str) -> str:
        if name not in self._rounded_copies:
            self._rounded_copies[name] = self._new_name(f"{name}_rounded")
            self._model.graph.initializer.append(_rounded(self._weights[name], self._rounded_copies[name]))
        return self._rounded_copies[name]

    def _rounded_tensor(self, name: str) -> str:
        if name not in self._rounded_copies:
            self._rounded_copies[name] = self._new_name(f"{name}_rounded")
            self._add_casts(name, self._rounded_copies[name])
        return self._rounded_copies[name]

    def _round_output(self, node: NodeProto, name: str) -> None:
        before = self._new_name(f"{name}_before_rounding")
        node.output[list(node.output).index(name)] = before
        self._add_casts(before, name)

    def _add_casts(self, source: str, target: str) -> None:
        between = self._new_name(f"{target}_bfloat16")
        self._nodes.append(
            helper.make_node("Cast", [source], [between], name=f"{between}_cast", to=TensorProto.BFLOAT16)
        )
        self._nodes.append(helper.make_node("Cast", [between], [target], name=f"{target}_cast", to=TensorProto.FLOAT))

    def _new_name(self, wanted: str) -> str:
        name = wanted
        while name in self._used:
            name += "_"
        self._used.add(name)
        return name


def _rounded(tensor: TensorProto, name: str) -> TensorProto:
    return numpy_helper.from_array(round_to_bfloat16(numpy_helper.to_array(tensor)), name)
