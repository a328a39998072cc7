"""Rescaling of random weights, so that a network's errors mean something.

Random weights alone make useless test models. Behind fifty layers with He's initialisation the outputs of two images
are the same to four digits (a mix-up of inputs would pass any tolerance), and activations may pass the largest FP16
number. Standardising every channel, as batch normalisation does in training, makes the network chaotic instead: it
amplifies rounding until INT8 is noise. In between lies one factor per layer, with a small share of each channel's mean
taken away. ``benchmarks/zoo_conditioning.py`` measures what comes out: errors per precision, and how much outputs
differ between inputs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

from harness.errors import ConfigurationError
from suites.zoo.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_RESCALED = ("Conv", "Gemm")
# The share of its mean that a channel gives up. For resnet50's inner layers 0, 1/8, 1/4 and 1/2 leave a correlation
# between outputs of 0.9997, 0.990, 0.962 and 0.932, and an INT8 error of -27, -24, -17 and -12 dB.
_INNER_SHARE = 1 / 8
_HEAD_SHARE = 1 / 2
# Factors are powers of two and offsets multiples of this: the last bits of a sum depend on the CPU, and weights that
# took part in them would give the same model another hash on each machine.
_OFFSET_STEP = 1 / 32


def condition(draft: Draft, inputs: Mapping[str, np.ndarray], heads: Collection[str] = ()) -> None:
    """Rescale the weights of ``draft`` in place, so that every convolution and Gemm has outputs of RMS near 1.

    The weights are divided by the power of two nearest to the RMS, then an eighth of the mean of each channel is
    subtracted by the bias; a layer without bias is given one. All layers are measured in one forward pass of a scratch
    graph that treats each layer's output likewise before the next layer sees it.

    Args:
        draft: the graph; no two of its layers may share a weight.
        inputs: one batch by input name.
        heads: names of layers that make outputs. They give up half of the mean: it is the same for every input and
            hides what is not. Without it altogether an untrained network's output is so small beside what cancelled
            that rounding rules it.

    Raises:
        ConfigurationError: a head is not a convolution or Gemm of the graph, or onnxruntime is not installed.
    """
    layers = [node for node in draft.graph.node if node.op_type in _RESCALED]
    for head in heads:
        if head not in (names := [node.name for node in layers]):
            raise ConfigurationError(f"{head!r} is no convolution or Gemm of the graph; there are {', '.join(names)}")
    measured = _run(_scratch(draft, layers, heads).to_model(), inputs)
    for node in layers:
        tensor = node.output[0]
        factor = np.float32(2.0 ** -float(measured[f"{tensor}/exponent"]))
        for name in node.input[1:]:
            draft.weights[name] = draft.weights[name] * factor
        steps = measured[f"{tensor}/steps"].reshape(-1)
        if not steps.any():
            continue
        if len(node.input) == 2:
            node.input.append(f"{tensor}/bias")
            draft.weights[node.input[2]] = np.zeros_like(steps)
        draft.weights[node.input[2]] -= steps * np.float32(_OFFSET_STEP)


def _scratch(draft: Draft, layers: list[onnx.NodeProto], heads: Collection[str]) -> Draft:
    """Return ``draft`` with every layer's output rescaled and shifted, and by how much as outputs."""
    layer_names = {node.name for node in layers}
    scalars = {
        "half_of_log2": 0.5 / math.log(2),
        "two": 2.0,
        "offset_step": _OFFSET_STEP,
        "inner_steps": _INNER_SHARE / _OFFSET_STEP,
        "head_steps": _HEAD_SHARE / _OFFSET_STEP,
    }
    weights = draft.weights | {name: np.array(value, np.float32) for name, value in scalars.items()}
    nodes: list[onnx.NodeProto] = []
    outputs: list[str] = []
    for node in draft.graph.node:
        if node.name not in layer_names:
            nodes.append(node)
            continue
        tensor = node.output[0]
        raw = onnx.NodeProto()
        raw.CopyFrom(node)
        raw.output[0] = f"{tensor}/raw"
        nodes.append(raw)
        axes = [0] if node.op_type == "Gemm" else [0, 2, 3]
        steps = "head_steps" if node.name in heads else "inner_steps"
        for operator, inputs, output, attributes in (
            ("Mul", ["raw", "raw"], "squares", {}),
            ("ReduceMean", ["squares"], "mean_square", {"keepdims": 0}),
            ("Log", ["mean_square"], "log", {}),
            ("Mul", ["log", "half_of_log2"], "log2", {}),
            ("Round", ["log2"], "exponent", {}),
            ("Pow", ["two", "exponent"], "divisor", {}),
            ("Div", ["raw", "divisor"], "scaled", {}),
            ("ReduceMean", ["scaled"], "mean", {"axes": axes}),
            ("Mul", ["mean", steps], "share", {}),
            ("Round", ["share"], "steps", {}),
            ("Mul", ["steps", "offset_step"], "offset", {}),
        ):
            operands = [name if name in scalars else f"{tensor}/{name}" for name in inputs]
            nodes.append(helper.make_node(operator, operands, [f"{tensor}/{output}"], **attributes))
        nodes.append(helper.make_node("Sub", [f"{tensor}/scaled", f"{tensor}/offset"], [tensor]))
        outputs += [f"{tensor}/exponent", f"{tensor}/steps"]
    declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    return Draft(helper.make_graph(nodes, "scratch", list(draft.graph.input), declared), weights)


def _run(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    try:
        import onnxruntime
    except ImportError:
        raise ConfigurationError(
            "the models of the zoo are conditioned with onnxruntime, which is not installed. Install it: "
            "pip install 'trt-harness[cpu]', or 'trt-harness[gpu]' on a machine with a GPU."
        ) from None
    options = onnxruntime.SessionOptions()
    # Every weight is used once: rewriting the graph or packing the weights would cost more than it saves.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))
