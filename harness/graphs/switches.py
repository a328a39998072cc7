"""Graphs in which the rounding of each tensor can be switched on and off when they run.

To ask what a set of nodes costs in accuracy, a graph would have to be converted and loaded for each set. Here it is
converted once: behind each tensor that a recipe rounds stands a choice between its exact and its rounded value, and a
boolean input of the graph makes it. A tensor is rounded if any node that touches it computes in the lower precision;
that is how the recipes for FP16 and INT8 treat the nodes that they are told to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from harness.cases.calibration import MINMAX
from harness.graphs.element_types import element_types
from harness.graphs.int8 import QUANTISED_OPERATORS, names_after_folding, to_folded_and_int8
from harness.graphs.walk import copy_of, sort_nodes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence


_SWITCH = "round:"


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """What a recipe does to one tensor.

    Attributes:
        tensor: its name.
        nodes: those that read or make it in the lower precision; kept all of them, it stays exact.
        scale: of int8 with a zero point of 0: float32, a single number or one for each channel; None means float16.
        axis: the dimension of the channels, where there are several.
    """

    tensor: str
    nodes: frozenset[str]
    scale: np.ndarray | None = None
    axis: int = 0


@dataclass(frozen=True)
class SwitchedGraph:
    """A graph with a switch for each rounding.

    Attributes:
        model: the graph; besides its inputs it takes a boolean scalar for each switch.
        switches: the nodes that touch the tensor, by the name of its switch.
        nodes: all of them, in graph order.
    """

    model: ModelProto
    switches: Mapping[str, frozenset[str]]
    nodes: tuple[str, ...]

    def settings(self, kept: Collection[str]) -> dict[str, np.ndarray]:
        """Return an array for each switch, such that the nodes in ``kept`` are exact and all others are not."""
        return {switch: np.array(bool(nodes.difference(kept))) for switch, nodes in self.switches.items()}


def switched_int8(
    model: ModelProto, calibration: Iterable[Mapping[str, np.ndarray]], method: str = MINMAX
) -> SwitchedGraph:
    """Return ``model`` with a switch for each tensor that ``to_int8`` quantises, and the scales that it takes.

    A node that onnxruntime merges into another beyond recognition has no switch: it could not be kept either.

    Args:
        model: a graph with named nodes, as ``normalise`` returns it.
        calibration: samples, each an array per input with its batch dimension.
        method: where ranges of activations end; see harness.cases.Calibration.

    Raises:
        CalibrationError: see ``to_int8``.
        ConfigurationError: see ``to_int8``.
        ModelError: see ``to_int8``.
    """
    folded, quantised = to_folded_and_int8(model, calibration, method=method)
    original = {}
    for node in model.graph.node:
        if node.op_type in QUANTISED_OPERATORS:
            # Not names_after_folding of all at once: it says which names there are, not whose they were.
            original.update(dict.fromkeys(_found_again(node, folded), node.name))
    return _switched(folded, list(_int8_roundings(folded, quantised, original)), list(original.values()))


def switched_fp16(model: ModelProto) -> SwitchedGraph:
    """Return ``model`` with a switch for each float32 tensor that ``to_fp16`` makes float16.

    Each node is computed in float32 from and to rounded tensors. onnxruntime's CPU provider, which has few float16
    kernels, leaves out casts between neighbours and so rounds less often: its errors are of the same order, not equal.
    Weights beyond ±65504 become infinite here, where the recipe clamps them: both say that their node is the culprit.

    Args:
        model: a graph with named nodes, as ``normalise`` returns it.

    Raises:
        ModelError: the types of the graph's tensors cannot be inferred.
    """
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST

    types = element_types(model)
    touched: dict[str, set[str]] = {}
    for node in model.graph.node:
        if node.op_type not in DEFAULT_OP_BLOCK_LIST:
            for tensor in (*node.input, *node.output):
                if types.get(tensor) == "float32":
                    touched.setdefault(tensor, set()).add(node.name)
    roundings = [Rounding(tensor=tensor, nodes=frozenset(nodes)) for tensor, nodes in touched.items()]
    return _switched(model, roundings, [node.name for node in model.graph.node])


def _found_again(node: NodeProto, folded: ModelProto) -> list[str]:
    named = names_after_folding([node], folded)
    by_name = {candidate.name: candidate for candidate in folded.graph.node}
    return [name for name in named if by_name[name].op_type in QUANTISED_OPERATORS]


def _int8_roundings(folded: ModelProto, quantised: ModelProto, original: Mapping[str, str]) -> Iterator[Rounding]:
    """Yield what the pairs of ``quantised`` do to the tensors of ``folded``.

    ``original`` is the name of a node in the graph as given, by its name in both of these.
    """
    constants = {tensor.name: tensor for tensor in quantised.graph.initializer}
    makers = {name: node for node in quantised.graph.node for name in node.output}
    quantisers = {node.input[0]: node for node in quantised.graph.node if node.op_type == "QuantizeLinear"}
    in_pairs = {node.name: node for node in quantised.graph.node}
    pairs: dict[str, NodeProto] = {}
    touched: dict[str, set[str]] = {}
    for node in folded.graph.node:
        if node.name not in original or node.name not in in_pairs:
            continue
        twin = in_pairs[node.name]
        found = [(tensor, makers.get(name)) for tensor, name in zip(node.input, twin.input, strict=True)]
        found += [(tensor, quantisers.get(name)) for tensor, name in zip(node.output, twin.output, strict=True)]
        for tensor, pair in found:
            if pair is not None and pair.op_type in ("DequantizeLinear", "QuantizeLinear"):
                pairs.setdefault(tensor, pair)
                touched.setdefault(tensor, set()).add(original[node.name])
    for tensor, pair in pairs.items():
        axis = next((attribute.i for attribute in pair.attribute if attribute.name == "axis"), 1)
        scale = numpy_helper.to_array(constants[pair.input[1]])
        yield Rounding(tensor=tensor, nodes=frozenset(touched[tensor]), scale=scale, axis=axis)


def _switched(model: ModelProto, roundings: Sequence[Rounding], order: Sequence[str]) -> SwitchedGraph:
    result = copy_of(model)
    graph = result.graph
    outputs = {value.name for value in graph.output}
    renamed_inputs: dict[str, str] = {}
    renamed_outputs: dict[str, str] = {}
    added: list[NodeProto] = []
    switches: dict[str, frozenset[str]] = {}
    for rounding in roundings:
        switch = f"{_SWITCH}{rounding.tensor}"
        exact, chosen = rounding.tensor, f"{switch}/chosen"
        if rounding.tensor in outputs:
            # The graph's output must keep its name, so the exact value takes another one.
            exact, chosen = f"{switch}/exact", rounding.tensor
            renamed_outputs[chosen] = exact
        else:
            renamed_inputs[exact] = chosen
        switches[switch] = rounding.nodes
        graph.input.append(helper.make_tensor_value_info(switch, TensorProto.BOOL, []))
        graph.initializer.extend(_constants(rounding, switch))
        added += [
            *_rounded(rounding, exact, switch),
            helper.make_node("Where", [switch, f"{switch}/r", exact], [chosen]),
        ]
    for node in graph.node:
        for tensors, renamed in ((node.input, renamed_inputs), (node.output, renamed_outputs)):
            for position, tensor in enumerate(tensors):
                tensors[position] = renamed.get(tensor, tensor)
    graph.node.extend(added)
    del graph.value_info[:]
    sort_nodes(graph)
    touched = frozenset().union(*switches.values())
    return SwitchedGraph(result, switches, tuple(name for name in dict.fromkeys(order) if name in touched))


def _constants(rounding: Rounding, switch: str) -> list[TensorProto]:
    if rounding.scale is None:
        return []
    zeros = np.zeros(rounding.scale.shape, np.int8)
    return [
        numpy_helper.from_array(rounding.scale, f"{switch}/scale"),
        numpy_helper.from_array(zeros, f"{switch}/zero"),
    ]


def _rounded(rounding: Rounding, exact: str, switch: str) -> list[NodeProto]:
    """Return the nodes that make ``<switch>/r`` of ``exact``."""
    if rounding.scale is None:
        return [
            helper.make_node("Cast", [exact], [f"{switch}/half"], to=TensorProto.FLOAT16),
            helper.make_node("Cast", [f"{switch}/half"], [f"{switch}/r"], to=TensorProto.FLOAT),
        ]
    steps = [f"{switch}/scale", f"{switch}/zero"]
    return [
        helper.make_node("QuantizeLinear", [exact, *steps], [f"{switch}/q"], axis=rounding.axis),
        helper.make_node("DequantizeLinear", [f"{switch}/q", *steps], [f"{switch}/r"], axis=rounding.axis),
    ]
