"""Small real models for the tests, made in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPSET = [helper.make_opsetid("", 17)]


def convnet() -> onnx.ModelProto:
    """Return two convolutions and a head: input ``image`` [batch, 3, 8, 8], output ``scores`` [batch, 10]."""
    generator = np.random.default_rng(7)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        scale = (2.0 / np.prod(shape[1:])) ** 0.5
        return numpy_helper.from_array((generator.normal(size=shape) * scale).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["conv1"], "conv1", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv1"], ["relu1"], "relu1"),
        helper.make_node("Conv", ["relu1", "w2"], ["conv2"], "conv2", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv2"], ["relu2"], "relu2"),
        helper.make_node("GlobalAveragePool", ["relu2"], ["pooled"], "pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "w3"], ["scores"], "head", transB=1),
    ]
    return _model(
        nodes,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])],
        [weights("w1", 16, 3, 3, 3), weights("w2", 16, 16, 3, 3), weights("w3", 10, 16)],
    )


def convnet_of_nan() -> onnx.ModelProto:
    """Return ``convnet`` with a head that makes NaN of everything."""
    return with_perturbed_weight(convnet(), "w3", factor=float("nan"))


def convnet_with_outliers() -> onnx.ModelProto:
    """Return ``convnet`` whose ``conv2`` has huge weights on a channel that is always 0: INT8 loses all its others."""
    result = convnet()
    for name, index, value in (("w1", 0, 0.0), ("w2", (slice(None), 0), 1000.0)):
        tensor = next(t for t in result.graph.initializer if t.name == name)
        array = numpy_helper.to_array(tensor).copy()
        array[index] = value
        tensor.CopyFrom(numpy_helper.from_array(array, name))
    return result


def convnet_of_unknown_operator() -> onnx.ModelProto:
    """Return ``convnet`` with a node ``nope_1`` in its middle, of the operator ``com.example::Nope``."""
    result = convnet()
    result.opset_import.append(helper.make_opsetid("com.example", 1))
    nodes = list(result.graph.node)
    position = next(index for index, node in enumerate(nodes) if node.name == "conv2")
    nodes.insert(position, helper.make_node("Nope", ["relu1"], ["noped"], "nope_1", domain="com.example"))
    nodes[position + 1].input[0] = "noped"
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def determinants() -> onnx.ModelProto:
    """Return ReLU, determinant and a head, fed as ``convnet`` is; onnxruntime has the second for CPUs alone."""
    nodes = [
        helper.make_node("Relu", ["image"], ["positive"], "relu"),
        helper.make_node("Det", ["positive"], ["volumes"], "determinant"),
        helper.make_node("Gemm", ["volumes", "w"], ["scores"], "head"),
    ]
    weights = np.random.default_rng(7).normal(size=(3, 10)).astype(np.float32)
    return _model(
        nodes,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(weights, "w")],
    )


def endless() -> onnx.ModelProto:
    """Return a loop that ends after 2⁶² rounds: input ``start`` [1], output ``end`` [1]."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("Cos", ["value"], ["next_value"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_value", TensorProto.FLOAT, [1]),
        ],
    )
    return _model(
        [helper.make_node("Loop", ["rounds", "yes", "start"], ["end"], "loop", body=body)],
        [helper.make_tensor_value_info("start", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("end", TensorProto.FLOAT, [1])],
        [
            numpy_helper.from_array(np.array(2**62, np.int64), "rounds"),
            numpy_helper.from_array(np.array(True), "yes"),
        ],
    )


def labelled() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return 50 images whose labels are what ``convnet`` itself says of them."""
    import onnxruntime

    images = np.random.default_rng(3).normal(size=(50, 3, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(convnet().SerializeToString(), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"image": images})
    return {"image": images}, np.argmax(scores, axis=1)


def broken_calibration() -> Iterator[dict[str, np.ndarray]]:
    """Yield calibration samples of the wrong shape."""
    yield {"image": np.zeros((1, 3, 9, 9), np.float32)}


def calibration_of_whispers() -> Iterator[dict[str, np.ndarray]]:
    """Yield calibration samples that are a thousand times too small."""
    generator = np.random.default_rng(5)
    for _ in range(8):
        yield {"image": (generator.normal(size=(1, 3, 8, 8)) * 1e-3).astype(np.float32)}


def with_perturbed_weight(model: onnx.ModelProto, name: str, *, factor: float = 1.5) -> onnx.ModelProto:
    """Return a copy in which the initialiser ``name`` is ``factor`` times as large."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    tensor = next(t for t in result.graph.initializer if t.name == name)
    array = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array((array * factor).astype(array.dtype), name))
    return result


def with_extra_work(model: onnx.ModelProto, output: str, *, size: int = 384) -> onnx.ModelProto:
    """Return a copy that multiplies large matrices before it adds nothing of them to ``output``."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    for node in graph.node:
        for index, name in enumerate(node.output):
            if name == output:
                node.output[index] = "before_work"
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.full((size, size), 1e-3, np.float32), "work_weight"),
            numpy_helper.from_array(np.array(0.0, np.float32), "nothing"),
        ]
    )
    graph.node.extend(
        [
            # It starts from the input, so that no optimiser can fold it into a constant.
            helper.make_node("ReduceMean", [graph.input[0].name], ["work_seed"], keepdims=0),
            helper.make_node("Mul", ["work_seed", "work_weight"], ["work_0"]),
            *(helper.make_node("MatMul", [f"work_{i}", "work_weight"], [f"work_{i + 1}"]) for i in range(8)),
            helper.make_node("ReduceMean", ["work_8"], ["work_mean"], keepdims=0),
            helper.make_node("Mul", ["work_mean", "nothing"], ["work_zero"]),
            helper.make_node("Add", ["before_work", "work_zero"], [output]),
        ]
    )
    return result


def _model(nodes: list, inputs: list, outputs: list, initializers: list) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=_OPSET, ir_version=8)
    onnx.checker.check_model(model)
    return model
