"""What a worker says on a host where a part is missing, too old or too new: real processes, modules made for it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.cases import Precision, Profile
from harness.errors import ConfigurationError, TargetError
from harness.runtimes.base import BuildRequest
from harness.runtimes.tensorrt import build as build_module
from harness.runtimes.tensorrt.build import Plan
from harness.runtimes.tensorrt.library import NEWEST_KNOWN_MAJOR
from harness.runtimes.tensorrt.runtime import TensorRTRuntime
from harness.workers.client import WorkerClient
from harness.workers.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runtimes.tensorrt.tools import Tools

OLD = """
__version__ = "8.4.3.1"
class IExecutionContext: execute_async_v2 = set_binding_shape = 0
class ICudaEngine: num_bindings = 0
class Builder: build_serialized_network = 0
"""
# Every class there is, with what the oldest usable version has of it.
USABLE = """
__version__ = "8.5.3.1"
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    names = "execute_async_v3", "set_input_shape", "num_io_tensors", "build_serialized_network"
    return type(name, (), dict.fromkeys(names, 0))
"""
NO_CUDA = {"cuda/__init__.py": "", "tensorrt.py": USABLE}
NO_DRIVER = """
def cudaGetDeviceCount():
    raise RuntimeError("Failed to dlopen libcuda.so.1")
"""


@pytest.mark.parametrize(
    ("modules", "error", "text"),
    [
        pytest.param(
            {"tensorrt.py": "raise ModuleNotFoundError('No module named tensorrt', name='tensorrt')"},
            ConfigurationError,
            "TensorRT is not installed for .*--subject NAME=PYTHON",
            id="no TensorRT",
        ),
        pytest.param(
            {"tensorrt.py": "raise ImportError('libnvinfer.so.8: cannot open shared object file')"},
            ConfigurationError,
            "its libraries do not load: libnvinfer.so.8.*LD_LIBRARY_PATH",
            id="TensorRT without its libraries",
        ),
        pytest.param(
            {"tensorrt.py": OLD},
            ConfigurationError,
            r"TensorRT 8\.4\.3\.1 is too old: it lacks .*execute_async_v3.*The harness needs TensorRT 8\.5 or newer\.",
            id="TensorRT older than 8.5",
        ),
        pytest.param(NO_CUDA, ConfigurationError, "cuda-python, which cannot be imported.*pip install", id="no CUDA"),
        pytest.param(
            {**NO_CUDA, "cuda/bindings/__init__.py": "", "cuda/bindings/runtime.py": NO_DRIVER},
            TargetError,
            "no NVIDIA GPU can be used: Failed to dlopen libcuda.so.1. Install a driver.*--gpu cpu",
            id="no driver",
        ),
    ],
)
def test_a_host_that_lacks_a_part_is_one_clear_error_for_each_case(
    tmp_path: Path, modules: dict[str, str], error: type[Exception], text: str
) -> None:
    """The sentence reaches the session without a traceback, and the worker lives to say it of the next case."""
    for name, source in modules.items():
        file = tmp_path / "modules" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    subject = Subject("trt", "tensorrt", sys.executable)
    worker = WorkerClient(subject, tmp_path / "worker", "trt", [tmp_path / "modules"])
    try:
        for _ in range(2):
            with pytest.raises(error, match=text) as caught:
                worker.call("versions", deadline=60)
            assert "Traceback" not in str(caught.value)
        assert worker.alive
    finally:
        worker.close()


def test_a_tensorrt_newer_than_any_known_is_used_and_warned_of(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engines are built like any others, and each of them says first that this version was never tried."""
    version = f"{NEWEST_KNOWN_MAJOR + 1}.0.1"
    plan = Plan(content=b"good", seconds=1.0, cache_was_warm=False, layers_constrained=0)
    monkeypatch.setattr(build_module, "build_plan", lambda *_, **__: plan)
    runtime = TensorRTRuntime()
    runtime.__dict__["tools"] = replace(tools, features=replace(tools.features, version=version))
    request = BuildRequest(
        graph=tmp_path / "graph.onnx",
        precision=Precision("fp32"),
        profile=Profile(),
        inputs=(),
        destination=tmp_path / "case.engine",
    )
    first = runtime.build(request).warnings[0]
    assert first.startswith(f"TensorRT {version} is newer than what the harness was held against")
