"""INT8: a graph with QuantizeLinear and DequantizeLinear pairs, whose scales were taken from a calibration set.

Scales are symmetric with zero points of 0, one per channel for weights and one per tensor for activations: what every
version of TensorRT accepts. Only the operators that do the work are quantised; with all of them densenet121 falls to
an SQNR of 3.5 dB. Ranges are MinMax, which onnxruntime's entropy calibrator equals at the bins that it can be given.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, numpy_helper

from harness.cases.calibration import MINMAX, parse_method
from harness.errors import CalibrationError, ConfigurationError, ModelError
from harness.graphs.calibration import check_samples
from harness.graphs.clipping import with_method
from harness.graphs.expose import expose
from harness.graphs.load import input_specs
from harness.graphs.save import needs_external_data, save_model
from harness.graphs.walk import matching_nodes, nodes_in, opset_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

QUANTISED_OPERATORS = ("Conv", "Gemm", "MatMul")

_FIRST_OPSET_WITH_CHANNELS = 13  # DequantizeLinear has an axis since
_WARNING, _ERROR = 2, 3  # onnxruntime's severities; the first is its default
_FUSION = re.compile(r"(/\w*Fusion\w*)+$")  # what onnxruntime appends to the name of a node that took in others


def to_int8(
    model: ModelProto,
    calibration: Iterable[Mapping[str, np.ndarray]],
    keep: Sequence[str] = (),
    method: str = MINMAX,
) -> ModelProto:
    """Return ``model`` with its convolutions and matrix products quantised to int8; free dimensions stay free.

    Batch norms are folded first, and an operator set below 13 is raised to it.

    Args:
        model: a graph with named nodes, as ``normalise`` returns it.
        calibration: samples, each an array per input with its batch dimension; read once.
        keep: names or patterns of nodes to leave in float32.
        method: where ranges of activations end; see harness.cases.Calibration.

    Raises:
        CalibrationError: a sample does not fit the inputs or is not finite, or makes the graph overflow.
        ConfigurationError: a pattern matches no node, there is no such method, or onnxruntime is not installed.
        ModelError: onnxruntime cannot optimise, run or quantise the graph.
    """
    return to_folded_and_int8(model, calibration, keep, method)[1]


def to_folded_and_int8(
    model: ModelProto,
    calibration: Iterable[Mapping[str, np.ndarray]],
    keep: Sequence[str] = (),
    method: str = MINMAX,
) -> tuple[ModelProto, ModelProto]:
    """Return what ``to_int8`` returns, and before it the float32 graph with folded batch norms that it was made of.

    Nodes and tensors of the two have the same names, but for tensors that are outputs of the graph; arguments and
    errors are those of ``to_int8``.
    """
    parse_method(method)  # says now rather than after a minute that there is no such method
    samples = check_samples(calibration, input_specs(model))
    kept = matching_nodes(model.graph, keep)
    try:
        import onnxruntime  # noqa: F401 - only to say so before anything is done
    except ImportError:
        raise ConfigurationError(
            "the recipe 'int8' needs onnxruntime to calibrate, and onnxruntime is not installed: "
            "pip install 'trt-harness[cpu]'"
        ) from None
    with tempfile.TemporaryDirectory(prefix="int8-") as folder, _quiet():
        folded = _folded(model, Path(folder))
        quantised = _quantised(folded, samples, names_after_folding(kept, folded), Path(folder))
        return folded, with_method(folded, quantised, samples, method)


def _folded(model: ModelProto, folder: Path) -> ModelProto:
    """Return the graph with constants and batch norms folded and its types inferred."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    given, made = folder / "given.onnx", folder / "folded.onnx"
    try:
        if opset_of(model) < _FIRST_OPSET_WITH_CHANNELS:
            model = onnx.version_converter.convert_version(model, _FIRST_OPSET_WITH_CHANNELS)
        # As a file: given a graph in memory, onnxruntime 1.31 loses the initialisers that nothing reads once folded.
        save_model(model, given)
        quant_pre_process(
            str(given),
            str(made),
            skip_symbolic_shape=True,
            save_as_external_data=needs_external_data(model),
            all_tensors_to_one_file=True,
        )
        folded = onnx.load(str(made))
    except Exception as error:
        raise ModelError(f"onnxruntime cannot prepare the graph for INT8: {_described(error)}") from error
    return folded


def _quantised(
    model: ModelProto, samples: Sequence[dict[str, np.ndarray]], excluded: list[str], folder: Path
) -> ModelProto:
    from onnxruntime import quantization

    given, made = folder / "unquantised.onnx", folder / "quantised.onnx"
    save_model(model, given)
    try:
        quantization.quantize_static(
            str(given),
            str(made),
            _Reader(samples),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED_OPERATORS),
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=excluded,
            use_external_data_format=needs_external_data(model),
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
                "DedicatedQDQPair": True,
            },
        )
        quantised = onnx.load(str(made))
    except Exception as error:
        if isinstance(error, (AssertionError, ArithmeticError, ValueError)):
            # All that onnxruntime says of an overflow is "scale issue".
            _check_for_overflow(model, samples, folder)
        raise ModelError(f"onnxruntime cannot quantise the graph: {_described(error)}") from error
    if not _scales_are_finite(quantised):
        _check_for_overflow(model, samples, folder)
    _strip_unused_operator_sets(quantised)
    return quantised


class _Reader:
    """Hands samples to the calibrator one by one, then None; the interface is onnxruntime's CalibrationDataReader."""

    def __init__(self, samples: Sequence[dict[str, np.ndarray]]) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._samples, None)


def names_after_folding(kept: Sequence[NodeProto], folded: ModelProto) -> list[str]:
    """Return the names that ``kept`` nodes go by once folded: their own, or that of the node which makes their output.

    Raises:
        ModelError: a kept node that would be quantised cannot be found again.
    """
    names = {node.name for node in kept}
    outputs = {name for node in kept for name in node.output if name}
    found = [
        node
        for node in folded.graph.node
        if node.name in names or _FUSION.sub("", node.name) in names or outputs & set(node.output)
    ]
    again = {name for node in found for name in (node.name, _FUSION.sub("", node.name), *node.output)}
    for node in kept:
        if node.op_type in QUANTISED_OPERATORS and node.name not in again and not again & set(node.output):
            raise ModelError(
                f"node {node.name!r} was to stay in FP32, but onnxruntime fused it into another that cannot be told; "
                "name its neighbours in keep_fp32 instead"
            )
    return [node.name for node in found]


def _strip_unused_operator_sets(model: ModelProto) -> None:
    """Drop imports of operator sets that no node is of: onnxruntime adds all it knows, other readers none of them."""
    used = {"", *(node.domain for node in nodes_in(model))}
    stray = [entry for entry in model.opset_import if entry.domain not in used and entry.domain != "ai.onnx"]
    for entry in stray:
        model.opset_import.remove(entry)


def _scales_are_finite(model: ModelProto) -> bool:
    scales = {node.input[1] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    return all(
        np.isfinite(numpy_helper.to_array(tensor)).all() for tensor in model.graph.initializer if tensor.name in scales
    )


def _check_for_overflow(model: ModelProto, samples: Sequence[dict[str, np.ndarray]], folder: Path) -> None:
    """Raise CalibrationError for the first tensor, in graph order, that a sample makes infinite or NaN."""
    import onnxruntime

    exposed, layers = expose(model)
    names = [layer.tensor for layer in layers] + [output.name for output in model.graph.output]
    path = folder / "exposed.onnx"
    save_model(exposed, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for index, sample in enumerate(samples):
        for name, array in zip(names, session.run(names, sample), strict=True):
            if np.asarray(array).dtype.kind == "f" and not np.isfinite(array).all():
                raise CalibrationError(
                    f"sample {index} of the calibration set makes tensor {name!r} overflow, which leaves no scale for "
                    "it. Look at the range of the samples, and at the model's weights."
                )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what onnxruntime would print, log or warn of while it optimises and calibrates off the caller's streams."""
    import onnxruntime

    # With a handler present, logging's module-level functions do not install one of their own for good.
    silent = logging.NullHandler()
    root = logging.getLogger()
    root.addHandler(silent)
    onnxruntime.set_default_logger_severity(_ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        onnxruntime.set_default_logger_severity(_WARNING)
        root.removeHandler(silent)


def _described(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
