"""Compares tensors with harness.accuracy and with Polygraphy's ``SimpleCompareFunc``, in turns, and writes the ratio.

Run it from the checkout: ``python benchmarks/tensor_comparison.py``. To reach: at least 30 times as fast on two float32
arrays of 100 MB, in at most 16 MB of memory besides them. The two do not measure the same: Polygraphy also takes the
median of both errors, the harness also cosine, SQNR, RMSE and the counts of NaN and Inf.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polygraphy
import psutil
from polygraphy.comparator import IterationResult, SimpleCompareFunc
from polygraphy.logger import G_LOGGER

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.accuracy import compare_tensors  # the checkout need not be installed

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT = Path(__file__).parent / "results" / "tensor_comparison.json"
GOAL_RATIO = 30.0
GOAL_MEGABYTES = 16.0
ELEMENTS = 25_000_000
# Gaussian data, by its mean and by whether its error grows with it. Most chunks of the first two need no division to
# know that the largest relative error is not in them; with the last every chunk needs one, which is the slowest that
# finite data can be.
DATA = {
    "around zero": {"offset": 0.0, "in_proportion": False},
    "far from zero": {"offset": 10.0, "in_proportion": False},
    "around zero, with errors in proportion": {"offset": 0.0, "in_proportion": True},
}


def make_pair(elements: int, *, offset: float, in_proportion: bool) -> tuple[np.ndarray, np.ndarray]:
    """Make a Gaussian float32 tensor around ``offset`` and a copy with an error of 1e-3 RMS: (actual, expected).

    The error is ``in_proportion`` to each element, or independent of them.
    """
    generator = np.random.default_rng(0)
    expected = generator.standard_normal(elements, dtype=np.float32)
    expected += np.float32(offset)
    actual = generator.standard_normal(elements, dtype=np.float32)
    actual *= np.float32(1e-3)
    if in_proportion:
        actual *= expected
    actual += expected
    return actual, expected


def polygraphy_comparison(actual: np.ndarray, expected: np.ndarray) -> Callable[[], Any]:
    """Return a call of Polygraphy's comparison with its default settings."""
    results = [IterationResult({"tensor": array}, runner_name=name) for array, name in ((actual, "a"), (expected, "b"))]
    compare = SimpleCompareFunc()
    return lambda: compare(*results)


def seconds(call: Callable[[], Any]) -> float:
    """Time one call by the wall clock."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def extra_megabytes(call: Callable[[], Any]) -> dict[str, float]:
    """Measure the peak memory of a call, in MB (1e6 bytes): of numpy's and Python's allocators, and of the process.

    The process's resident memory is sampled each millisecond, so that it may miss a shorter peak; tracemalloc does not.
    """
    call()
    tracemalloc.start()
    call()
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    process = psutil.Process()
    before = peak = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(1e-3):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    call()
    done.set()
    watcher.join()
    return {"traced": round(traced / 1e6, 2), "resident": round((peak - before) / 1e6, 2)}


def processor_name() -> str:
    """Return the processor's name as the system has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def spread(values: list[float], digits: int) -> dict[str, float]:
    """Reduce repeated measurements to their median and range."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def compare_in_turns(actual: np.ndarray, expected: np.ndarray, rounds: int) -> dict[str, Any]:
    """Take ``rounds`` timings of each side in turns, after one of each that is not counted."""
    theirs = polygraphy_comparison(actual, expected)

    def ours() -> object:
        return compare_tensors(actual, expected)

    times: dict[str, list[float]] = {"harness": [], "polygraphy": []}
    sides = [("harness", ours), ("polygraphy", theirs)]
    for _, call in sides:
        call()
    for _ in range(rounds):
        for side, call in sides:
            times[side].append(seconds(call))
        # Whoever goes second finds a clock that has risen and a neighbour that has gone: take turns at it.
        sides.reverse()
        print(f"  harness {times['harness'][-1]:.3f} s, polygraphy {times['polygraphy'][-1]:.2f} s")
    return {
        "harness_seconds": spread(times["harness"], 4),
        "polygraphy_seconds": spread(times["polygraphy"], 3),
        "ratio": spread([b / a for a, b in zip(times["harness"], times["polygraphy"], strict=True)], 1),
        "extra_megabytes": {"harness": extra_megabytes(ours), "polygraphy": extra_megabytes(theirs)},
    }


def measure(rounds: int) -> dict[str, Any]:
    """Measure on every kind of data."""
    results = {}
    load = psutil.getloadavg()[0]
    with G_LOGGER.verbosity(G_LOGGER.CRITICAL):
        for name, kind in DATA.items():
            print(name)
            results[name] = compare_in_turns(*make_pair(ELEMENTS, **kind), rounds)
    reached = all(
        result["ratio"]["median"] >= GOAL_RATIO and max(result["extra_megabytes"]["harness"].values()) <= GOAL_MEGABYTES
        for result in results.values()
    )
    return {
        "array": {"dtype": "float32", "elements": ELEMENTS, "bytes": 4 * ELEMENTS},
        "rounds": rounds,
        "data": results,
        "goals": {"ratio_at_least": GOAL_RATIO, "extra_megabytes_at_most": GOAL_MEGABYTES},
        "reached": reached,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "polygraphy": polygraphy.__version__,
        },
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "load_average_before": round(load, 2),
    }


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timings of each side (default: 7)")
    parser.add_argument("--output", type=Path, default=RESULT, help="where the JSON goes")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {arguments.rounds}")
    result = measure(arguments.rounds)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, data in result["data"].items():
        ratio, memory = data["ratio"], data["extra_megabytes"]["harness"]
        print(
            f"{name}: {ratio['median']} times as fast ({ratio['min']} to {ratio['max']}; goal {GOAL_RATIO:g}), "
            f"{memory['traced']} MB traced and {memory['resident']} MB resident (goal {GOAL_MEGABYTES:g})"
        )


if __name__ == "__main__":
    main()
