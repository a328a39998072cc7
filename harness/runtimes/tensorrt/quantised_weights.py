"""INT8 graphs for parsers that take no INT8 weights: each is written in float32 and quantised again in the graph."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from harness.graphs.walk import copy_of


def with_float_weights(model: ModelProto) -> ModelProto:
    """Return ``model`` with each int8 constant that is dequantised replaced by float32 between a pair of nodes.

    Quantising q × scale by the same scale gives q back exactly, so that nothing changes but the form: TensorRT 8 folds
    the pair into the layer, and has no constants of type int8.

    Args:
        model: a graph whose zero points are 0; it is not changed.
    """
    result = copy_of(model)
    graph = result.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    replaced: dict[str, NodeProto] = {}
    for node in graph.node:
        weight = constants.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if weight is None or weight.data_type != TensorProto.INT8 or node.input[1] not in constants:
            nodes.append(node)
            continue
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
        if weight.name not in replaced:
            replaced[weight.name] = helper.make_node(
                "QuantizeLinear",
                [f"{weight.name}_float", *node.input[1:]],
                [f"{weight.name}_again"],
                name=f"{weight.name}_quantise",
                axis=axis,
            )
            graph.initializer.append(_dequantised(weight, constants[node.input[1]], axis))
            nodes.append(replaced[weight.name])
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[0] = replaced[weight.name].output[0]
        nodes.append(copy)
    kept = [tensor for tensor in graph.initializer if tensor.name not in replaced]
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    tensors = [TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    return result


def _dequantised(weight: TensorProto, scale: TensorProto, axis: int) -> TensorProto:
    values = numpy_helper.to_array(weight).astype(np.float32)
    scales = numpy_helper.to_array(scale)
    if scales.ndim:
        shape = [1] * values.ndim
        shape[axis] = -1
        scales = scales.reshape(shape)
    return numpy_helper.from_array((values * scales).astype(np.float32), f"{weight.name}_float")
