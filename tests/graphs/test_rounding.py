from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness.graphs.fp16 import to_fp16
from harness.graphs.load import load_model, normalise
from harness.graphs.rounding import round_tensors, rounded_copy
from harness.graphs.save import save_model
from harness.runtimes.onnxruntime_session import session_options

if TYPE_CHECKING:
    from pathlib import Path


def tenfold_and_back() -> onnx.ModelProto:
    """Return a graph that multiplies its input by ten and divides it by ten again, both as products of matrices."""
    weights = [numpy_helper.from_array(np.full((1, 1), value, np.float32), name) for name, value in WEIGHTS.items()]
    nodes = [
        helper.make_node("MatMul", ["x", "ten"], ["large"], name="up"),
        helper.make_node("MatMul", ["large", "tenth"], ["y"], name="down"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "graph",
        [value("x", TensorProto.FLOAT, ["batch", 1])],
        [value("y", TensorProto.FLOAT, ["batch", 1])],
        weights,
    )
    return normalise(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


WEIGHTS = {"ten": 10.0, "tenth": 0.1}


def run(model: onnx.ModelProto | Path, x: float) -> float:
    """Run a graph without optimisation on one number."""
    import onnxruntime

    source: Any = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    session = onnxruntime.InferenceSession(source, session_options("disabled"), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.full((1, 1), x, np.float32)})[0][0, 0])


def test_a_tensor_that_float16_cannot_hold_overflows() -> None:
    """Without identities onnxruntime carries 70 000 through as float32; with them it becomes infinite."""
    half = to_fp16(tenfold_and_back())
    assert abs(run(half, 7000.0) - 7000.0) < 10
    assert round_tensors(half) > 0
    assert run(half, 7000.0) == np.inf
    assert abs(run(half, 6000.0) - 6000.0) < 10


def test_a_file_without_float16_is_itself(tmp_path: Path) -> None:
    """An FP32 graph is not copied; a copy of another one is gone afterwards, and the file is as it was."""
    save_model(tenfold_and_back(), tmp_path / "fp32.onnx")
    save_model(to_fp16(tenfold_and_back()), tmp_path / "fp16.onnx")
    nodes = len(load_model(tmp_path / "fp16.onnx").graph.node)
    with rounded_copy(tmp_path / "fp32.onnx") as path:
        assert path == tmp_path / "fp32.onnx"
    with rounded_copy(tmp_path / "fp16.onnx") as path:
        assert path != tmp_path / "fp16.onnx"
        assert run(path, 7000.0) == np.inf
    assert not path.exists()
    assert len(load_model(tmp_path / "fp16.onnx").graph.node) == nodes
