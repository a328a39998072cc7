"""A CUDA runtime in host memory: copies really copy, a captured graph really replays, an allocation can be refused."""

# ruff: noqa: D102, N802, N815 - these are CUDA's functions, under CUDA's names

from __future__ import annotations

import ctypes
import enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Error(enum.IntEnum):
    """The error codes that the fake gives back."""

    cudaSuccess = 0
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorStreamCaptureUnsupported = 900


class FakeCudaRuntime:
    """What ``cuda.bindings.runtime`` offers of what the harness calls.

    Attributes:
        capacity: bytes that can be allocated in all.
        devices: what cudaGetDeviceCount says, or an error; a RuntimeError is raised.
        capturable: whether a stream can be captured.
        live: sizes of what is allocated, by address.
    """

    cudaStreamNonBlocking = 1
    cudaHostAllocDefault = 0
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)

    def __init__(self) -> None:
        self.capacity = 1 << 30
        self.devices: int | Error | RuntimeError = 1
        self.capturable = True
        self.live: dict[int, int] = {}
        self.clock = 0.0
        self._memory: dict[int, Any] = {}
        self._captured: list[Callable[[], None]] | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work``, or note it for later where a stream is captured."""
        if self._captured is None:
            work()
            self.clock += 1.0
        else:
            self._captured.append(work)

    def cudaGetDeviceCount(self) -> tuple[Any, ...]:
        if isinstance(self.devices, RuntimeError):
            raise self.devices
        return (self.devices, None) if isinstance(self.devices, Error) else (Error.cudaSuccess, self.devices)

    def cudaGetErrorString(self, error: Error) -> tuple[Any, ...]:
        return Error.cudaSuccess, {2: b"out of memory", 35: b"driver too old"}.get(int(error), b"refused")

    def cudaGetDevice(self) -> tuple[Any, ...]:
        return Error.cudaSuccess, 0

    def cudaGetDeviceProperties(self, _: int) -> tuple[Any, ...]:
        return Error.cudaSuccess, SimpleNamespace(name=b"NVIDIA Test", major=9, minor=0, totalGlobalMem=1 << 30)

    def cudaRuntimeGetVersion(self) -> tuple[Any, ...]:
        return Error.cudaSuccess, 12090

    def cudaDriverGetVersion(self) -> tuple[Any, ...]:
        return Error.cudaSuccess, 13010

    def cudaMalloc(self, size: int) -> tuple[Any, ...]:
        if sum(self.live.values()) + size > self.capacity:
            return Error.cudaErrorMemoryAllocation, None
        memory = (ctypes.c_uint8 * size)()
        address = ctypes.addressof(memory)
        self._memory[address], self.live[address] = memory, size
        return Error.cudaSuccess, address

    def cudaHostAlloc(self, size: int, _: int) -> tuple[Any, ...]:
        return self.cudaMalloc(size)

    def cudaFree(self, address: int) -> tuple[Any, ...]:
        del self._memory[address], self.live[address]
        return (Error.cudaSuccess,)

    cudaFreeHost = cudaFree

    def cudaMemcpyAsync(self, target: int, source: int, size: int, *_: object) -> tuple[Any, ...]:
        ctypes.memmove(target, source, size)
        self.clock += 0.25
        return (Error.cudaSuccess,)

    def cudaStreamCreateWithFlags(self, _: int) -> tuple[Any, ...]:
        return Error.cudaSuccess, 77

    def _nothing(self, *_: object) -> tuple[Any, ...]:
        return (Error.cudaSuccess,)

    cudaStreamSynchronize = cudaStreamDestroy = cudaEventDestroy = cudaEventSynchronize = _nothing
    cudaDeviceSynchronize = cudaGraphDestroy = cudaGraphExecDestroy = cudaGetLastError = _nothing

    def cudaEventCreate(self) -> tuple[Any, ...]:
        return Error.cudaSuccess, SimpleNamespace(time=0.0)

    def cudaEventRecord(self, event: Any, _: int) -> tuple[Any, ...]:
        event.time = self.clock
        return (Error.cudaSuccess,)

    def cudaEventElapsedTime(self, start: Any, end: Any) -> tuple[Any, ...]:
        return Error.cudaSuccess, end.time - start.time

    def cudaStreamBeginCapture(self, *_: object) -> tuple[Any, ...]:
        self._captured = []
        return (Error.cudaSuccess,)

    def cudaStreamEndCapture(self, _: int) -> tuple[Any, ...]:
        captured, self._captured = self._captured, None
        if not self.capturable:
            return Error.cudaErrorStreamCaptureUnsupported, None
        return Error.cudaSuccess, captured

    def cudaGraphInstantiate(self, graph: Any, _: int) -> tuple[Any, ...]:
        return Error.cudaSuccess, graph

    def cudaGraphLaunch(self, graph: Any, _: int) -> tuple[Any, ...]:
        for work in graph:
            work()
        self.clock += 0.5
        return (Error.cudaSuccess,)
