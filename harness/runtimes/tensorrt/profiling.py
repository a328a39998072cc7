"""Time by layer, measured by TensorRT's profiler in runs of their own: it serialises layers and slows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.runtimes.layer_times import median_times, repeat_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from harness.runtimes.tensorrt.engine import TensorRTEngine


def profile_layers(trt: Any, engine: TensorRTEngine, inputs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the median milliseconds of each layer, by the engine's name for it.

    Args:
        trt: the module ``tensorrt``.
        engine: what is profiled, in a context of its own.
        inputs: what it is fed.

    Raises:
        RunFailed: the engine does not run on ``inputs``.
    """
    profiler = make_profiler(trt)
    execution = engine.new_execution()

    def run_once() -> None:
        profiler.runs.append({})
        execution.enqueue()
        execution.stream.wait()

    try:
        execution.bind(inputs)
        execution.context.profiler = profiler
        repeat_runs(run_once)
    finally:
        execution.close()
    return median_times(profiler.runs)


def make_profiler(trt: Any) -> Any:
    """Return a ``trt.IProfiler`` that adds the milliseconds of each layer to the last mapping of ``runs``."""

    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.runs: list[dict[str, float]] = []

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            run = self.runs[-1]
            run[layer_name] = run.get(layer_name, 0.0) + ms

    return Profiler()
