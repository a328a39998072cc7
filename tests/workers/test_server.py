from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.cases import FP32, Calibration, Profile, TensorSpec, specs_to_json
from harness.cases.feed import Normal, feed_to_json
from harness.graphs.fp16 import to_fp16
from harness.graphs.load import normalise
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.workers.server import Server
from harness.workers.tensors import load_tensors
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = specs_to_json((TensorSpec("image", "float32", ("batch", 3, 8, 8)),))


@pytest.fixture
def server() -> Server:
    """Return a worker's far end in this process."""
    return Server(OnnxRuntime())


def build_request(folder: Path, **more: Any) -> dict[str, Any]:
    """Return what a pipeline sends to have a tiny model built."""
    onnx.save(tiny.convnet(), str(folder / "graph.onnx"))
    return {
        "graph": str(folder / "graph.onnx"),
        "precision": FP32.to_json(),
        "profile": Profile({"batch": (1, 2, 4)}).to_json(),
        "inputs": INPUTS,
        "destination": str(folder / "case.engine"),
        "options": {},
        **more,
    }


def calibration_request(**more: Any) -> dict[str, Any]:
    """Return what a pipeline sends to have a calibration set."""
    return {
        "calibration": vars(Calibration(samples=2)),
        "inputs": INPUTS,
        "feeds": {"image": feed_to_json(Normal())},
        "point": {"batch": 2},
        "batch_axis": "batch",
        **more,
    }


def test_an_engine_that_is_adopted_is_looked_into_as_one_that_was_built(server: Server, tmp_path: Path) -> None:
    """Both answers have all that is found in the engine, and only a build's has what a build tells."""
    request = build_request(tmp_path)
    built = server.build(request)
    adopted = server.adopt(request)
    assert adopted == {name: built[name] for name in adopted}
    assert built.keys() - adopted.keys() == {"seconds", "bytes", "options", "warnings", "warning_kinds", "log"}


def test_what_an_engine_depends_on_is_plain_data(server: Server, tmp_path: Path) -> None:
    """It travels as JSON, and is told without reading the calibration set."""
    identity = server.build_identity(build_request(tmp_path, calibration=[str(tmp_path / "nowhere")]))
    assert json.loads(json.dumps(identity)) == identity
    assert identity.keys() == {"device", "capability", "libraries", "options", "plugins"}


def test_a_calibration_set_is_known_by_its_content(server: Server, tmp_path: Path) -> None:
    """The same samples have the same hash wherever they are, and other ones another."""
    first = server.calibration_set(calibration_request(), str(tmp_path / "first"))
    again = server.calibration_set(calibration_request(), str(tmp_path / "again"))
    other = server.calibration_set(calibration_request(calibration=vars(Calibration(samples=3))), str(tmp_path / "o"))
    assert len(first["samples"]) == 2
    assert first["hash"] == again["hash"] != other["hash"]


def test_an_oracle_of_half_precision_overflows_where_float16_ends(server: Server, tmp_path: Path) -> None:
    """What the CPU makes of an FP16 graph on huge inputs is not carried through in float32."""
    model = tiny.convnet()
    weights = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)
    weights.CopyFrom(numpy_helper.from_array(np.full(tuple(weights.dims), 4.0, np.float32), weights.name))
    request = {"inputs": INPUTS, "feeds": {}, "seed": "s", "sizes": {"batch": 1}}
    finite = {}
    for name, graph in (("fp32", normalise(model)), ("fp16", to_fp16(normalise(model)))):
        onnx.save(graph, str(tmp_path / f"{name}.onnx"))
        folder = tmp_path / name
        server.unusual_outputs(str(tmp_path / f"{name}.onnx"), request, {"huge": str(folder)})
        finite[name] = all(np.isfinite(array).all() for array in load_tensors(folder).values())
    assert finite == {"fp32": True, "fp16": False}
