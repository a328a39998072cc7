from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from harness.cases import FP32, Profile, TensorSpec
from harness.errors import RunFailed
from harness.runtimes.base import BuildRequest
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.runtimes.onnxruntime_profiling import times_by_run
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = OnnxRuntime()
IMAGES = {"image": np.zeros((2, 3, 8, 8), np.float32)}


def event(name: str, microseconds: int, category: str = "Node") -> dict[str, Any]:
    """Return one event of a profile."""
    return {"cat": category, "name": name, "dur": microseconds, "args": {}}


def engine_of(model: onnx.ModelProto, folder: Path, optimization: str) -> Path:
    """Build an engine of ``model``."""
    onnx.save(model, str(folder / "graph.onnx"))
    request = BuildRequest(
        graph=folder / "graph.onnx",
        precision=FP32,
        profile=Profile({"batch": (1, 2, 4)}),
        inputs=(TensorSpec("image", "float32", ("batch", 3, 8, 8)),),
        destination=folder / "engine",
        options={"optimization": optimization},
    )
    RUNTIME.build(request)
    return request.destination


def nameless(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take the names of all nodes away."""
    for node in model.graph.node:
        node.name = ""
    return model


@pytest.mark.parametrize("optimization", ["all", "disabled"])
@pytest.mark.parametrize("model", [tiny.convnet, lambda: nameless(tiny.convnet())], ids=["named nodes", "nameless"])
def test_every_layer_of_an_engine_has_its_time(model: Any, optimization: str, tmp_path: Path) -> None:
    """The names in a profile are those of the inspection, whatever the optimiser made of the graph."""
    engine = engine_of(model(), tmp_path, optimization)
    times = RUNTIME.profile(engine, IMAGES)
    assert set(times) == {layer.name for layer in RUNTIME.inspect(engine).layers}
    assert all(0 <= milliseconds < 1000 for milliseconds in times.values())
    assert sum(times.values()) > 0


def test_a_profile_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events are written where they can be removed, and are."""
    engine = engine_of(tiny.convnet(), tmp_path, "all")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    RUNTIME.profile(engine, IMAGES)
    assert sorted(tmp_path.rglob("*")) == before


def test_inputs_that_do_not_fit_fail_the_profile(tmp_path: Path) -> None:
    """The error is that of any other run."""
    with pytest.raises(RunFailed, match="could not run the graph"):
        RUNTIME.profile(engine_of(tiny.convnet(), tmp_path, "all"), {"image": np.zeros((2, 5, 8, 8), np.float32)})


def test_events_are_told_apart_by_run() -> None:
    """Kernels count in milliseconds towards the run that ends after them; other events are of no interest."""
    events = [
        event("session_initialization", 900, "Session"),
        event("a_kernel_time", 1500),
        event("a_fence_before", 700),
        event("body_kernel_time", 100),
        event("body_kernel_time", 200),
        event("model_run", 2000, "Session"),
        event("a_kernel_time", 500),
        event("model_run", 600, "Session"),
        event("a_kernel_time", 9),
    ]
    assert times_by_run(events) == [{"a": 1.5, "body": pytest.approx(0.3)}, {"a": 0.5}]
