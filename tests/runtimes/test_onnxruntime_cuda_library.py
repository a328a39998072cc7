from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from harness.errors import ConfigurationError, TargetError
from harness.measurement.devices import Gpu
from harness.runtimes import onnxruntime_cuda_library
from harness.runtimes.onnxruntime_cuda_library import CUDA_PROVIDER, cuda_libraries, cuda_providers, require_cuda

GPU = Gpu(index=0, name="NVIDIA H200", uuid="GPU-1", driver="580.1")


@pytest.fixture
def with_provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let this onnxruntime say that it has the provider, lie in a folder of ours, and take the CPU in silence."""
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA_PROVIDER])
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda graph, **options: real(graph, **{**options, "providers": ["CPUExecutionProvider"]}),
    )
    monkeypatch.setattr(onnxruntime, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(onnxruntime_cuda_library, "find_spec", lambda _: None)
    (tmp_path / "capi").mkdir()
    return tmp_path / "capi"


@pytest.mark.parametrize(("tf32", "captured"), [(False, False), (True, False), (False, True)])
def test_what_is_off_by_default_is_said(tf32: bool, captured: bool) -> None:
    """It computes in TF32 unless it is told not to, so both switches are always given."""
    (name, options), fallback = cuda_providers(tf32=tf32, captured=captured)
    assert (name, fallback) == (CUDA_PROVIDER, "CPUExecutionProvider")
    assert options == {"device_id": "0", "use_tf32": str(int(tf32)), "enable_cuda_graph": str(int(captured))}


@pytest.mark.skipif(CUDA_PROVIDER in onnxruntime.get_available_providers(), reason="this onnxruntime has the provider")
def test_an_onnxruntime_without_the_provider_names_the_package_that_has_it() -> None:
    """The error says which interpreter it is of, and both ways out."""
    with pytest.raises(ConfigurationError, match=r"has no CUDA provider.*install onnxruntime-gpu;.*onnxruntime-cuda:"):
        require_cuda()


def test_an_interpreter_without_onnxruntime_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing altogether is told like what is missing in part."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"cannot import onnxruntime .*pip install onnxruntime-gpu"):
        require_cuda()


def test_a_library_that_is_missing_is_named(with_provider: Path) -> None:
    """The reason that onnxruntime leaves to its log is found by loading what it tried to load."""
    (with_provider / "libonnxruntime_providers_cuda.so").write_text("no library")
    with pytest.raises(ConfigurationError, match=r"does not start: .*libonnxruntime_providers_cuda\.so.*cuDNN"):
        require_cuda()


def test_a_machine_without_a_gpu_is_said(with_provider: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every library loads, it is the driver or the GPU that is missing."""
    monkeypatch.setattr(onnxruntime_cuda_library, "present_gpus", tuple)
    with pytest.raises(TargetError, match="has no GPU: no NVIDIA driver answers"):
        require_cuda()


def test_a_fallback_for_no_reason_is_an_error_all_the_same(
    with_provider: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With libraries and a GPU, a session on the CPU is still not what was asked for."""
    monkeypatch.setattr(onnxruntime_cuda_library, "present_gpus", lambda: (GPU,))
    with pytest.raises(ConfigurationError, match="does not start: it took the CPU provider instead"):
        require_cuda()


def test_versions_are_those_of_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's and cuDNN's own numbers become versions as people write them."""

    class Runtime:
        def cudaRuntimeGetVersion(self, pointer: Any) -> int:  # noqa: N802 - CUDA's own name
            ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int))[0] = 13000
            return 0

    class Dnn:
        def cudnnGetVersion(self) -> int:  # noqa: N802 - cuDNN's own name
            return 91002

    libraries = {"libcudart.so": Runtime(), "libcudnn.so": Dnn()}
    monkeypatch.setattr(onnxruntime_cuda_library, "_loaded", libraries.get)
    monkeypatch.setattr(onnxruntime_cuda_library, "present_gpus", lambda: (GPU,))
    assert cuda_libraries() == {"provider": CUDA_PROVIDER, "cuda": "13.0", "cudnn": "9.10.2", "driver": "580.1"}


def test_only_a_loaded_library_is_found() -> None:
    """One that this process has is found by the beginning of its file's name, and one that it lacks is not."""
    found = onnxruntime_cuda_library._loaded("libonnxruntime")
    assert found is None or "libonnxruntime" in Path(found._name).name
    assert onnxruntime_cuda_library._loaded("libc.so") is not None
    assert onnxruntime_cuda_library._loaded("libnothing.so") is None
