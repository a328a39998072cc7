"""The loops that our run loop is held against: as short as they can be written with cuda-python.

They use what our loop uses: the same execution context and stream, the same device memory, page-locked host memory of
the same kind. They do not look at what calls return, since a loop that anyone writes to see how fast an engine is does
not.
"""

from __future__ import annotations

import functools
import importlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import RunFailed
from harness.runtimes.tensorrt.execution import describe_tensors, fit_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.runtimes.tensorrt.cuda import HostBuffer
    from harness.runtimes.tensorrt.engine import TensorRTEngine
    from harness.runtimes.tensorrt.tools import Tools


def import_cudart() -> Any:
    """Return cuda-python's module of the CUDA runtime, which its versions keep in two places."""
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError:
        return importlib.import_module("cuda.cudart")


class BareLoops:
    """Bare loops over an engine that our timers are bound to.

    Args:
        cudart: the module of cuda-python.
        tools: TensorRT and CUDA.
        engine: whose ``timers`` were asked for ``inputs`` last.
        inputs: what it is fed.

    Raises:
        RunFailed: the shape of an output depends on data, so that a bare loop would have to ask for it.
    """

    def __init__(self, cudart: Any, tools: Tools, engine: TensorRTEngine, inputs: Mapping[str, np.ndarray]) -> None:
        if engine.execution.shapes_depend_on_data:
            raise RunFailed("the shape of an output depends on data: there is no bare loop that does the same work")
        self._cudart, self._cuda = cudart, tools.cuda
        self._context = engine.execution.context
        self._stream = cudart.cudaStream_t(engine.execution.stream.handle)
        self._pinned: list[HostBuffer] = []
        self._releases: list[Callable[[], object]] = []
        fed, read = describe_tensors(tools, engine.engine)
        self._copies_in, self._copies_out = [], []
        for tensor in (tensor for tensor in fed if not tensor.on_host):
            array = fit_dtype(np.asarray(inputs[tensor.name]), tensor)
            buffer = self._pin(array.nbytes)
            buffer.array(array.dtype, array.shape)[...] = array
            self._copies_in.append((self._context.get_tensor_address(tensor.name), buffer.address, array.nbytes))
        for tensor in (tensor for tensor in read if not tensor.on_host):
            shape = tuple(self._context.get_tensor_shape(tensor.name))
            size = int(np.prod(shape, dtype=np.int64)) * tensor.dtype.itemsize
            self._copies_out.append((self._pin(size).address, self._context.get_tensor_address(tensor.name), size))

    def modes(self, names: Iterable[str]) -> dict[str, Callable[[int], float]]:
        """Return a loop for each of these modes of launch: given a number of runs, it returns their wall seconds."""
        makers = {"host": lambda: self._host, "stream": self._stream_loop, "graph": self._graph_loop}
        return {name: makers[name]() for name in names}

    def outputs(self) -> list[bytes]:
        """Return what the last run of the mode ``host`` left in host memory, output by output."""
        outputs = self._pinned[len(self._copies_in) :]
        return [buffer.array(np.dtype(np.uint8), (buffer.size,)).tobytes() for buffer in outputs]

    def close(self) -> None:
        """Give back what the loops hold."""
        for release in self._releases:
            release()
        for buffer in self._pinned:
            buffer.close()

    def _host(self, runs: int) -> float:
        cudart, context, stream = self._cudart, self._context, self._stream
        handle = int(stream)
        copies_in, copies_out = self._copies_in, self._copies_out
        to_device = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        to_host = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        started = time.perf_counter()
        for _ in range(runs):
            for device, host, size in copies_in:
                cudart.cudaMemcpyAsync(device, host, size, to_device, stream)
            context.execute_async_v3(handle)
            for host, device, size in copies_out:
                cudart.cudaMemcpyAsync(host, device, size, to_host, stream)
            cudart.cudaStreamSynchronize(stream)
        return time.perf_counter() - started

    def _stream_loop(self) -> Callable[[int], float]:
        execute, handle = self._context.execute_async_v3, int(self._stream)
        return self._between_events(functools.partial(execute, handle))

    def _graph_loop(self) -> Callable[[int], float]:
        cudart, cuda, stream = self._cudart, self._cuda, self._stream
        mode = cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        cuda.call("cudaStreamBeginCapture", stream, mode)
        self._context.execute_async_v3(int(stream))
        graph = cuda.call("cudaStreamEndCapture", stream)
        executable = cuda.call("cudaGraphInstantiate", graph, 0)
        self._releases += [
            lambda: cuda.call("cudaGraphExecDestroy", executable),
            lambda: cuda.call("cudaGraphDestroy", graph),
        ]
        return self._between_events(functools.partial(cudart.cudaGraphLaunch, executable, stream))

    def _between_events(self, launch: Callable[[], object]) -> Callable[[int], float]:
        cudart, cuda, stream = self._cudart, self._cuda, self._stream
        start, end = cuda.event(), cuda.event()
        self._releases += [lambda: cuda.release_event(start), lambda: cuda.release_event(end)]

        def loop(runs: int) -> float:
            started = time.perf_counter()
            for _ in range(runs):
                cudart.cudaEventRecord(start, stream)
                launch()
                cudart.cudaEventRecord(end, stream)
                cudart.cudaEventSynchronize(end)
                cudart.cudaEventElapsedTime(start, end)
            return time.perf_counter() - started

        return loop

    def _pin(self, size: int) -> HostBuffer:
        buffer = self._cuda.host_buffer(size)
        self._pinned.append(buffer)
        return buffer
