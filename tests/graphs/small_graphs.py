"""Graphs small enough to be read at a glance, with seeded weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPSET, IR_VERSION = 17, 8


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str | None]],
    outputs: Mapping[str, Sequence[int | str | None]],
    weights: Mapping[str, np.ndarray] | None = None,
    *,
    opset: int = OPSET,
    ir_version: int = IR_VERSION,
) -> onnx.ModelProto:
    """Return a model of float32 inputs and outputs, given by name and shape."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def classifier() -> onnx.ModelProto:
    """Return convolution, batch norm, relu, pooling and a linear head: [batch, 3, 8, 8] to [batch, 5]."""
    generator = np.random.default_rng(7)

    def weights(*shape: int) -> np.ndarray:
        return generator.normal(size=shape).astype(np.float32)

    return model_of(
        [
            helper.make_node("Conv", ["image", "filters"], ["convolved"], "conv", pads=[1, 1, 1, 1]),
            helper.make_node(
                "BatchNormalization", ["convolved", "scale", "shift", "mean", "variance"], ["normal"], "norm"
            ),
            helper.make_node("Relu", ["normal"], ["activated"], "relu"),
            helper.make_node("GlobalAveragePool", ["activated"], ["pooled"], "pool"),
            helper.make_node("Flatten", ["pooled"], ["features"], "flatten"),
            helper.make_node("Gemm", ["features", "head", "bias"], ["scores"], "gemm"),
        ],
        {"image": ["batch", 3, 8, 8]},
        {"scores": ["batch", 5]},
        {
            "filters": weights(16, 3, 3, 3),
            "scale": 1 + abs(weights(16)),
            "shift": weights(16),
            "mean": weights(16),
            "variance": 1 + abs(weights(16)),
            "head": weights(16, 5),
            "bias": weights(5),
        },
    )


def two_products() -> onnx.ModelProto:
    """Return two matrix products that read the same tensor, and their sum: [batch, 8] to [batch, 8]."""
    generator = np.random.default_rng(3)
    return model_of(
        [
            helper.make_node("Relu", ["x"], ["positive"], "relu"),
            helper.make_node("MatMul", ["positive", "left_weight"], ["left"], "product/left"),
            helper.make_node("MatMul", ["positive", "right_weight"], ["right"], "product/right"),
            helper.make_node("Add", ["left", "right"], ["total"], "add"),
        ],
        {"x": ["batch", 8]},
        {"total": ["batch", 8]},
        {name: generator.normal(size=(8, 8)).astype(np.float32) for name in ("left_weight", "right_weight")},
    )


def branching() -> onnx.ModelProto:
    """Return an If whose branches multiply the outer input by different weights: [2, 2] and a flag to [2, 2]."""

    def branch(name: str, factor: float) -> onnx.GraphProto:
        weight = numpy_helper.from_array(np.full((2, 2), factor, np.float32), f"{name}_weight")
        return helper.make_graph(
            [helper.make_node("MatMul", ["x", weight.name], [f"{name}_product"], f"{name}_matmul")],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_product", TensorProto.FLOAT, [2, 2])],
            [weight],
        )

    model = model_of(
        [
            helper.make_node(
                "If", ["flag"], ["y"], "if", then_branch=branch("then", 2.0), else_branch=branch("else", 3.0)
            )
        ],
        {"x": [2, 2]},
        {"y": [2, 2]},
    )
    model.graph.input.append(helper.make_tensor_value_info("flag", TensorProto.BOOL, []))
    return model


def run(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray], *, optimised: bool = True) -> dict[str, Any]:
    """Return what onnxruntime's CPU provider computes, by output name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def images(batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return a batch of inputs for ``classifier``."""
    return {"image": np.random.default_rng(seed).normal(size=(batch, 3, 8, 8)).astype(np.float32)}


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Return the cosine of the angle between two tensors."""
    a, b = first.astype(np.float64).ravel(), second.astype(np.float64).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
