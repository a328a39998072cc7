"""FP16: a graph whose weights and activations are float16, and whose inputs and outputs stay float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from harness.errors import ConfigurationError
from harness.graphs.element_types import with_inferred_types
from harness.graphs.walk import matching_nodes, sort_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST = 65504.0  # of float16
_SMALLEST = 5.96e-08  # above zero: 2 ** -24, as the converter rounds it

# Random weights have a few such elements anyway, and no result shows them.
_SHARE_WORTH_A_NOTE = 0.001


def to_fp16(model: ModelProto, keep: Sequence[str] = ()) -> ModelProto:
    """Return ``model`` with float32 replaced by float16, but for its inputs and outputs.

    Operators that have no float16 form (the list is onnxruntime's) stay float32 between casts.

    Args:
        model: a graph with named nodes, as ``normalise`` returns it.
        keep: names or patterns of nodes to leave in float32.

    Raises:
        ConfigurationError: a pattern matches no node, or onnxruntime, whose converter this is, is not installed.
    """
    kept = [node.name for node in matching_nodes(model.graph, keep)]
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError:
        raise ConfigurationError(
            "the recipe 'fp16' needs onnxruntime's converter, and onnxruntime is not installed: "
            "pip install 'trt-harness[cpu]'"
        ) from None
    # The converter's own inference ends at 2 GB and would have to serialise every weight.
    typed = with_inferred_types(model)
    half = convert_float_to_float16(typed, keep_io_types=True, node_block_list=kept, disable_shape_infer=True)
    _drop_repeated_casts(half)
    sort_nodes(half.graph)
    return half


def weights_beyond_fp16(model: ModelProto, half: ModelProto) -> tuple[str, ...]:
    """Say which constants of ``model`` did not fit into float16, and what became of them in ``half``.

    Args:
        model: the graph that ``to_fp16`` was given.
        half: the graph that it returned; constants that stayed float32 there are passed over.

    Returns:
        One sentence a tensor and kind of misfit; none is the usual case.
    """
    converted = {name for name, tensor in _constants(half) if tensor.data_type == TensorProto.FLOAT16}
    notes = []
    for name, tensor in _constants(model):
        if tensor.data_type != TensorProto.FLOAT or name not in converted:
            continue
        values = np.abs(numpy_helper.to_array(tensor))
        large = np.count_nonzero((values > _LARGEST) & np.isfinite(values))
        small = np.count_nonzero((values < _SMALLEST) & (values > 0))
        if large:
            notes.append(f"{large} of {values.size} elements of {name!r} were beyond ±65504 and were clamped to it")
        if small > values.size * _SHARE_WORTH_A_NOTE:
            notes.append(f"{small} of {values.size} elements of {name!r} were below 6e-8 and were raised to it")
    return tuple(notes)


def _constants(model: ModelProto) -> Iterator[tuple[str, TensorProto]]:
    yield from ((tensor.name, tensor) for tensor in model.graph.initializer)
    for node in model.graph.node:
        if node.op_type == "Constant":
            yield from ((node.output[0], attribute.t) for attribute in node.attribute if attribute.HasField("t"))


def _drop_repeated_casts(model: ModelProto) -> None:
    """Drop all but the first of casts that make the same tensor.

    The converter adds one for each kept node that reads the tensor, which is no valid graph once there are two.
    """
    made: set[str] = set()
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.output[0] in made:
            continue
        made.update(node.output)
        nodes.append(node)
    if len(nodes) < len(model.graph.node):
        copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(copies)
