"""One trial: this process loads one engine and measures it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.measurement.memory import peak_host_memory
from harness.measurement.quality import Reading, conditions_between, judge_quality
from harness.measurement.sampling import SamplingPlan, relative_drift, relative_spread, take_samples
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runtimes.base import Runtime


def measure(runtime: Runtime, engine: Path, folders: dict[str, Path], plan: dict[str, Any]) -> dict[str, Any]:
    """Load ``engine`` and sample its latency at each point.

    Args:
        runtime: loads it.
        engine: its file.
        folders: a folder with ``inputs`` for each point, by its label.
        plan: a SamplingPlan as plain data.

    Returns:
        ``load_seconds``; ``samples``: milliseconds by point and mode of launch; ``host_memory_peak`` in bytes;
        ``quality`` and ``conditions`` of the whole trial.
    """
    sampling = SamplingPlan(**plan)
    started = time.perf_counter()
    loaded = runtime.load(engine)
    load_seconds = time.perf_counter() - started
    samples: dict[str, dict[str, list[float]]] = {}
    spread = drift = 0.0
    start = Reading.now()
    for label, folder in folders.items():
        # Memory-mapped inputs would put the first read of the file into the timing.
        inputs = {name: np.array(array) for name, array in load_tensors(folder / "inputs").items()}
        samples[label] = {}
        for mode, run_once in loaded.timers(inputs).items():
            taken = take_samples(run_once, sampling)
            spread = max(spread, relative_spread(taken))
            drift = max(drift, relative_drift(taken), key=abs)
            samples[label][mode] = taken.tolist()
    conditions = conditions_between(start, Reading.now())
    conditions.update(spread=round(spread, 4), drift=round(drift, 4))
    loaded.close()
    return {
        "load_seconds": load_seconds,
        "samples": samples,
        "host_memory_peak": peak_host_memory(),
        "conditions": conditions,
        "quality": judge_quality(conditions, spread=spread, drift=drift),
    }
