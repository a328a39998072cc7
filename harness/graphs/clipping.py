"""The ranges of activations in an INT8 graph: read, counted over the calibration set, and ended elsewhere.

Calibration is two passes over the samples. The first finds ranges: it is onnxruntime's, and its result is in the scales
of the graph that it makes. The second, here, fills a histogram of fixed size for each range. Of the activations
themselves no more than one sample's are held at a time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from harness.cases.calibration import MINMAX
from harness.errors import ModelError
from harness.graphs.expose import expose
from harness.graphs.save import save_model
from harness.graphs.thresholds import STEPS, MagnitudeHistogram, clip_by
from harness.graphs.walk import copy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def with_method(
    folded: ModelProto, quantised: ModelProto, samples: Iterable[Mapping[str, np.ndarray]], method: str
) -> ModelProto:
    """Return ``quantised`` with the ranges of its activations ended as ``method`` has it.

    Args:
        folded: the float32 graph that ``quantised`` was made of; see ``to_folded_and_int8``.
        quantised: its ranges end at the largest magnitudes that ``samples`` reach; it is not changed.
        samples: the calibration set, each an array per input with its batch dimension; read once.
        method: see harness.cases.Calibration; ``minmax`` leaves the graph as it is.

    Raises:
        ConfigurationError: there is no such method.
        ModelError: onnxruntime cannot run ``folded``.
    """
    if method == MINMAX:
        return quantised
    histograms = magnitude_histograms(folded, samples, activation_ranges(folded, quantised))
    return with_clips(folded, quantised, {tensor: clip_by(found, method) for tensor, found in histograms.items()})


def activation_ranges(folded: ModelProto, quantised: ModelProto) -> dict[str, float]:
    """Return the largest magnitude that each activation's int8 holds, by the tensor's name in ``folded``."""
    constants = {tensor.name: tensor for tensor in quantised.graph.initializer}
    return {
        tensor: float(numpy_helper.to_array(constants[scales[0]]).max()) * STEPS
        for tensor, scales in _scales_by_activation(folded, quantised).items()
    }


def magnitude_histograms(
    folded: ModelProto, samples: Iterable[Mapping[str, np.ndarray]], ranges: Mapping[str, float]
) -> dict[str, MagnitudeHistogram]:
    """Run ``samples`` through ``folded`` one by one and count the magnitudes of the tensors named in ``ranges``.

    Args:
        folded: a float32 graph.
        samples: each an array per input with its batch dimension.
        ranges: the largest magnitude of each tensor, in its unit; a larger one counts as if it were that one.

    Raises:
        ModelError: onnxruntime cannot run the graph.
    """
    import onnxruntime

    exposed, _ = expose(folded, only=ranges)
    made = [value.name for value in exposed.graph.output if value.name in ranges]
    found = {tensor: MagnitudeHistogram.empty(largest) for tensor, largest in ranges.items()}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # As in the first pass: an optimiser may compute the same tensors in another order.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory(prefix="histograms-") as folder:
        path = Path(folder) / "exposed.onnx"
        save_model(exposed, path)
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for sample in samples:
                values = {**sample, **dict(zip(made, session.run(made, dict(sample)), strict=True))}
                found = {tensor: counted.with_values(np.asarray(values[tensor])) for tensor, counted in found.items()}
        except Exception as error:
            raise ModelError(f"onnxruntime cannot run the graph to calibrate it: {error}") from error
    return found


def with_clips(folded: ModelProto, quantised: ModelProto, clips: Mapping[str, float]) -> ModelProto:
    """Return a copy of ``quantised`` in which the range of each tensor of ``clips`` ends there.

    Args:
        folded: the float32 graph that ``quantised`` was made of.
        quantised: symmetric int8, a scale for each activation.
        clips: magnitudes, in the tensor's unit, by the tensor's name in ``folded``.
    """
    result = copy_of(quantised)
    constants = {tensor.name: tensor for tensor in result.graph.initializer}
    for tensor, scales in _scales_by_activation(folded, quantised).items():
        for name in scales if tensor in clips else ():
            scale = numpy_helper.to_array(constants[name])
            constants[name].CopyFrom(numpy_helper.from_array(np.full_like(scale, clips[tensor] / STEPS), name))
    return result


def _scales_by_activation(folded: ModelProto, quantised: ModelProto) -> dict[str, list[str]]:
    """Return the names of the scales of each quantised activation, by the tensor's name in ``folded``."""
    constants = {tensor.name for tensor in quantised.graph.initializer}
    # A quantised output of the graph keeps its name behind the pair, and gets another one before it.
    makers = {name: (node, place) for node in quantised.graph.node for place, name in enumerate(node.output)}
    twins: dict[str, NodeProto] = {node.name: node for node in folded.graph.node}
    found: dict[str, list[str]] = {}
    for node in quantised.graph.node:
        if node.op_type != "QuantizeLinear" or node.input[0] in constants:
            continue
        tensor = node.input[0]
        if tensor in makers:
            maker, place = makers[tensor]
            tensor = twins[maker.name].output[place] if maker.name in twins else tensor
        found.setdefault(tensor, []).append(node.input[1])
    return found
