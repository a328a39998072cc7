"""Recipes: from an FP32 graph to the graph of a precision, and from a graph to the number types it computes in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import ModelProto, NodeProto, TensorProto

from harness.cases.calibration import MINMAX
from harness.errors import CalibrationError
from harness.graphs.bf16 import to_bf16
from harness.graphs.element_types import element_types, type_name
from harness.graphs.fp16 import to_fp16, weights_beyond_fp16
from harness.graphs.int8 import to_int8
from harness.graphs.walk import graphs_in, matching_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np

    from harness.cases import Precision

# What a recipe makes of a graph is cached under its version: raise it when the result changes, and say so here.
# 1: as first written.
RECIPE_VERSIONS: Mapping[str, int] = {
    "fp32": 1,
    "tf32": 1,
    "fp16": 1,
    "bf16": 1,
    "int8": 1,
    "fp16-flags": 1,
    "int8-calibrator": 1,
}

# The operators in which a network's arithmetic is; the others move data, and say little of the precision it runs in.
COMPUTING_OPERATORS = frozenset({
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "FusedConv",
    "Gemm", "FusedGemm", "QGemm", "MatMul", "MatMulInteger", "QLinearMatMul", "FusedMatMul", "Einsum",
    "LSTM", "GRU", "RNN",
    "Attention", "MultiHeadAttention", "GroupQueryAttention", "PackedAttention", "QAttention",
})  # fmt: skip

# Looked through when asking where an operand comes from: they hand on their input's values and type.
_MOVING_OPERATORS = frozenset({"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


@dataclass(frozen=True)
class RecipeResult:
    """A graph in its precision.

    Attributes:
        model: the graph; the very one given where the recipe leaves it as it is.
        notes: what a reader of the results should know, e.g. that weights were clamped.
    """

    model: ModelProto
    notes: tuple[str, ...] = ()


def apply_recipe(
    model: ModelProto,
    precision: Precision,
    calibration: Iterable[Mapping[str, np.ndarray]] | None = None,
    method: str = MINMAX,
) -> RecipeResult:
    """Return the graph of ``model`` in ``precision``.

    ``fp32`` and ``tf32`` are one graph, told apart by the runtime; ``fp16-flags`` and ``int8-calibrator`` leave the
    graph alone too, because a builder's flags make them.

    Args:
        model: an FP32 graph as ``normalise`` returns it; it is not changed.
        precision: the recipe, and the nodes that it is to leave in FP32.
        calibration: samples for ``int8``; other recipes do not look at it.
        method: where ``int8`` ends the ranges of activations; see harness.cases.Calibration.

    Raises:
        CalibrationError: ``int8`` without a calibration set, or with one that does not fit the graph.
        ConfigurationError: ``keep_fp32`` names no node of the graph, there is no such method, or the recipe needs
            onnxruntime.
        ModelError: the graph is too old for the recipe, or cannot be quantised.
    """
    keep = precision.keep_fp32
    if precision.recipe == "fp16":
        half = to_fp16(model, keep)
        return RecipeResult(half, weights_beyond_fp16(model, half))
    if precision.recipe == "bf16":
        nested = sum(1 for _ in graphs_in(model.graph)) > 1
        return RecipeResult(to_bf16(model, keep), ("the bodies of If, Loop and Scan stay in FP32",) if nested else ())
    if precision.recipe == "int8":
        if calibration is None:
            raise CalibrationError("the recipe 'int8' takes its scales from a calibration set, and none was given")
        return RecipeResult(to_int8(model, calibration, keep, method))
    matching_nodes(model.graph, keep)
    return RecipeResult(model)


def type_shares(model: ModelProto) -> dict[str, float]:
    """Return the share of computing nodes by the number type that they compute in, e.g. ``{"float16": 1.0}``.

    Counted are the nodes of ``COMPUTING_OPERATORS``, nested graphs included. A node computes in the type of its first
    operand, with two exceptions that the graph spells out in pairs of nodes: behind DequantizeLinear, if its weights
    are too, it computes in the quantised type; behind a cast from bfloat16, in bfloat16. Types have numpy's names;
    ``unknown`` where inference does not reach. Empty if nothing computes.
    """
    types = element_types(model)
    counts: Counter[str] = Counter()
    for graph in graphs_in(model.graph):
        producers = {name: node for node in graph.node for name in node.output}
        counts.update(
            _computes_in(node, producers, types) for node in graph.node if node.op_type in COMPUTING_OPERATORS
        )
    total = sum(counts.values())
    return {name: count / total for name, count in sorted(counts.items())}


def _computes_in(node: NodeProto, producers: Mapping[str, NodeProto], types: Mapping[str, str]) -> str:
    origins = [_origin(name, producers) for name in node.input[:2]]
    quantised = [node.input[0] for node in origins if node is not None and node.op_type == "DequantizeLinear"]
    if len(quantised) == len(origins):
        return types.get(quantised[0], "unknown")
    first = origins[0]
    if first is not None and first.op_type == "Cast" and types.get(first.input[0]) == type_name(TensorProto.BFLOAT16):
        return type_name(TensorProto.BFLOAT16)
    return types.get(node.input[0], "unknown")


def _origin(name: str, producers: Mapping[str, NodeProto]) -> NodeProto | None:
    node = producers.get(name)
    while node is not None and node.op_type in _MOVING_OPERATORS:
        node = producers.get(node.input[0])
    return node
