"""The few calls of the CUDA runtime that an engine needs, each of them checked."""

from __future__ import annotations

import ctypes
import importlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import ConfigurationError, RunFailed, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable

# cuda-python keeps the runtime's functions here, newest first; 12.0 to 12.5 know the second place only.
_PLACES = ("cuda.bindings.runtime", "cuda.cudart")


@dataclass(frozen=True, kw_only=True)
class Device:
    """The GPU that CUDA calls its current one.

    Attributes:
        name: as the driver has it, e.g. ``NVIDIA H200``.
        capability: its compute capability, e.g. ``9.0``.
        memory: bytes of device memory.
    """

    name: str
    capability: str
    memory: int


class Cuda:
    """The CUDA runtime of this process.

    Every method raises RunFailed, naming the call and CUDA's error, where CUDA refuses.

    Args:
        runtime: the module of cuda-python that has the runtime's functions.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    @classmethod
    def open(cls) -> Cuda:
        """Find cuda-python and a GPU.

        Raises:
            ConfigurationError: cuda-python is not installed, or cannot be imported.
            TargetError: there is no driver, or no GPU that it lets this process use.
        """
        cuda = cls(_import_runtime())
        try:
            count = cuda.call("cudaGetDeviceCount")
        except (RunFailed, RuntimeError) as error:  # RuntimeError from cuda-python up to 12.6, where libcuda is missing
            raise TargetError(
                f"no NVIDIA GPU can be used: {error}. Install a driver, or let the container see the GPU "
                "(docker run --gpus all); without one use --gpu cpu."
            ) from None
        if not count:
            raise TargetError("the NVIDIA driver shows no GPU to this process; look at CUDA_VISIBLE_DEVICES")
        return cuda

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the runtime's function ``name`` and return what it gives back besides its error code."""
        error, *values = getattr(self._runtime, name)(*arguments)
        if int(error):
            raise self._refusal(name, error)
        return values[0] if values else None

    def prepared(self, name: str, *arguments: Any) -> Callable[[], None]:
        """Return a function that makes this call, for loops that are timed: what can be looked up ahead is.

        What the call gives back besides its error code is dropped.
        """
        function = getattr(self._runtime, name)

        def call() -> None:
            error = function(*arguments)[0]
            if error:  # a whole number, 0 on success
                raise self._refusal(name, error)

        return call

    def device(self) -> Device:
        """Describe the current GPU."""
        properties = self.call("cudaGetDeviceProperties", self.call("cudaGetDevice"))
        return Device(
            name=_text(properties.name),
            capability=f"{properties.major}.{properties.minor}",
            memory=int(properties.totalGlobalMem),
        )

    def versions(self) -> dict[str, str]:
        """Return the version of the CUDA runtime, and the newest that the driver supports, e.g. ``12.9``."""
        return {
            "cuda": _version(self.call("cudaRuntimeGetVersion")),
            "driver_cuda": _version(self.call("cudaDriverGetVersion")),
        }

    def free_memory(self) -> int:
        """Return the bytes of device memory that no process holds."""
        error, free, _ = self._runtime.cudaMemGetInfo()
        if int(error):
            raise RunFailed(f"cudaMemGetInfo: {error.name} ({int(error)})")
        return int(free)

    def stream(self) -> Stream:
        """Create a stream."""
        return Stream(self, self._runtime)

    def device_buffer(self, size: int) -> DeviceBuffer:
        """Allocate ``size`` bytes of device memory."""
        return DeviceBuffer(self, size)

    def host_buffer(self, size: int) -> HostBuffer:
        """Allocate ``size`` bytes of page-locked host memory."""
        return HostBuffer(self, size, self._runtime.cudaHostAllocDefault)

    def event(self) -> Any:
        """Create an event, to be recorded on a stream."""
        return self.call("cudaEventCreate")

    def milliseconds(self, start: Any, end: Any) -> float:
        """Wait for the event ``end`` and return the milliseconds since ``start``."""
        self.call("cudaEventSynchronize", end)
        return float(self.call("cudaEventElapsedTime", start, end))

    def release_event(self, event: Any) -> None:
        """Give an event back."""
        self.call("cudaEventDestroy", event)

    def _refusal(self, name: str, error: Any) -> RunFailed:
        text = self._runtime.cudaGetErrorString(error)[1]
        return RunFailed(f"{name}: {error.name} ({int(error)}): {_text(text)}")


class DeviceBuffer:
    """Device memory: ``address`` and ``size`` in bytes."""

    def __init__(self, cuda: Cuda, size: int) -> None:
        self._cuda = cuda
        self.size = size
        try:
            self.address = int(cuda.call("cudaMalloc", max(size, 1)))
        except RunFailed as error:
            raise RunFailed(
                f"{size} bytes of device memory could not be had: {error}. A smaller shape, or another process's end, "
                "makes room."
            ) from None

    def close(self) -> None:
        """Free it; may be called twice."""
        if self.address:
            self._cuda.call("cudaFree", self.address)
            self.address = 0


class HostBuffer:
    """Page-locked host memory, which copies to and from the device do not have to stage."""

    def __init__(self, cuda: Cuda, size: int, flags: int) -> None:
        self._cuda = cuda
        self.size = size
        self.address = int(cuda.call("cudaHostAlloc", max(size, 1), flags))

    def array(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        """Return the memory as an array; it must not be used once the buffer is closed."""
        memory = (ctypes.c_uint8 * self.size).from_address(self.address)
        return np.ctypeslib.as_array(memory).view(dtype).reshape(shape)

    def close(self) -> None:
        """Free it; may be called twice."""
        if self.address:
            self._cuda.call("cudaFreeHost", self.address)
            self.address = 0


class Stream:
    """A CUDA stream; ``handle`` is the number that TensorRT takes."""

    def __init__(self, cuda: Cuda, runtime: Any) -> None:
        self._cuda, self._runtime = cuda, runtime
        # Without this flag it would wait for whatever TensorRT runs on the default stream.
        self._stream = cuda.call("cudaStreamCreateWithFlags", runtime.cudaStreamNonBlocking)
        self.handle = int(self._stream)

    def copy_in(self, target: int, source: int, size: int) -> None:
        """Copy ``size`` bytes from host address ``source`` to device address ``target``."""
        self.prepared_copy_in(target, source, size)()

    def copy_out(self, target: int, source: int, size: int) -> None:
        """Copy ``size`` bytes from device address ``source`` to host address ``target``."""
        self.prepared_copy_out(target, source, size)()

    def record(self, event: Any) -> None:
        """Let ``event`` happen once all that was put on the stream before it is done."""
        self._cuda.call("cudaEventRecord", event, self._stream)

    def wait(self) -> None:
        """Wait until all that was put on the stream is done."""
        self._cuda.call("cudaStreamSynchronize", self._stream)

    def prepared_copy_in(self, target: int, source: int, size: int) -> Callable[[], None]:
        """Return this ``copy_in`` for a timed loop; see Cuda.prepared."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        return self._cuda.prepared("cudaMemcpyAsync", target, source, size, kind, self._stream)

    def prepared_copy_out(self, target: int, source: int, size: int) -> Callable[[], None]:
        """Return this ``copy_out`` for a timed loop; see Cuda.prepared."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        return self._cuda.prepared("cudaMemcpyAsync", target, source, size, kind, self._stream)

    def prepared_record(self, event: Any) -> Callable[[], None]:
        """Return this ``record`` for a timed loop; see Cuda.prepared."""
        return self._cuda.prepared("cudaEventRecord", event, self._stream)

    def prepared_wait(self) -> Callable[[], None]:
        """Return ``wait`` for a timed loop; see Cuda.prepared."""
        return self._cuda.prepared("cudaStreamSynchronize", self._stream)

    def capture(self, enqueue: Callable[[], None]) -> Graph:
        """Record what ``enqueue`` puts on the stream, without running it.

        Raises:
            RunFailed: something in it cannot be captured; the stream can be used again.
        """
        mode = self._runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._cuda.call("cudaStreamBeginCapture", self._stream, mode)
        try:
            enqueue()
            return Graph(self._cuda, self._cuda.call("cudaStreamEndCapture", self._stream), self._stream)
        except RunFailed:
            # An invalid capture still has to be ended, and leaves its error behind for whoever asks next.
            self._runtime.cudaStreamEndCapture(self._stream)
            self._runtime.cudaGetLastError()
            raise

    def close(self) -> None:
        """Destroy it."""
        self._cuda.call("cudaStreamDestroy", self._stream)


class Graph:
    """A captured sequence of launches, ready to be replayed on its stream."""

    def __init__(self, cuda: Cuda, graph: Any, stream: Any) -> None:
        self._cuda, self._graph, self._stream = cuda, graph, stream
        self._executable = cuda.call("cudaGraphInstantiate", graph, 0)

    def launch(self) -> None:
        """Put a replay on the stream."""
        self.prepared_launch()()

    def prepared_launch(self) -> Callable[[], None]:
        """Return ``launch`` for a timed loop; see Cuda.prepared."""
        return self._cuda.prepared("cudaGraphLaunch", self._executable, self._stream)

    def close(self) -> None:
        """Destroy it."""
        self._cuda.call("cudaGraphExecDestroy", self._executable)
        self._cuda.call("cudaGraphDestroy", self._graph)


def _import_runtime() -> Any:
    reason = ""
    for place in _PLACES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # the second place says of itself that it is the old one
                return importlib.import_module(place)
        except ImportError as error:
            reason = reason or str(error)
    raise ConfigurationError(
        f"TensorRT engines are run through cuda-python, which cannot be imported: {reason}. "
        "pip install 'cuda-python>=12', or 'trt-harness[gpu]'"
    )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
