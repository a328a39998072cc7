"""Time by layer: how often a profiled engine is run, and what is made of the runs. Pure, but for the clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Profilers slow an engine down, so their times are good for comparing its layers and for nothing finer: a few runs do.
_WARMUP = 2
_FEWEST_RUNS, _MOST_RUNS = 3, 20
_SECONDS = 1.0


def repeat_runs(run_once: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> int:
    """Call ``run_once`` as often as a profile needs, and return how often that was.

    These are 2 runs to warm up, which ``median_times`` leaves out, and 20 to count, or as many of them as fit into a
    second, but at least 3.

    Args:
        run_once: runs the engine, and waits for it.
        clock: returns seconds.
    """
    started = clock()
    runs = 0
    while runs < _WARMUP + _FEWEST_RUNS or (runs < _WARMUP + _MOST_RUNS and clock() - started < _SECONDS):
        run_once()
        runs += 1
    return runs


def median_times(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each layer's time over the runs that had it, without those that warmed up.

    Args:
        runs: milliseconds by layer name, one mapping per run of ``repeat_runs``.
    """
    counted = runs[_WARMUP:]
    names = dict.fromkeys(name for run in counted for name in run)
    return {name: float(np.median([run[name] for run in counted if name in run])) for name in names}


def time_shares(layers: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Return the share of the computing layers' time by number type, summing to 1; empty where no time is known.

    Layers without a number type, which move or reshape data, are left out, as they are of the share of layers: what is
    asked is which arithmetic the time goes to.

    Args:
        layers: number type and milliseconds of each layer; None for one that was not timed.
    """
    times: dict[str, float] = {}
    for compute_type, milliseconds in layers:
        if compute_type and milliseconds is not None:
            times[compute_type] = times.get(compute_type, 0.0) + milliseconds
    total = sum(times.values())
    return {name: spent / total for name, spent in sorted(times.items())} if total else {}
