"""One trial: this process loads one engine and measures it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.measurement.environment import usable_cores
from harness.measurement.exclusive import exclusive
from harness.measurement.gpu_quality import gpu_conditions_between, judge_gpu_quality
from harness.measurement.memory import peak_host_memory
from harness.measurement.quality import Reading, conditions_between, judge_quality
from harness.measurement.sampling import SamplingPlan, relative_drift, relative_spread, take_samples
from harness.measurement.telemetry import GpuReading
from harness.measurement.telemetry import read as read_gpu
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.runtimes.base import Engine, Runtime

# How many runs are in flight at once where a runtime can do that.
_STREAMS = (1, 2, 4)
# A launch needs a processor for itself and one for the driver; the others are free to be used by whom they please.
_CORES_OF_A_LAUNCH = 2
# NVML's energy counter ticks about ten times a second.
_ENERGY_SECONDS = 1.0


def measure(runtime: Runtime, engine: Path, folders: dict[str, Path], plan: dict[str, Any]) -> dict[str, Any]:
    """Load ``engine`` and sample its latency at each point, alone on its GPU if it runs on one.

    Args:
        runtime: loads it.
        engine: its file.
        folders: a folder with ``inputs`` for each point, by its label.
        plan: a SamplingPlan as plain data.

    Returns:
        ``load_seconds``; ``samples``: milliseconds by point and mode of launch; ``streams``: runs a second by point and
        number of streams; ``energy``: joules a run by point; ``facts``: values by metric; ``host_memory_peak`` in
        bytes; ``notes``; ``quality`` and ``conditions`` of the whole trial, with the times (ISO 8601, UTC) between
        which it was ``measured`` and, on a GPU, the ``device`` that CUDA_VISIBLE_DEVICES left it.
    """
    with alone_on_gpu(runtime):
        return _Trial(runtime, SamplingPlan(**plan)).measure(engine, folders)


def alone_on_gpu(runtime: Runtime) -> AbstractContextManager[object]:
    """Return a block in which no other worker times anything on this one's GPU; of no effect for runtimes without."""
    if not runtime.on_gpu:
        return contextlib.nullcontext()
    return exclusive(f"gpu-{os.environ.get('CUDA_VISIBLE_DEVICES', '0')}", waiting=_note)


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


class _Trial:
    def __init__(self, runtime: Runtime, sampling: SamplingPlan) -> None:
        self._on_gpu = runtime.on_gpu
        self._runtime = runtime
        self._sampling = sampling
        self._gpu: list[GpuReading] = []
        self._spread = self._drift = 0.0

    def measure(self, engine: Path, folders: dict[str, Path]) -> dict[str, Any]:
        self._look_at_gpu()
        began = datetime.now(timezone.utc)
        started = time.perf_counter()
        loaded = self._runtime.load(engine)
        load_seconds = time.perf_counter() - started
        start = Reading.now()
        samples: dict[str, dict[str, list[float]]] = {}
        streams: dict[str, dict[str, float]] = {}
        energy: dict[str, float] = {}
        for label, folder in folders.items():
            # Memory-mapped inputs would put the first read of the file into the timing.
            inputs = {name: np.array(array) for name, array in load_tensors(folder / "inputs").items()}
            timers = loaded.timers(inputs)
            samples[label] = {mode: self._sample(run_once) for mode, run_once in timers.items()}
            joules = self._energy(timers.get("graph", timers["host"]))
            if joules is not None:
                energy[label] = joules
            streams[label] = self._stream_throughput(loaded, inputs)
        conditions = conditions_between(start, Reading.now())
        conditions.update(spread=round(self._spread, 4), drift=round(self._drift, 4))
        conditions["measured"] = [moment.isoformat() for moment in (began, datetime.now(timezone.utc))]
        facts = {**loaded.facts(), **self._device_memory()}
        notes = list(getattr(loaded, "notes", ()))
        if notes:
            conditions["notes"] = notes
        loaded.close()
        spare = max(0.0, usable_cores() - _CORES_OF_A_LAUNCH) if self._on_gpu else 0.0
        quality: str = judge_quality(conditions, spread=self._spread, drift=self._drift, spare_cores=spare)
        if self._on_gpu:
            conditions["gpu"] = gpu_conditions_between(self._gpu[0], self._gpu[-1])
            conditions["gpu"]["device"] = os.environ.get("CUDA_VISIBLE_DEVICES")
            gpu_quality = judge_gpu_quality(conditions["gpu"])
            quality = quality if gpu_quality == "ok" else gpu_quality
        return {
            "load_seconds": load_seconds,
            "samples": samples,
            "streams": streams,
            "energy": energy,
            "facts": facts,
            "host_memory_peak": peak_host_memory(),
            "notes": notes,
            "conditions": conditions,
            "quality": quality,
        }

    def _sample(self, run_once: Callable[[], float]) -> list[float]:
        taken = take_samples(run_once, self._sampling)
        self._look_at_gpu()
        self._spread = max(self._spread, relative_spread(taken))
        self._drift = max(self._drift, relative_drift(taken), key=abs)
        return [float(sample) for sample in taken]

    def _look_at_gpu(self) -> None:
        if self._on_gpu:
            self._gpu.append(read_gpu())

    def _device_memory(self) -> dict[str, float]:
        """Return by how much the GPU's memory in use rose above what it was before the engine was loaded."""
        used = [reading.memory_used for reading in self._gpu if reading.memory_used is not None]
        return {"device_memory_peak": float(max(used) - used[0])} if len(used) > 1 and max(used) > used[0] else {}

    def _energy(self, run_once: Callable[[], float]) -> float | None:
        """Return joules a run over a window of its own, or None where nothing counts them."""
        if not self._on_gpu or self._gpu[-1].energy_j is None:
            return None
        before = read_gpu()
        end, runs = time.perf_counter() + _ENERGY_SECONDS, 0
        while time.perf_counter() < end:
            run_once()
            runs += 1
        after = read_gpu()
        if before.energy_j is None or after.energy_j is None or after.energy_j <= before.energy_j:
            return None
        return (after.energy_j - before.energy_j) / runs

    def _stream_throughput(self, engine: Engine, inputs: dict[str, np.ndarray]) -> dict[str, float]:
        seconds = self._sampling.seconds
        found = ((streams, engine.stream_throughput(inputs, streams, seconds)) for streams in _STREAMS)
        return {str(streams): runs for streams, runs in found if runs is not None}
