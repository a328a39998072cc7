"""What the nodes of an optimised graph compute in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.runtimes.base import EngineLayer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Operators that do arithmetic worth a number type of their own; the rest is counted with neither side of an audit.
_COMPUTING = frozenset(
    {"Conv", "ConvTranspose", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "LSTM", "GRU", "RNN",
     "Attention", "MultiHeadAttention", "NhwcFusedConv"}
)  # fmt: skip
_INTEGER = re.compile(
    r"QLinear(Conv|MatMul)|QGemm|QAttention|(MatMul|Conv)Integer(ToFloat)?|DynamicQuantize(MatMul|LSTM)|MatMulNBits"
)
# Where outputs are of the type of another input than the first. What is dequantised has the type of its scale: a layer
# behind it computes in floating point, whatever its weights are stored as.
_TYPE_FROM_INPUT = {"CastLike": 1, "DequantizeLinear": 1, "QuantizeLinear": 2, "Where": 1}


def read_nodes(engine: Path) -> tuple[EngineLayer, ...]:
    """Return the nodes of an optimised graph in file ``engine``, with the type that each computes in."""
    import onnx

    model = onnx.load(str(engine), load_external_data=False)
    types = _element_types(model)
    return tuple(
        EngineLayer(
            # As onnxruntime itself calls a node without a name, in its profiles too.
            name=node.name or f"{node.op_type}_{position}",
            operator=f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type,
            compute_type=_compute_type(node, types),
            outputs=tuple(node.output),
        )
        for position, node in enumerate(model.graph.node)
    )


def _compute_type(node: Any, types: Mapping[str, str]) -> str:
    if _INTEGER.fullmatch(node.op_type):
        return "int8"
    if node.op_type not in _COMPUTING:
        return ""
    return next((types[name] for name in node.input if name in types), "unknown")


def _element_types(model: Any) -> dict[str, str]:
    """Return the element type of every tensor for which the graph declares or implies one.

    An optimised graph carries types for its inputs, outputs and initialisers only, and holds operators of onnxruntime's
    own, which ONNX's inference does not know. So types are handed on from a node's inputs to its outputs.
    """
    from onnx import TensorProto

    from harness.graphs.element_types import type_name

    types = {
        **{initializer.name: type_name(initializer.data_type) for initializer in model.graph.initializer},
        **{
            value.name: type_name(value.type.tensor_type.elem_type)
            for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)
            if value.type.tensor_type.elem_type != TensorProto.UNDEFINED
        },
    }
    for node in model.graph.node:
        known = _output_type(node, types)
        if known and node.output:
            types.setdefault(node.output[0], known)
    return types


def _output_type(node: Any, types: Mapping[str, str]) -> str | None:
    from harness.graphs.element_types import type_name

    if node.op_type == "Cast":
        return type_name(next(attribute.i for attribute in node.attribute if attribute.name == "to"))
    if node.op_type in _COMPUTING:
        return next((types[name] for name in node.input if name in types), None)
    position = _TYPE_FROM_INPUT.get(node.op_type, 0)
    return types.get(node.input[position]) if position < len(node.input) else None
