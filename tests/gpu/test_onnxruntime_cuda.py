"""onnxruntime's CUDA provider on a real GPU, under an interpreter of its own; skipped where there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import FP16, FP32, INT8, TF32, Case, Model, Precision, Profile
from harness.measurement.devices import present_gpus
from harness.session import CaseRun
from harness.settings import Settings
from harness.surroundings import Surroundings
from harness.workbench import Workbench
from harness.workers.subject import Subject
from tests.conftest import ENVIRONMENT, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PYTHON = os.environ.get("ORT_CUDA_PYTHON", "")

pytestmark = pytest.mark.skipif(
    not present_gpus() or not PYTHON,
    reason="needs an NVIDIA GPU, and ORT_CUDA_PYTHON to name an interpreter with onnxruntime-gpu",
)

CUDA = Subject("onnxruntime-cuda", "onnxruntime-cuda", PYTHON or "none")


@pytest.fixture
def start(workbench: Workbench) -> Callable[..., CaseRun]:
    """Return a function that starts one case of a small model on the CUDA provider."""

    def case_run(precision: Precision = FP32, *, subject: Subject = CUDA, bench: Workbench = workbench, **model: object
                 ) -> CaseRun:  # fmt: skip
        described: dict[str, object] = {
            "name": "convnet",
            "source": "tests.tiny:convnet",
            "profiles": (Profile({"batch": (1, 2, 4)}),),
            "precisions": (precision,),
            **model,
        }
        whole = Model(**described)  # type: ignore[arg-type]
        around = Surroundings(
            "0123456789ab", Settings(pace="quick", case_timeout=300.0), ENVIRONMENT, bench, lambda *_: ()
        )
        return CaseRun(Case(whole, precision, whole.profiles[0]), subject, around)

    return case_run


def values(run: CaseRun, metric: str) -> list[float]:
    """Return what a run measured of a metric, at every point."""
    return [measurement.value for measurement in run.records()[0].measurements if measurement.metric == metric]


@pytest.mark.parametrize("precision", [FP32, TF32, FP16, INT8], ids=lambda p: p.name)
def test_an_engine_passes_every_stage(start: Callable[..., CaseRun], precision: Precision) -> None:
    """It builds, is in its precision, agrees with its reference at outputs and layers, and is timed in three modes."""
    run = start(precision)
    for stage in ("build", "precision", "outputs", "layers", "invariance", "latency"):
        run.check(stage)
    record = run.records()[0]
    assert {"latency_host", "latency_stream", "latency_graph", "device_memory_peak"} <= {
        measurement.metric for measurement in record.measurements
    }, run._pipeline.done("trial")["notes"]
    assert record.subject.runtime == "onnxruntime-cuda"
    assert {"provider", "cuda", "cudnn", "driver"} <= set(record.subject.libraries)


def test_fp32_is_fp32(start: Callable[..., CaseRun]) -> None:
    """TF32, which this provider uses by default, shows as a far larger error, and only where it was asked for."""
    found = {}
    for precision in (FP32, TF32):
        run = start(
            precision, name="squeezenet", source="suites.zoo.light:squeezenet", profiles=(Profile({"batch": 1}),)
        )
        run.check("outputs")
        found[precision.name] = min(values(run, "output_sqnr_db"))
    assert found["fp32"] > 90
    assert found["tf32"] < found["fp32"] - 20


def test_nodes_left_to_the_cpu_are_named(start: Callable[..., CaseRun]) -> None:
    """A node without a kernel for the GPU runs on the CPU: right, said by the build, and in no CUDA graph."""
    run = start(name="determinants", source="tests.tiny:determinants")
    for stage in ("build", "outputs", "latency"):
        run.check(stage)
    built, trial = run._pipeline.done("build"), run._pipeline.done("trial")
    assert "'determinant'" in built["warnings"][0]
    assert any("Memcpy" in warning for warning in built["warnings"])
    assert all("graph" not in modes for modes in trial["samples"].values())
    assert any(note.startswith("no graph mode: ") for note in trial["notes"])


@pytest.mark.parametrize("subject", [CUDA, Subject("onnxruntime")], ids=lambda subject: subject.runtime)
def test_a_reference_of_the_gpu_is_held_against_the_cpu(
    start: Callable[..., CaseRun], tmp_path: Path, subject: Subject
) -> None:
    """Both agree to within what FP32 allows, the figure is remembered, and engines are held against the GPU's."""
    bench = Workbench(
        tmp_path / "session", tmp_path / "cache", [ROOT], cuda=Subject("reference-cuda", "onnxruntime-cuda", PYTHON)
    )
    try:
        run = start(
            bench=bench,
            subject=subject,
            name="squeezenet",
            source="suites.zoo.light:squeezenet",
            profiles=(Profile({"batch": (1, 1, 4)}),),
        )
        run.check("outputs")
        run.check("layers")
        facts: Any = run.records()[0].conditions["reference"]
    finally:
        bench.close()
    assert facts["runtime"] == "onnxruntime-cuda"
    assert facts["tensors"] > 60
    assert 80 < float(facts["sqnr_db"]) < 200  # not infinite: they are two computations
