"""Measure what it takes to mend a shufflenet that INT8 ruins: seconds, nodes kept, share of the multiply-adds.

    python benchmarks/sensitivity_remedy.py

The catalogue's shufflenet loses little to INT8. Trained ones lose much, since the channels of a depthwise convolution
come to differ widely in scale (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction,
2019). That is imitated here: behind some depthwise convolutions each channel is multiplied by a random number, and the
weights that read it are divided by the same, which leaves FP32 as it was. The result goes to
benchmarks/results/sensitivity_remedy.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))  # the suites need not be installed

from harness.cases import Model, Profile, Tolerance  # noqa: E402 - found by the line above
from harness.sensitivity.search import Budget  # noqa: E402 - the same
from harness.sensitivity.study import study  # noqa: E402 - the same
from suites.zoo.light import shufflenet  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESULT = _ROOT / "benchmarks" / "results" / "sensitivity_remedy.json"
_COSINE = 0.99
# How many depthwise convolutions are made hostile, and the deviation of the logarithm of their channels' scales.
_CASES = ((1, 1.5), (2, 1.5), (4, 1.0), (4, 2.0))


def with_uneven_channels(model: onnx.ModelProto, *, convolutions: int, deviation: float) -> onnx.ModelProto:
    """Return ``model``, changed in place, with uneven channels behind its first depthwise convolutions.

    Args:
        model: shufflenet: behind each depthwise convolution comes, perhaps after a batch norm, a pointwise one.
        convolutions: how many of them are changed.
        deviation: of the natural logarithm of the scales, which are log-normal.
    """
    generator = np.random.default_rng(5)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    readers = {name: node for node in model.graph.node for name in node.input}
    depthwise = [
        node for node in model.graph.node if node.op_type == "Conv" and _groups(node) == _outputs(node, weights)
    ]
    for node in depthwise[:convolutions]:
        last = readers[node.output[0]] if readers[node.output[0]].op_type == "BatchNormalization" else node
        pointwise = readers[last.output[0]]
        scales = np.exp(generator.normal(size=_outputs(node, weights)) * deviation).astype(np.float32)
        for name in last.input[1:3]:
            _rescale(weights[name], scales)
        kernel = numpy_helper.to_array(weights[pointwise.input[1]])
        per_group = scales.reshape(_groups(pointwise), kernel.shape[1])
        factors = np.repeat(per_group, len(kernel) // len(per_group), axis=0)[:, :, None, None]
        _replace(weights[pointwise.input[1]], kernel / factors)
    return model


def _groups(node: onnx.NodeProto) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)


def _outputs(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> int:
    return int(weights[node.input[1]].dims[0])


def _rescale(tensor: onnx.TensorProto, scales: np.ndarray) -> None:
    array = numpy_helper.to_array(tensor)
    _replace(tensor, array * scales.reshape(-1, *[1] * (array.ndim - 1)))


def _replace(tensor: onnx.TensorProto, array: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float32), tensor.name))


def measure(convolutions: int, deviation: float) -> dict[str, Any]:
    """Return what became of one hostile shufflenet."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shufflenet.onnx"
        onnx.save(with_uneven_channels(shufflenet(), convolutions=convolutions, deviation=deviation), file)
        model = Model.from_onnx(file, profiles=[Profile({"batch": (1, 4, 8)})])
        started = time.perf_counter()
        found = study(model, "int8", tolerances=[Tolerance(cosine=_COSINE)], cache=Path(folder), budget=Budget())
        seconds = time.perf_counter() - started
    (untouched,) = found.untouched.values()
    judged = [judgement.judgement for judgement in found.judgements]
    return {
        "uneven_convolutions": convolutions,
        "deviation": deviation,
        "cosine_untouched": round(untouched.cosine, 4),
        "cosine_with_remedy": [round(judgement.error.cosine, 4) for judgement in judged if judgement is not None],
        "met": found.met,
        "nodes_kept": len(found.precision.keep_fp32),
        "share_of_multiply_adds_kept": round(found.share, 4),
        "evaluations": found.search.evaluations,
        "seconds": round(seconds, 1),
    }


def main(cases: Sequence[tuple[int, float]] = _CASES) -> None:
    """Measure every case and write the result."""
    rows = [measure(*case) for case in cases]
    _RESULT.write_text(json.dumps({"wanted_cosine": _COSINE, "cases": rows}, indent=2) + "\n")
    for row in rows:
        sys.stdout.write(f"{row}\n")


if __name__ == "__main__":
    main()
