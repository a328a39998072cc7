from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from harness.cases import BF16, FP16, FP32, INT8, RECIPES, TF32, Precision, Profile, TensorSpec
from harness.errors import BuildFailed, RunFailed
from harness.runtimes import onnxruntime_cuda, onnxruntime_cuda_engine
from harness.runtimes.base import BuildRequest
from harness.runtimes.onnxruntime_cuda import CudaOnnxRuntime, Placement
from harness.runtimes.onnxruntime_cuda_library import CPU_PROVIDER, CUDA_PROVIDER
from tests import tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES = {"image": np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)}


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, bool]]:
    """Let the CPU provider and host memory stand in for the GPU's, and return what sessions were asked for."""
    asked: list[dict[str, bool]] = []

    def providers(**options: bool) -> list[str]:
        asked.append(options)
        return [CPU_PROVIDER]

    monkeypatch.setattr(onnxruntime_cuda, "cuda_providers", providers)
    monkeypatch.setattr(onnxruntime_cuda, "has_come_up", lambda _: True)
    monkeypatch.setattr(onnxruntime_cuda_engine, "_DEVICE", "cpu")
    return asked


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[[Precision], BuildRequest]:
    """Return a function that asks for an engine of a small network in a precision."""
    onnx.save(tiny.convnet(), str(tmp_path / "graph.onnx"))

    def request(precision: Precision) -> BuildRequest:
        return BuildRequest(
            graph=tmp_path / "graph.onnx",
            precision=precision,
            profile=Profile({"batch": (1, 2, 4)}),
            inputs=(TensorSpec("image", "float32", ("batch", 3, 8, 8)),),
            destination=tmp_path / "engine",
        )

    return request


def test_only_what_belongs_to_tensorrt_is_refused() -> None:
    """TF32 is a number type of the GPU, so unlike on the CPU it can run; flags and calibrators cannot."""
    refused = {recipe for recipe in RECIPES if CudaOnnxRuntime().unsupported(Precision(recipe))}
    assert refused == {"fp16-flags", "int8-calibrator"}


def test_float16_is_real() -> None:
    """An engine of fp16 is audited itself, where the CPU provider's is emulated and its graph audited instead."""
    assert CudaOnnxRuntime.emulated == {"bfloat16", "int8"}


@pytest.mark.parametrize(("precision", "allowed"), [(FP32, False), (TF32, True), (FP16, False), (INT8, False),
                                                    (BF16, False)], ids=str)  # fmt: skip
def test_tf32_is_on_for_its_recipe_alone(
    asked_for: list[dict[str, bool]],
    request_of: Callable[[Precision], BuildRequest],
    precision: Precision,
    allowed: bool,
) -> None:
    """Whoever builds, looks into, loads or exposes an engine allows TF32 if it was asked for, and else never."""
    runtime, request = CudaOnnxRuntime(), request_of(precision)
    result = runtime.build(request)
    assert result.bytes == request.destination.stat().st_size
    runtime.inspect(request.destination)
    runtime.load(request.destination).run(IMAGES)
    runtime.run_layers(request, IMAGES)
    assert len(asked_for) >= 4
    assert {options["tf32"] for options in asked_for} == {allowed}


def test_an_engine_of_tf32_is_an_onnx_file_like_any(
    asked_for: list[dict[str, bool]], request_of: Callable[[Precision], BuildRequest]
) -> None:
    """What tells it apart stands in its metadata, where every reader of ONNX finds it."""
    request = request_of(TF32)
    CudaOnnxRuntime().build(request)
    model = onnx.load(str(request.destination))
    onnx.checker.check_model(onnx.load(str(request.graph)))
    assert {entry.key: entry.value for entry in model.metadata_props}["trt-harness.use_tf32"] == "1"


@pytest.mark.skipif(
    not hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info"),
    reason="this onnxruntime does not tell where nodes run",
)
def test_nodes_that_the_cpu_is_left_with_are_told(
    asked_for: list[dict[str, bool]], request_of: Callable[[Precision], BuildRequest]
) -> None:
    """A build names them as warnings, and each layer of the engine has its provider for a tactic."""
    runtime, request = CudaOnnxRuntime(), request_of(FP32)
    result = runtime.build(request)
    layers = runtime.inspect(request.destination).layers
    assert {layer.tactic for layer in layers} == {CPU_PROVIDER}
    assert result.warning_kinds == {"nodes on the CPU": len(layers)}
    assert result.warnings[0].startswith(f"{len(layers)} of {len(layers)} nodes run on the CPU: ")
    assert "'head'" in result.warnings[0]


@pytest.mark.parametrize(
    ("providers", "copies", "said"),
    [
        pytest.param({"a": CUDA_PROVIDER}, 0, [], id="all on the GPU"),
        pytest.param({"a": CUDA_PROVIDER, "b": CPU_PROVIDER}, 2,
                     ["1 of 2 nodes run on the CPU: 'b'", "2 Memcpy nodes carry tensors"], id="one on the CPU"),
        pytest.param({str(i): CPU_PROVIDER for i in range(14)}, 0, ["'11' and 2 more"], id="too many to name"),
        pytest.param({}, 1, ["1 Memcpy nodes", "does not tell which"], id="an onnxruntime that does not tell"),
    ],
)  # fmt: skip
def test_a_placement_is_told_in_sentences(providers: dict[str, str], copies: int, said: list[str]) -> None:
    """Nothing is said where everything runs on the GPU, and silence is never taken for that."""
    warnings = Placement(providers, copies).warnings
    assert len(warnings) == len(said)
    for warning, part in zip(warnings, said, strict=True):
        assert part in warning


@pytest.mark.parametrize("failure", [BuildFailed, RunFailed], ids=lambda kind: kind.__name__)
def test_a_session_that_silently_took_the_cpu_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, request_of: Callable[[Precision], BuildRequest], failure: type[Exception]
) -> None:
    """It falls back without an exception, so the provider of each session is looked at."""
    monkeypatch.setattr(onnxruntime_cuda, "cuda_providers", lambda **_: [CPU_PROVIDER])
    monkeypatch.setattr(onnxruntime_cuda, "require_cuda", lambda: None)
    runtime, request = CudaOnnxRuntime(), request_of(FP32)
    start = {BuildFailed: lambda: runtime.build(request), RunFailed: lambda: runtime.load(request.graph)}[failure]
    with pytest.raises(failure, match="left the GPU and took the CPU provider"):
        start()
