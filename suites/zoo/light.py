"""Nine classifiers of the ONNX model zoo, from the graphs in the onnx wheel, with seeded weights.

The wheel ships the graphs for its own tests, all weights replaced by one constant. Each function here returns such a
graph with a free batch dimension, opset 17, logits of shape [batch, 1000] (squeezenet, densenet121: [batch, 1000, 1,
1]) in place of probabilities, and weights that make its errors mean something (see ``suites.zoo.conditioning``). Input:
float32 images [batch, 3, 224, 224], Gaussian with deviation 1.

Every function raises ModelError where the onnx wheel lacks the graph, ConfigurationError where onnxruntime is missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

from harness.errors import ModelError
from suites.zoo.builder import generator_for
from suites.zoo.conditioning import condition
from suites.zoo.draft import IR_VERSION, OPSET, Draft

# Softmax would hide logits that differ in size; Dropout does nothing outside of training.
_DROPPED = ("Softmax", "Dropout")
_CONDITIONING_BATCH = 4


def squeezenet() -> onnx.ModelProto:
    """Return SqueezeNet 1.0: 1.2 million weights, no batch normalisation."""
    return _model("squeezenet")


def shufflenet() -> onnx.ModelProto:
    """Return ShuffleNet: grouped and depthwise convolutions, which INT8 treats badly with random weights."""
    return _model("shufflenet")


def resnet50() -> onnx.ModelProto:
    """Return ResNet-50: 26 million weights."""
    return _model("resnet50")


def densenet121() -> onnx.ModelProto:
    """Return DenseNet-121: 8 million weights, and the deepest chain of concatenations."""
    return _model("densenet121")


def inception_v1() -> onnx.ModelProto:
    """Return Inception v1 (GoogLeNet): 7 million weights."""
    return _model("inception_v1")


def inception_v2() -> onnx.ModelProto:
    """Return Inception v2: 11 million weights."""
    return _model("inception_v2")


def vgg19() -> onnx.ModelProto:
    """Return VGG-19: 144 million weights, 575 MB."""
    return _model("vgg19")


def alexnet() -> onnx.ModelProto:
    """Return AlexNet as in Caffe: 61 million weights."""
    return _model("bvlc_alexnet")


def zfnet512() -> onnx.ModelProto:
    """Return ZFNet-512: 87 million weights."""
    return _model("zfnet512")


def _model(name: str) -> onnx.ModelProto:
    draft = _draft(name)
    image = draft.graph.input[0]
    shape = (_CONDITIONING_BATCH, *(d.dim_value for d in image.type.tensor_type.shape.dim[1:]))
    images = generator_for(f"{name}/images").standard_normal(shape, dtype=np.float32)
    head = [node.name for node in draft.graph.node if node.op_type in ("Conv", "Gemm")][-1]
    condition(draft, {image.name: images}, heads=(head,))
    return draft.to_model()


def _draft(name: str) -> Draft:
    path = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"
    if not path.exists():
        raise ModelError(f"this onnx ({onnx.__version__}) has no graph {path.name!r} in its wheel; install onnx 1.23.2")
    model = onnx.load(path)
    _drop(model.graph)
    model.ir_version = IR_VERSION  # the converter reads weights from beside the inputs only where the IR allows that
    graph = version_converter.convert_version(model, OPSET).graph
    shapes, constants = _split_constants(graph)
    _fold_reshaped_weights(graph, shapes, constants)
    _free_batch(graph, constants)
    _name_nodes(graph)
    used = {tensor for node in graph.node for tensor in node.input}
    weights = {tensor: array for tensor, array in constants.items() if tensor in used}
    for node in graph.node:
        for position, tensor in enumerate(node.input):
            if tensor in shapes:
                weights[tensor] = _seeded(node, position, shapes[tensor], seed=f"{name}/{tensor}")
    return Draft(graph, weights)


def _drop(graph: onnx.GraphProto) -> None:
    """Take the operators in _DROPPED out of ``graph``, and call its output ``logits``."""
    source = {node.output[0]: node.input[0] for node in graph.node if node.op_type in _DROPPED}
    output = graph.output[0]
    renamed = {source.get(output.name, output.name): "logits"}
    kept = [node for node in graph.node if node.op_type not in _DROPPED]
    for node in kept:
        for tensors in (node.input, node.output):
            for position, tensor in enumerate(tensors):
                tensors[position] = renamed.get(source.get(tensor, tensor), source.get(tensor, tensor))
    output.name = "logits"
    del graph.node[:]
    graph.node.extend(kept)


def _split_constants(graph: onnx.GraphProto) -> tuple[dict[str, tuple[int, ...]], dict[str, np.ndarray]]:
    """Take every constant out of ``graph``; return the float ones' shapes and the integer ones' values, by tensor."""
    shapes: dict[str, tuple[int, ...]] = {}
    constants: dict[str, np.ndarray] = {}
    for initializer in graph.initializer:
        if initializer.data_type == onnx.TensorProto.FLOAT:
            shapes[initializer.name] = tuple(initializer.dims)
        else:
            constants[initializer.name] = numpy_helper.to_array(initializer)
    kept = []
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "ConstantOfShape":
            shapes[node.output[0]] = tuple(int(size) for size in constants[node.input[0]])
        else:
            kept.append(node)
    images = [value for value in graph.input if value.name not in shapes and value.name not in constants]
    for field, values in ((graph.node, kept), (graph.input, images), (graph.initializer, []), (graph.value_info, [])):
        del field[:]
        field.extend(values)
    return shapes, constants


def _fold_reshaped_weights(
    graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]], constants: dict[str, np.ndarray]
) -> None:
    """Declare weights in the shape in which they are used, instead of reshaping them in each run."""
    kept = []
    for node in graph.node:
        if node.op_type not in ("Reshape", "Unsqueeze") or node.input[0] not in shapes:
            kept.append(node)
            continue
        blank = np.empty(shapes.pop(node.input[0]), dtype=np.bool_)
        operand = tuple(int(value) for value in constants[node.input[1]])
        folded = blank.reshape(operand) if node.op_type == "Reshape" else np.expand_dims(blank, operand)
        shapes[node.output[0]] = folded.shape
    del graph.node[:]
    graph.node.extend(kept)


def _free_batch(graph: onnx.GraphProto, constants: dict[str, np.ndarray]) -> None:
    """Make the first dimension of input, output and every Reshape the free dimension ``batch``."""
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    for node in graph.node:
        if node.op_type == "Reshape":
            target = constants[node.input[1]].copy()
            target[0] = -1
            constants[node.input[1]] = target


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Name every node after its output: most have no name, and layers are reported by it."""
    for node in graph.node:
        node.name = f"{node.op_type}_{node.output[0]}"


def _seeded(node: onnx.NodeProto, position: int, shape: tuple[int, ...], seed: str) -> np.ndarray:
    """Return float32 weights for input ``position`` of ``node``: Gaussian, or near 1 where they scale a channel."""
    generator = generator_for(seed)
    if node.op_type in ("Conv", "Gemm") and position == 1:
        deviation = np.float32((2 / np.prod(shape[1:])) ** 0.5)
        return np.asarray(generator.standard_normal(shape, dtype=np.float32) * deviation)
    scales_channel = (node.op_type, position) in {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 1)}
    if scales_channel:
        return generator.uniform(0.8, 1.2, shape).astype(np.float32)
    return np.asarray(generator.standard_normal(shape, dtype=np.float32) * np.float32(0.1))
