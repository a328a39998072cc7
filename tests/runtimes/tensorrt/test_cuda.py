from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.errors import ConfigurationError, RunFailed, TargetError
from harness.runtimes.tensorrt.cuda import Cuda
from tests.runtimes.tensorrt.fake_cuda import Error

if TYPE_CHECKING:
    from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime


def install(monkeypatch: pytest.MonkeyPatch, runtime: FakeCudaRuntime, place: str) -> None:
    """Make ``runtime`` importable as the module ``place`` of a package that has nothing else."""
    for name in ("cuda", "cuda.bindings", "cuda.bindings.runtime", "cuda.cudart"):
        monkeypatch.setitem(sys.modules, name, None)
    parts = place.split(".")
    for end in range(1, len(parts)):
        monkeypatch.setitem(sys.modules, ".".join(parts[:end]), ModuleType(parts[end - 1]))
    monkeypatch.setitem(sys.modules, place, runtime)


@pytest.mark.parametrize("place", ["cuda.bindings.runtime", "cuda.cudart"])
def test_cuda_python_is_found_where_each_of_its_versions_keeps_it(
    monkeypatch: pytest.MonkeyPatch, cuda_runtime: FakeCudaRuntime, place: str
) -> None:
    """Version 12.0 has the runtime's functions in another module than 12.9."""
    install(monkeypatch, cuda_runtime, place)
    device = Cuda.open().device()
    assert (device.name, device.capability, device.memory) == ("NVIDIA Test", "9.0", 1 << 30)


def test_missing_cuda_python_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, cuda_runtime: FakeCudaRuntime) -> None:
    """Without cuda-python the error says what to install."""
    install(monkeypatch, cuda_runtime, "elsewhere.runtime")
    with pytest.raises(ConfigurationError, match=r"cuda-python, which cannot be imported.*pip install"):
        Cuda.open()


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        pytest.param(
            Error.cudaErrorInsufficientDriver, r"InsufficientDriver \(35\): driver too old.*--gpu cpu", id="no driver"
        ),
        pytest.param(
            RuntimeError("Failed to dlopen libcuda.so.1"),
            r"no NVIDIA GPU can be used: Failed to dlopen libcuda.so.1. Install a driver.*--gpu cpu",
            id="no driver, as cuda-python up to 12.6 has it",
        ),
        pytest.param(0, "shows no GPU.*CUDA_VISIBLE_DEVICES", id="no device"),
    ],
)
def test_no_usable_gpu_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, cuda_runtime: FakeCudaRuntime, devices: int | Error | RuntimeError, message: str
) -> None:
    """A missing driver and a hidden GPU are told apart."""
    cuda_runtime.devices = devices
    install(monkeypatch, cuda_runtime, "cuda.bindings.runtime")
    with pytest.raises(TargetError, match=message):
        Cuda.open()


def test_a_refused_call_is_named_with_its_code(cuda_runtime: FakeCudaRuntime) -> None:
    """What fails is told by the call, CUDA's name for the error, its number and its text."""
    cuda_runtime.capacity = 10
    with pytest.raises(RunFailed, match=r"100 bytes.*cudaMalloc: cudaErrorMemoryAllocation \(2\): out of memory"):
        Cuda(cuda_runtime).device_buffer(100)


def test_a_refused_call_that_was_prepared_is_named_like_any(cuda_runtime: FakeCudaRuntime) -> None:
    """A timed loop ends with the same error as a single call, and goes on as long as CUDA accepts."""
    cuda_runtime.capacity = 150
    allocate = Cuda(cuda_runtime).prepared("cudaMalloc", 100)
    allocate()
    with pytest.raises(RunFailed, match=r"cudaMalloc: cudaErrorMemoryAllocation \(2\): out of memory"):
        allocate()


def test_bytes_come_back_as_they_went(cuda_runtime: FakeCudaRuntime) -> None:
    """A copy to the device and one to page-locked memory keep every byte, and closing gives all memory back."""
    cuda = Cuda(cuda_runtime)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    device, host, stream = cuda.device_buffer(values.nbytes), cuda.host_buffer(values.nbytes), cuda.stream()
    stream.copy_in(device.address, values.ctypes.data, values.nbytes)
    stream.copy_out(host.address, device.address, values.nbytes)
    np.testing.assert_array_equal(host.array(values.dtype, (2, 3)), values)
    for buffer in (device, host):
        buffer.close()
        buffer.close()
    assert not cuda_runtime.live


def test_a_captured_graph_replays_what_was_put_on_the_stream(cuda_runtime: FakeCudaRuntime) -> None:
    """Nothing runs while it is captured, and all of it at each launch."""
    ran: list[int] = []
    graph = Cuda(cuda_runtime).stream().capture(lambda: cuda_runtime.submit(lambda: ran.append(1)))
    assert ran == []
    graph.launch()
    graph.launch()
    assert ran == [1, 1]


def test_a_failed_capture_leaves_the_stream_usable(cuda_runtime: FakeCudaRuntime) -> None:
    """What cannot be captured is an error, after which work runs at once again."""
    cuda_runtime.capturable = False
    stream = Cuda(cuda_runtime).stream()
    with pytest.raises(RunFailed, match="StreamCaptureUnsupported"):
        stream.capture(lambda: None)
    ran: list[int] = []
    cuda_runtime.submit(lambda: ran.append(1))
    assert ran == [1]


def test_versions_read_as_people_write_them(cuda_runtime: FakeCudaRuntime) -> None:
    """CUDA's number 12090 is version 12.9."""
    assert Cuda(cuda_runtime).versions() == {"cuda": "12.9", "driver_cuda": "13.1"}
