"""From an ONNX file to a TensorRT network, with errors that name the node."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from harness.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.cases import Precision
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.tensorrt.features import Features
    from harness.runtimes.tensorrt.number_types import TypePlan
    from harness.runtimes.tensorrt.tools import Tools

# The layers in which a network's arithmetic is, by trt.LayerType; FULLY_CONNECTED ended with TensorRT 8.
_COMPUTING_LAYERS = frozenset({"CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY", "FULLY_CONNECTED"})


def make_builder(tools: Tools) -> Any:
    """Return a ``trt.Builder``.

    Raises:
        BuildFailed: TensorRT could not start, e.g. because the GPU has no memory left.
    """
    position = len(tools.log.lines)
    try:
        return tools.trt.Builder(tools.logger)
    except TypeError:  # so its bindings say that there is none
        raise BuildFailed(
            f"TensorRT {tools.features.version} cannot start: {tools.log.first_error(position)}"
        ) from None


def parse_network(tools: Tools, builder: Any, request: BuildRequest, types: TypePlan) -> tuple[Any, Any]:
    """Parse the ONNX file of ``request`` into a network of ``builder``, of the types of ``types``.

    Returns:
        The network, and the parser, which must live until the engine is built: it holds the weights.

    Raises:
        BuildFailed: the parser refused the graph; operator and node are named.
    """
    trt, features, graph = tools.trt, tools.features, request.graph
    flags = 0
    if types.strongly_typed:
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    if features.explicit_batch_flag:
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, tools.logger)
    if not _parse(parser, graph, rewritten=request.precision.recipe == "int8" and features.strong_typing == "no"):
        errors = "; ".join(_errors(parser, graph, features)) or "it gave no reason"
        raise BuildFailed(f"TensorRT {features.version} cannot read the graph: {errors}")
    return network, parser


def constrain_layers(trt: Any, network: Any, precision: Precision) -> int:
    """Tell each computing layer the number type that the graph gives it, and return how many were told.

    In a network that is not strongly typed a type is only allowed: the builder may still take a kernel of another one.
    Where the recipe leaves the graph in FP32 (``fp16-flags``, ``int8-calibrator``), only the layers in ``keep_fp32``
    are told to stay there. What the network says of its inner tensors' types is no help: before a build all are FP32.
    """
    told = 0
    for layer in layers_of(network):
        if layer.type.name not in _COMPUTING_LAYERS:
            continue
        kept = any(fnmatch.fnmatchcase(layer.name, pattern) for pattern in precision.keep_fp32)
        if kept or precision.recipe == "fp16":
            layer.precision = trt.DataType.FLOAT if kept else trt.DataType.HALF
            told += 1
    return told


def layers_of(network: Any) -> Iterator[Any]:
    """Yield the layers of a network in its order, which is that of the graph."""
    for index in range(network.num_layers):
        yield network.get_layer(index)


def inputs_of(network: Any) -> list[Any]:
    """Return the input tensors of a network."""
    return [network.get_input(index) for index in range(network.num_inputs)]


def outputs_of(network: Any) -> list[Any]:
    """Return the output tensors of a network."""
    return [network.get_output(index) for index in range(network.num_outputs)]


def _parse(parser: Any, graph: Path, *, rewritten: bool) -> bool:
    if not rewritten:
        return bool(parser.parse_from_file(str(graph)))
    from harness.graphs.load import load_model
    from harness.runtimes.tensorrt.quantised_weights import with_float_weights

    return bool(parser.parse(with_float_weights(load_model(graph)).SerializeToString()))


def _errors(parser: Any, graph: Path, features: Features) -> Iterator[str]:
    from harness.graphs.load import parse_model

    nodes = parse_model(graph).graph.node
    for index in range(parser.num_errors):
        error = parser.get_error(index)
        yield f"{_place(error, nodes, features)}{error.desc().strip()} ({error.code().name})"


def _place(error: Any, nodes: Sequence[Any], features: Features) -> str:
    """Say which operator in which node an error is about: the parser itself says so since 10, before by position."""
    if features.parser_names_nodes and error.node_operator():
        return f"operator {error.node_operator()!r} in node {error.node_name()!r}: "
    position = error.node()
    if 0 <= position < len(nodes):
        return f"operator {nodes[position].op_type!r} in node {nodes[position].name!r}: "
    return ""
