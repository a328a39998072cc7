"""A deserialised engine: run, timed in three modes, profiled, described."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import RunFailed
from harness.runtimes.base import Engine
from harness.runtimes.tensorrt.execution import Execution, describe_tensors, fit_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.runtimes.tensorrt.cuda import Graph, HostBuffer
    from harness.runtimes.tensorrt.execution import EngineTensor
    from harness.runtimes.tensorrt.tools import Tools


def deserialise(tools: Tools, content: bytes, called: str) -> Any:
    """Return the ``trt.ICudaEngine`` that ``content`` holds.

    Raises:
        RunFailed: it does not load; TensorRT's own reason is given.
    """
    position = len(tools.log.lines)
    try:
        runtime = tools.trt.Runtime(tools.logger)
    except TypeError:  # so its bindings say that there is none
        raise RunFailed(f"TensorRT {tools.features.version} cannot start: {tools.log.first_error(position)}") from None
    if tools.features.version_compatible:
        runtime.engine_host_code_allowed = True  # a version-compatible plan carries its own small runtime
    engine = runtime.deserialize_cuda_engine(content)
    if engine is None:
        raise RunFailed(
            f"TensorRT {tools.features.version} cannot load the plan {called} ({len(content)} bytes): "
            f"{tools.log.first_error(position)}. Build it again: a plan is good for the TensorRT and the GPU that "
            "it was built with."
        )
    return engine


class TensorRTEngine(Engine):
    """An engine with one context for running and timing.

    Attributes:
        notes: what a reader of its timings should know, e.g. why a mode is missing.

    Args:
        tools: TensorRT and CUDA.
        path: file of the plan.

    Raises:
        RunFailed: the plan does not load, or device memory does not suffice for a context.
    """

    def __init__(self, tools: Tools, path: Path) -> None:
        self.notes: list[str] = []
        self._tools = tools
        self._content = path.read_bytes()
        self._called = repr(path.name)
        self.engine = deserialise(tools, self._content, self._called)
        self._inputs, self._outputs = describe_tensors(tools, self.engine)
        self._execution = self.new_execution()
        self._timing: _Timing | None = None

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return every output by name; see Engine.run."""
        self._end_timing()
        self._execution.bind(inputs)
        self._execution.enqueue()
        return self._execution.outputs()

    def timers(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Callable[[], float]]:
        """Return the modes ``host``, ``stream`` and, where the engine can be captured, ``graph``; see Engine.timers.

        ``host`` is wall time from page-locked host memory to page-locked host memory. ``stream`` and ``graph`` are
        between CUDA events around a launch, and around the replay of a CUDA graph of it; inputs stay on the device.
        The functions are good until ``run`` or ``timers`` is called again.
        """
        self._end_timing()
        self._timing = _Timing(
            self._tools, self._execution, inputs, notes=self.notes, fed=self._inputs, read=self._outputs
        )
        return self._timing.modes

    def stream_throughput(self, inputs: Mapping[str, np.ndarray], streams: int, seconds: float) -> float:
        """Return runs a second with ``streams`` contexts at work at once, each on a stream of its own.

        Each stream always has a run in flight and one waiting; inputs stay on the device.

        Args:
            inputs: what every context is fed.
            streams: 1 or more.
            seconds: how long it is measured.

        Raises:
            RunFailed: device memory does not suffice for so many contexts.
        """
        executions = [self.new_execution() for _ in range(streams)]
        try:
            for execution in executions:
                execution.bind(inputs)
                execution.enqueue()  # the first run of a context loads kernels
                execution.stream.wait()
            return _saturated(self._tools, executions, seconds)
        finally:
            for execution in executions:
                execution.close()

    def run_concurrently(
        self, inputs: Mapping[str, np.ndarray], contexts: int, runs: int
    ) -> list[dict[str, np.ndarray]]:
        """Run contexts of the engine on streams of their own and return the outputs of each one's last run.

        Raises:
            RunFailed: device memory does not suffice for so many contexts, or a run failed.
        """
        self._end_timing()
        executions = [self._execution, *(self.new_execution() for _ in range(contexts - 1))]
        try:
            for execution in executions:
                execution.bind(inputs)
            for _ in range(runs):
                for execution in executions:
                    execution.enqueue()
            return [execution.outputs() for execution in executions]
        finally:
            for execution in executions[1:]:
                execution.close()

    def facts(self) -> Mapping[str, float]:
        """Return the device memory of a context, in bytes; see Engine.facts."""
        return {"context_memory": float(getattr(self.engine, self._tools.features.context_memory))}

    @property
    def execution(self) -> Execution:
        """The context that runs and timings use; between ``timers`` and the next run it is bound to their inputs."""
        return self._execution

    @property
    def weights_bytes(self) -> int | None:
        """Size of the engine's weights, or None where TensorRT does not tell."""
        if not self._tools.features.engine_statistics:
            return None
        return int(self.engine.get_engine_stat(self._tools.trt.EngineStat.TOTAL_WEIGHTS_SIZE))

    def new_execution(self) -> Execution:
        """Make one more context, with buffers and a stream of its own."""
        position = len(self._tools.log.lines)
        context = self.engine.create_execution_context()
        if context is not None and context.active_optimization_profile < 0:
            # Up to TensorRT 8, two contexts of one engine cannot share a profile of free shapes: load it once more.
            engine = deserialise(self._tools, self._content, self._called)
            context = engine.create_execution_context()
        if context is None:
            why = self._tools.log.first_error(position)
            raise RunFailed(f"TensorRT made no execution context of the plan {self._called}: {why}")
        return Execution(self._tools, context, self._inputs, self._outputs)

    def close(self) -> None:
        """Give back contexts, buffers and the engine; may be called twice."""
        self._end_timing()
        if self.engine is not None:
            self._execution.close()
            self.engine = None

    def _end_timing(self) -> None:
        if self._timing:
            self._timing.close()
            self._timing = None


class _Timing:
    """The timers at one set of inputs, and what they hold meanwhile."""

    def __init__(
        self,
        tools: Tools,
        execution: Execution,
        inputs: Mapping[str, np.ndarray],
        *,
        fed: Sequence[EngineTensor],
        read: Sequence[EngineTensor],
        notes: list[str],
    ) -> None:
        self._cuda, self._execution = tools.cuda, execution
        execution.bind(inputs)
        execution.enqueue()  # capture needs a first run, and a refusal must not be taken for a slow one
        execution.stream.wait()
        self._events = (tools.cuda.event(), tools.cuda.event())
        self._pinned: list[HostBuffer] = []
        self._graph: Graph | None = None
        self.modes: dict[str, Callable[[], float]] = {
            "host": self._host_mode(inputs, fed, read),
            "stream": self._between_events(execution.launcher()),
        }
        if execution.shapes_depend_on_data:
            notes.append("no graph mode: the shape of an output depends on data")
            return
        try:
            self._graph = execution.stream.capture(execution.enqueue)
            self._graph.launch()
            execution.stream.wait()
        except RunFailed as error:
            notes.append(f"no graph mode: {error}")
        else:
            self.modes["graph"] = self._between_events(self._graph.prepared_launch())

    def close(self) -> None:
        self._execution.stream.wait()
        for event in self._events:
            self._cuda.release_event(event)
        for buffer in self._pinned:
            buffer.close()
        if self._graph:
            self._graph.close()

    def _between_events(self, launch: Callable[[], None]) -> Callable[[], float]:
        start, end = self._events
        stream, milliseconds = self._execution.stream, self._cuda.milliseconds
        record_start, record_end = stream.prepared_record(start), stream.prepared_record(end)

        def timed() -> float:
            record_start()
            launch()
            record_end()
            return milliseconds(start, end)

        return timed

    def _host_mode(
        self, inputs: Mapping[str, np.ndarray], fed: Sequence[EngineTensor], read: Sequence[EngineTensor]
    ) -> Callable[[], float]:
        execution, stream, clock = self._execution, self._execution.stream, time.perf_counter
        sources = {}
        for tensor in fed:
            array = fit_dtype(np.asarray(inputs[tensor.name]), tensor)
            pinned = self._pin(array.nbytes)
            pinned.array(array.dtype, array.shape)[...] = array
            sources[tensor.name] = pinned.address
        copies_out = []
        for tensor in (tensor for tensor in read if not tensor.on_host):
            size = int(np.prod(execution.output_shape(tensor.name), dtype=np.int64)) * tensor.dtype.itemsize
            # The address is that of the first run, also where TensorRT asks for memory: as much each time.
            source = execution.output_address(tensor.name)
            copies_out.append(stream.prepared_copy_out(self._pin(size).address, source, size))
        steps = (*execution.copies_in(sources), execution.launcher(), *copies_out, stream.prepared_wait())

        def host() -> float:
            started = clock()
            for step in steps:
                step()
            return (clock() - started) * 1e3

        return host

    def _pin(self, size: int) -> HostBuffer:
        buffer = self._cuda.host_buffer(size)
        self._pinned.append(buffer)
        return buffer


def _saturated(tools: Tools, executions: list[Execution], seconds: float) -> float:
    cuda = tools.cuda
    in_flight: list[list[Any]] = [[] for _ in executions]
    runs = 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for execution, events in zip(executions, in_flight, strict=True):
            if len(events) == 2:
                oldest = events.pop(0)
                cuda.call("cudaEventSynchronize", oldest)
                cuda.release_event(oldest)
                runs += 1
            execution.enqueue()
            event = cuda.event()
            execution.stream.record(event)
            events.append(event)
    for execution, events in zip(executions, in_flight, strict=True):
        execution.stream.wait()
        runs += len(events)
        for event in events:
            cuda.release_event(event)
    return runs / (time.perf_counter() - started)
