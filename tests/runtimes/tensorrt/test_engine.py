from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.errors import RunFailed
from harness.runtimes.tensorrt.engine import TensorRTEngine
from harness.runtimes.tensorrt.profiling import profile_layers
from tests.runtimes.tensorrt.fake_tensorrt import DataType

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runtimes.tensorrt.tools import Tools
    from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime
    from tests.runtimes.tensorrt.fake_tensorrt import FakeEngine

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def load(tools: Tools, folder: Path, content: bytes = b"good") -> TensorRTEngine:
    """Load a plan of ``content``."""
    plan = folder / "case.plan"
    plan.write_bytes(content)
    return TensorRTEngine(tools, plan)


def test_outputs_are_computed_at_every_shape_of_the_profile(tools: Tools, tmp_path: Path) -> None:
    """Buffers grow and are reused as shapes change."""
    engine = load(tools, tmp_path)
    for batch in (2, 4, 1):
        x = np.random.default_rng(batch).normal(size=(batch, 3)).astype(np.float32)
        np.testing.assert_array_equal(engine.run({"x": x})["y"], 2 * x)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        pytest.param(
            {"x": np.zeros((5, 3), np.float32)}, "input 'x' is given in shape 5x3.*1x3 to 4x3", id="too large"
        ),
        pytest.param(
            {"x": np.zeros((2, 4), np.float32)}, "shape 2x4.*built for 1x3 to 4x3", id="other fixed dimension"
        ),
        pytest.param({"x": np.zeros((3,), np.float32)}, "shape 3, and", id="a dimension too few"),
        pytest.param({"z": X}, "needs the input 'x'; given: z", id="missing"),
        pytest.param({"x": X > 0}, None, id="what numpy can widen"),
        pytest.param({"x": X.astype(np.complex64)}, "input 'x' is complex64, and the engine takes float32", id="kind"),
    ],
)
def test_what_the_engine_was_not_built_for_is_refused(
    tools: Tools, tmp_path: Path, inputs: dict[str, np.ndarray], message: str | None
) -> None:
    """A wrong shape, name or type is named with what the engine takes."""
    engine = load(tools, tmp_path)
    if message is None:
        engine.run(inputs)
    else:
        with pytest.raises(RunFailed, match=message):
            engine.run(inputs)


def test_int64_inputs_fit_an_engine_of_int32(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """TensorRT 8 turns ONNX's int64 into int32: values that fit are converted, others refused."""
    fake_engine.dtype = DataType.INT32
    engine = load(tools, tmp_path)
    assert engine.run({"x": np.full((1, 3), 7, np.int64)})["y"].tolist() == [[14, 14, 14]]
    with pytest.raises(RunFailed, match="values from 0 to 4294967296, and the engine has int32"):
        engine.run({"x": np.array([[0, 1, 2**32]], np.int64)})


def test_an_output_whose_shape_depends_on_data_is_returned_in_its_own(
    tools: Tools, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    """Its memory is found while it is computed, and no graph is captured of it."""
    fake_engine.compacting = True
    engine = load(tools, tmp_path)
    assert engine.run({"x": X})["y"].tolist() == [2, 4, 6, 8, 10]
    assert engine.timers({"x": X}).keys() == {"host", "stream"}
    assert engine.notes == ["no graph mode: the shape of an output depends on data"]


def test_a_plan_that_does_not_load_says_why(tools: Tools, tmp_path: Path) -> None:
    """TensorRT's own reason and a way out are in the error."""
    with pytest.raises(RunFailed, match=r"'case.plan' \(6 bytes\): magicTag mismatch\. Build it again"):
        load(tools, tmp_path, b"broken")


def test_a_failed_run_gives_the_reason_from_the_log(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """Of the log, what was said since the run began counts, not an older error."""
    engine = load(tools, tmp_path)
    fake_engine.log.add("ERROR", "an old error")
    fake_engine.refuses = True
    with pytest.raises(RunFailed, match="could not run the engine: the myelin graph failed"):
        engine.run({"x": X})


def test_three_modes_are_timed(tools: Tools, tmp_path: Path) -> None:
    """Wall time with copies, events around a launch, events around a replay: each runs the engine once."""
    engine = load(tools, tmp_path)
    modes = engine.timers({"x": X})
    assert modes["stream"]() == 1.0
    assert modes["graph"]() == 0.5
    assert 0 < modes["host"]() < 1000
    assert engine.notes == []


def test_the_host_mode_copies_in_runs_and_copies_out_each_time(
    tools: Tools, cuda_runtime: FakeCudaRuntime, tmp_path: Path
) -> None:
    """Each call brings the input from page-locked memory to the device and the output back, also after a change."""
    engine = load(tools, tmp_path)
    host = engine.timers({"x": X})["host"]
    pinned_input, pinned_output = list(cuda_runtime.live)[-2:]
    values = np.frombuffer((ctypes.c_uint8 * X.nbytes).from_address(pinned_input), np.float32)
    result = np.frombuffer((ctypes.c_uint8 * X.nbytes).from_address(pinned_output), np.float32)
    for factor in (1, 5):
        values[:] = factor * X.ravel()
        host()
        np.testing.assert_array_equal(result, 2 * factor * X.ravel())


def test_a_timed_run_that_fails_is_an_error(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """Each mode that launches the engine asks TensorRT whether it could, and gives the reason of this run."""
    engine = load(tools, tmp_path)
    modes = engine.timers({"x": X})
    fake_engine.refuses = True
    for mode in ("host", "stream"):
        with pytest.raises(RunFailed, match="could not run the engine: the myelin graph failed"):
            modes[mode]()


def test_without_capture_the_graph_mode_is_absent_and_the_reason_kept(
    tools: Tools, cuda_runtime: FakeCudaRuntime, tmp_path: Path
) -> None:
    """The other two modes still work after a failed capture."""
    cuda_runtime.capturable = False
    engine = load(tools, tmp_path)
    modes = engine.timers({"x": X})
    assert modes.keys() == {"host", "stream"}
    assert "StreamCaptureUnsupported" in engine.notes[0]
    assert modes["stream"]() == 1.0


def test_a_refusal_ends_the_timing_before_it_begins(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """A failing engine is no slow one."""
    engine = load(tools, tmp_path)
    fake_engine.refuses = True
    with pytest.raises(RunFailed):
        engine.timers({"x": X})


def test_throughput_counts_every_run_of_every_stream(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """Each stream has a context of its own, which is gone afterwards."""
    engine = load(tools, tmp_path)
    assert engine.stream_throughput({"x": X}, 3, 0.02) > 0
    assert fake_engine.contexts == 4


def test_contexts_at_once_give_what_one_gives_alone(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """Each context has its outputs read, the one that was there and a further one, which is gone afterwards."""
    engine = load(tools, tmp_path)
    runs = engine.run_concurrently({"x": X}, 2, 3)
    assert len(runs) == 2
    assert all((run["y"] == 2 * X).all() for run in runs)
    assert fake_engine.contexts == 2
    np.testing.assert_array_equal(engine.run({"x": X})["y"], 2 * X)


def test_contexts_at_once_leave_nothing_behind(
    tools: Tools, cuda_runtime: FakeCudaRuntime, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    """Their memory is given back, also where a run fails."""
    engine = load(tools, tmp_path)
    engine.run({"x": X})
    before = len(cuda_runtime.live)
    engine.run_concurrently({"x": X}, 3, 1)
    assert len(cuda_runtime.live) == before
    fake_engine.refuses = True
    with pytest.raises(RunFailed, match="the myelin graph failed"):
        engine.run_concurrently({"x": X}, 3, 1)
    assert len(cuda_runtime.live) == before


def test_a_context_without_a_profile_gets_an_engine_of_its_own(
    tools: Tools, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    """TensorRT 8 lets one context use a profile of free shapes; a second one comes of the plan loaded again."""
    fake_engine.shared_profile = False
    engine = load(tools, tmp_path)
    engine.new_execution().close()
    assert fake_engine.contexts == 3


def test_closing_gives_all_memory_back(tools: Tools, cuda_runtime: FakeCudaRuntime, tmp_path: Path) -> None:
    """Runs, timers and streams leave nothing allocated, and closing twice does no harm."""
    engine = load(tools, tmp_path)
    engine.run({"x": X})
    engine.timers({"x": X})
    engine.stream_throughput({"x": X}, 2, 0.01)
    assert cuda_runtime.live
    engine.close()
    engine.close()
    assert cuda_runtime.live == {}


def test_device_memory_that_does_not_suffice_is_named(
    tools: Tools, cuda_runtime: FakeCudaRuntime, tmp_path: Path
) -> None:
    """The error tells how many bytes were asked for."""
    engine = load(tools, tmp_path)
    cuda_runtime.capacity = 30
    with pytest.raises(RunFailed, match="24 bytes of device memory could not be had"):
        engine.run({"x": X})


def test_facts_are_metrics(tools: Tools, tmp_path: Path) -> None:
    """A context's memory goes by the name of its metric; weights are unknown where TensorRT does not tell."""
    engine = load(tools, tmp_path)
    assert engine.facts() == {"context_memory": 4096.0}
    assert engine.weights_bytes is None


def test_layers_are_timed_in_runs_of_their_own(tools: Tools, tmp_path: Path) -> None:
    """The profiler's median is by the engine's name of each layer."""
    engine = load(tools, tmp_path)
    assert profile_layers(tools.trt, engine, {"x": X}) == {"double": 0.5}


def test_a_number_type_that_numpy_lacks_is_refused(tools: Tools, fake_engine: FakeEngine, tmp_path: Path) -> None:
    """A tensor of four bits cannot be fed, and the error names it."""
    fake_engine.dtype = DataType.INT4
    with pytest.raises(RunFailed, match="tensor 'x' of the engine is of type INT4"):
        load(tools, tmp_path)
