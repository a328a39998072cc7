"""Time by layer, measured by TensorRT's profiler in runs of their own: it serialises layers and slows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.runtimes.tensorrt.engine import TensorRTEngine

_WARMUP = 3


def profile_layers(
    trt: Any, engine: TensorRTEngine, inputs: Mapping[str, np.ndarray], runs: int = 20
) -> dict[str, float]:
    """Return the median milliseconds of each layer, by the engine's name for it.

    Args:
        trt: the module ``tensorrt``.
        engine: what is profiled, in a context of its own.
        inputs: what it is fed.
        runs: how many runs the median is taken over, after three that do not count.

    Raises:
        RunFailed: the engine does not run on ``inputs``.
    """
    profiler = make_profiler(trt)
    execution = engine.new_execution()
    try:
        execution.bind(inputs)
        execution.context.profiler = profiler
        for run in range(runs + _WARMUP):
            if run == _WARMUP:
                profiler.times.clear()
            execution.enqueue()
            execution.stream.wait()
    finally:
        execution.close()
    return {name: float(np.median(times)) for name, times in profiler.times.items()}


def make_profiler(trt: Any) -> Any:
    """Return a ``trt.IProfiler`` that keeps the milliseconds of each layer in ``times``."""

    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times: dict[str, list[float]] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times.setdefault(layer_name, []).append(ms)

    return Profiler()
