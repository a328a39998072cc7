"""What goes wrong with TensorRT engines, done on purpose on a real GPU; skipped where there is none."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from harness.cases import FP16, FP32, INT8, Calibration, Case, Model, Precision, Profile
from harness.errors import BuildFailed, RunFailed, WorkerCrashed, WorkerTimedOut
from harness.graphs.save import graph_hash
from harness.measurement.devices import present_gpus
from harness.session import CaseRun, CheckFailed
from harness.settings import Settings
from harness.surroundings import Surroundings
from harness.workers.subject import Subject
from harness.workers.tensors import save_tensors
from tests import tiny
from tests.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.workbench import Workbench

pytestmark = pytest.mark.skipif(
    not present_gpus() or importlib.util.find_spec("tensorrt") is None,
    reason="needs an NVIDIA GPU, and TensorRT in this interpreter",
)

# Another TensorRT's interpreter, whose plans this one must refuse.
OTHER_PYTHON = os.environ.get("OTHER_TENSORRT_PYTHON", "")


@pytest.fixture
def start(workbench: Workbench) -> Callable[..., CaseRun]:
    """Return a function that starts one case of a tiny model on the GPU."""

    def case_run(
        precision: Precision = FP32, *, subject: Subject | None = None, case_timeout: float = 300.0, **model: object
    ) -> CaseRun:
        described: dict[str, object] = {
            "name": "convnet",
            "source": "tests.tiny:convnet",
            "profiles": (Profile({"batch": (1, 2, 4)}),),
            "precisions": (precision,),
            **model,
        }
        whole = Model(**described)  # type: ignore[arg-type]
        settings = Settings(pace="quick", case_timeout=case_timeout, build_options=("optimization_level=1",))
        around = Surroundings("0123456789ab", settings, ENVIRONMENT, workbench, lambda *_: ())
        return CaseRun(Case(whole, precision, whole.profiles[0]), subject or Subject("tensorrt", "tensorrt"), around)

    return case_run


def plant(run: CaseRun, change: Callable[[onnx.ModelProto], onnx.ModelProto], folder: Path) -> None:
    """Let the engine be built from a changed graph, while the reference stays that of the true one."""
    graph = run._pipeline.graph()
    model = change(onnx.load(graph["path"]))
    graph["path"], graph["hash"] = str(folder / "planted.onnx"), graph_hash(model)
    onnx.save(model, graph["path"])


@pytest.mark.parametrize("precision", [FP32, FP16, INT8], ids=lambda p: p.name)
def test_a_sound_engine_passes(start: Callable[..., CaseRun], precision: Precision) -> None:
    """A true engine builds, is in its precision, agrees with its reference and runs in a fresh process."""
    run = start(precision)
    for stage in ("build", "precision", "outputs", "invariance", "latency"):
        run.check(stage)
    metrics = {measurement.metric for measurement in run.records()[0].measurements}
    assert {"latency_graph", "latency_stream", "latency_host", "throughput_streams", "context_memory",
            "device_memory_peak"} <= metrics  # fmt: skip


def test_a_perturbed_weight_is_caught_and_its_layer_named(start: Callable[..., CaseRun], tmp_path: Path) -> None:
    """One weight tensor that is 1.5 times too large fails the outputs, and the layer that it belongs to comes first."""
    run = start()
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w2"), tmp_path)
    with pytest.raises(CheckFailed, match="outputs leave their tolerance"):
        run.check("outputs")
    with pytest.raises(CheckFailed, match=r"first: 'conv2'"):
        run.check("layers")


def test_an_fp16_engine_forced_to_fp32_fails_the_audit(start: Callable[..., CaseRun]) -> None:
    """An engine whose every layer was kept in FP32 is right and still not what was asked for."""
    run = start(Precision("fp16", keep_fp32=("*",), name="fp16-kept"))
    run.check("outputs")
    with pytest.raises(CheckFailed, match="0% of the computing layers of the engine are float16"):
        run.check("precision")


def test_a_calibration_on_noise_is_caught(start: Callable[..., CaseRun]) -> None:
    """Scales taken from inputs that are a thousand times too small ruin an INT8 engine, and its outputs say so."""
    run = start(INT8, calibration=Calibration(source="tests.tiny:calibration_of_whispers"))
    with pytest.raises(CheckFailed, match="outputs leave their tolerance"):
        run.check("outputs")


def test_a_plan_for_another_profile_refuses_the_shape(start: Callable[..., CaseRun], workbench: Workbench) -> None:
    """A plan built for other shapes fails with input, shape and range."""
    narrow, wide = start(profiles=(Profile({"batch": (1, 1, 2)}),)), start()
    narrow.check("build")
    wide.check("build")
    wide._pipeline._engine = narrow._pipeline._engine
    wide._pipeline._points = wide.case.profile.points
    with pytest.raises(RunFailed, match=r"'image' is given in shape 4x3x8x8.*1x3x8x8 to 2x3x8x8"):
        wide.check("outputs")


def test_a_shape_outside_the_profile_is_refused_and_the_engine_lives_on(
    start: Callable[..., CaseRun], workbench: Workbench, tmp_path: Path
) -> None:
    """A batch that the engine was not built for fails with input, shape and range; the same worker runs the next."""
    run = start()
    run.check("build")
    save_tensors(tmp_path / "inputs", {"image": np.zeros((99, 3, 8, 8), np.float32)})
    worker = workbench.builder(run.subject)
    asked = {"engine": run._pipeline._engine, "folders": {"batch=99": str(tmp_path)}, "tolerances": []}
    text = "input 'image' is given in shape 99x3x8x8, and the engine was built for 1x3x8x8 to 4x3x8x8"
    with pytest.raises(RunFailed, match=text):
        worker.call("compare_outputs", deadline=120, **asked)
    run.check("outputs")
    assert worker.alive


def test_an_operator_that_the_parser_does_not_know_is_named_with_its_node(start: Callable[..., CaseRun]) -> None:
    """The build fails with operator and node, in the graph's own words; the next case passes."""
    run = start(source="tests.tiny:convnet_of_unknown_operator", name="unknown")
    with pytest.raises(BuildFailed, match=r"cannot read the graph: operator 'Nope' in node 'nope_1': "):
        run.check("build")
    start().check("outputs")


def test_a_corrupted_plan_is_refused(start: Callable[..., CaseRun]) -> None:
    """A plan that was cut off does not load, and the message has TensorRT's reason."""
    run = start()
    run.check("build")
    plan = Path(run._pipeline._engine)
    plan.write_bytes(plan.read_bytes()[:-500])
    with pytest.raises(RunFailed, match="cannot load the plan"):
        run.check("outputs")
    start().check("outputs")


@pytest.mark.skipif(not OTHER_PYTHON, reason="OTHER_TENSORRT_PYTHON names no interpreter with another TensorRT")
def test_a_plan_of_another_tensorrt_is_refused(start: Callable[..., CaseRun]) -> None:
    """A plan built by another version does not load, and the message says so."""
    foreign = start(subject=Subject("other", "tensorrt", OTHER_PYTHON))
    foreign.check("build")
    run = start()
    run.check("build")
    run._pipeline._engine = foreign._pipeline._engine
    with pytest.raises(RunFailed, match="cannot load the plan"):
        run.check("outputs")


def test_a_build_that_is_killed_fails_alone(start: Callable[..., CaseRun], workbench: Workbench) -> None:
    """A worker killed in the middle of a build fails its case with the signal; the next case passes."""
    run = start(source="suites.zoo.light:squeezenet", profiles=(Profile({"batch": 1}),), name="squeezenet")
    run._pipeline.graph()
    worker = workbench.builder(run.subject)
    timer = threading.Timer(4.0, os.kill, (worker.pid, signal.SIGKILL))
    timer.start()
    with pytest.raises(WorkerCrashed, match="SIGKILL"):
        run.check("build")
    timer.join()
    start().check("outputs")


def test_a_build_that_takes_too_long_ends_at_its_deadline(start: Callable[..., CaseRun]) -> None:
    """A build is killed at its deadline; the next case passes."""
    slow = start(
        source="suites.zoo.light:squeezenet", profiles=(Profile({"batch": 1}),), name="squeezenet", case_timeout=12.0
    )
    slow._pipeline.graph()
    slow._pipeline._timeout = 2.0
    started = time.monotonic()
    with pytest.raises(WorkerTimedOut, match="within 2 s"):
        slow.check("build")
    assert time.monotonic() - started < 20
    start().check("outputs")


def test_device_memory_that_does_not_suffice_is_a_failure_with_a_reason(start: Callable[..., CaseRun]) -> None:
    """A model whose activations are larger than any GPU's memory fails; the next case passes, its memory is back."""
    run = start(
        source="tests.tiny:convnet", name="huge", profiles=(Profile({"batch": (1, 1, 400_000_000)}, [{"batch": 1}]),)
    )
    with pytest.raises((BuildFailed, RunFailed, WorkerCrashed)):
        run.check("outputs")
    start().check("outputs")
