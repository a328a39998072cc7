"""What one run of a graph costs at least: multiply-adds, and the bytes that must cross the memory bus."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper
from onnx.inliner import inline_local_functions

from harness.graphs.element_types import is_tensor, with_inferred_types
from harness.graphs.load import input_specs
from harness.graphs.recipes import COMPUTING_OPERATORS
from harness.graphs.walk import graphs_in, tensors_in, with_weights_as_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.cases import Point

Shape = tuple[int, ...]

# Weights are what arithmetic reads; whole numbers wider than a byte are shapes and indices, which engines fold away.
_WEIGHT_TYPES = frozenset({
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT8,
    TensorProto.UINT8, TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2,
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GraphCost:
    """The least that one run of a graph takes.

    Attributes:
        multiply_adds: of convolutions, matrix products and recurrent layers; everything else is small beside them.
        weights: how many numbers of weights are read; of a table that is only gathered from, the rows gathered.
        input_bytes: of the graph's inputs, in the types that it declares.
        output_bytes: of its outputs, likewise; those whose shape depends on the data count nothing.
        uncounted: names of the nodes whose arithmetic is not in ``multiply_adds``, since their shapes are not known
            before the run or their operator has no formula here. Where there are any, the cost is too low.
    """

    multiply_adds: int
    weights: int
    input_bytes: int
    output_bytes: int
    uncounted: tuple[str, ...] = ()


def cost_at(model: ModelProto, point: Point) -> GraphCost:
    """Count what one run of ``model`` costs at ``point``.

    Args:
        model: any graph; its weights are not read, only their shapes.
        point: a size for each free dimension of the inputs.

    Returns:
        A lower bound: intermediate tensors are taken to stay on the chip.

    Raises:
        ProfileError: ``point`` has no size for a free dimension.
        ModelError: the graph contradicts itself at this point, so that shape inference gives up.
    """
    inferred = with_inferred_types(_bound(model, point))
    shapes = _known_shapes(model, inferred)
    constants = {tensor.name for tensor in model.graph.initializer}
    counts, uncounted = _counted(inferred.graph.node, shapes)
    return GraphCost(
        multiply_adds=sum(counts.values()),
        weights=_weights_read(model, inferred.graph.node, shapes),
        input_bytes=_bytes_of(value for value in inferred.graph.input if value.name not in constants),
        output_bytes=_bytes_of(inferred.graph.output),
        uncounted=tuple(uncounted),
    )


def multiply_adds_by_node(model: ModelProto, point: Point) -> dict[str, int]:
    """Return the multiply-adds of each node of ``model`` that has a formula and known shapes; ``cost_at`` adds them up.

    Args:
        model: a graph with named nodes, as ``normalise`` returns it.
        point: a size for each free dimension of the inputs.

    Raises:
        ProfileError: ``point`` has no size for a free dimension.
        ModelError: the graph contradicts itself at this point, so that shape inference gives up.
    """
    inferred = with_inferred_types(_bound(model, point))
    counts, _ = _counted(inferred.graph.node, _known_shapes(model, inferred))
    return {inferred.graph.node[position].name: count for position, count in counts.items()}


def weight_bytes(model: ModelProto) -> int:
    """Return the bytes of every constant that ``model`` holds; text counts nothing, numbers of 4 bits a byte each."""
    numeric = (tensor for tensor in tensors_in(model) if tensor.data_type != TensorProto.STRING)
    return sum(
        math.prod(tensor.dims) * int(helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize) for tensor in numeric
    )


def _counted(nodes: Sequence[NodeProto], shapes: Mapping[str, Shape]) -> tuple[dict[int, int], list[str]]:
    """Return multiply-adds by the position of the node, and the names of nodes whose arithmetic cannot be counted."""
    counts: dict[int, int] = {}
    uncounted: list[str] = []
    for position, node in enumerate(nodes):
        if node.op_type in _FORMULAS:
            try:
                counts[position] = _FORMULAS[node.op_type](_Operands(node, shapes))
            except KeyError:
                uncounted.append(_called(node))
        elif _computes(node):
            uncounted.append(_called(node))
    return counts, uncounted


class _Operands:
    """The shapes that a node reads and makes; a KeyError says that one is not known."""

    def __init__(self, node: NodeProto, shapes: Mapping[str, Shape]) -> None:
        self._node, self._shapes = node, shapes
        self._attributes = {attribute.name: attribute for attribute in node.attribute}

    def input(self, position: int) -> Shape:
        return self._shapes[self._node.input[position]]

    def output(self) -> Shape:
        return self._shapes[self._node.output[0]]

    def attribute(self, name: str, default: Any) -> Any:
        return helper.get_attribute_value(self._attributes[name]) if name in self._attributes else default


def _convolution(node: _Operands, weight: int = 1) -> int:
    # The weight is [outputs, inputs / group, kernel…]: each output element takes one product with all but the first.
    return math.prod(node.output()) * math.prod(node.input(weight)[1:])


def _quantised_convolution(node: _Operands) -> int:
    return _convolution(node, weight=3)


def _transposed_convolution(node: _Operands) -> int:
    # The weight is [inputs, outputs / group, kernel…]: each input element is spread over all but the first.
    return math.prod(node.input(0)) * math.prod(node.input(1)[1:])


def _product(node: _Operands) -> int:
    return math.prod(node.output()) * node.input(0)[-1]


def _general_product(node: _Operands) -> int:
    return math.prod(node.output()) * node.input(0)[0 if node.attribute("transA", 0) else 1]


def _einsum(node: _Operands) -> int:
    equation = node.attribute("equation", b"").decode().replace(" ", "")
    terms = equation.partition("->")[0].split(",")
    if len(terms) != 2 or "..." in equation:
        raise KeyError(equation)
    sizes: dict[str, int] = {}
    for position, term in enumerate(terms):
        sizes.update(zip(term, node.input(position), strict=True))
    return math.prod(sizes.values())


def _recurrence(node: _Operands) -> int:
    # X is [sequence, batch, inputs], W [directions, gates × hidden, inputs], R [directions, gates × hidden, hidden].
    # With layout 1, X is [batch, sequence, inputs]; the product of the two is the same.
    steps = math.prod(node.input(0)[:2])
    return steps * (math.prod(node.input(1)) + math.prod(node.input(2)))


_FORMULAS: Mapping[str, Callable[[_Operands], int]] = {
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "QLinearConv": _quantised_convolution,
    "ConvTranspose": _transposed_convolution,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "Gemm": _general_product,
    "Einsum": _einsum,
    "LSTM": _recurrence,
    "GRU": _recurrence,
    "RNN": _recurrence,
}


def _computes(node: NodeProto) -> bool:
    """Tell whether ``node`` is arithmetic without a formula, or holds graphs of which some node is arithmetic."""
    bodies = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    inner = (held.op_type for body in bodies for graph in graphs_in(body) for held in graph.node)
    return node.op_type in COMPUTING_OPERATORS or any(operator in COMPUTING_OPERATORS for operator in inner)


def _called(node: NodeProto) -> str:
    return str(node.name or next((output for output in node.output if output), node.op_type))


def _bound(model: ModelProto, point: Point) -> ModelProto:
    """Return ``model`` with the sizes of ``point`` in place of symbols, and inputs in place of large weights."""
    shapes = {spec.name: spec.at(point) for spec in input_specs(model)}
    shell = with_weights_as_inputs(model)
    for value in shell.graph.input:
        for dimension, size in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            dimension.dim_value = size
    # Exporters leave the sizes of their example behind in inner tensors, and inference would believe them.
    del shell.graph.value_info[:]
    return inline_local_functions(shell) if shell.functions else shell


def _known_shapes(model: ModelProto, inferred: ModelProto) -> dict[str, Shape]:
    """Return the shape of each tensor of the main graph of which every size is a number."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        shape = _sizes(value)
        if shape is not None:
            shapes[value.name] = shape
    return shapes


def _sizes(value: ValueInfoProto) -> Shape | None:
    if not is_tensor(value) or not value.type.tensor_type.HasField("shape"):
        return None
    dimensions = value.type.tensor_type.shape.dim
    if not all(dimension.HasField("dim_value") for dimension in dimensions):
        return None
    return tuple(dimension.dim_value for dimension in dimensions)


def _weights_read(model: ModelProto, nodes: Sequence[NodeProto], shapes: Mapping[str, Shape]) -> int:
    """Count the numbers of the weights that a run reads, each once; of a table, no more than the rows gathered."""
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer if _is_weight(tensor)}
    gathered: dict[str, int] = {}
    read_whole: set[str] = set()
    for node in nodes:
        for attribute in node.attribute:
            if node.op_type == "Constant" and _is_weight(attribute.t):
                sizes[node.output[0]] = math.prod(attribute.t.dims)
        for position, name in enumerate(node.input):
            if node.op_type == "Gather" and position == 0:
                gathered[name] = gathered.get(name, 0) + math.prod(shapes.get(node.output[0], (0,)))
            else:
                read_whole.add(name)
    return sum(min(size, gathered.get(name, size) if name not in read_whole else size) for name, size in sizes.items())


def _is_weight(tensor: TensorProto) -> bool:
    return tensor.data_type in _WEIGHT_TYPES


def _bytes_of(values: Iterable[ValueInfoProto]) -> int:
    known = ((value.type.tensor_type.elem_type, _sizes(value)) for value in values)
    return sum(
        math.prod(sizes) * int(helper.tensor_dtype_to_np_dtype(element_type).itemsize)
        for element_type, sizes in known
        if sizes is not None
    )
