"""Histories of 100 runs: how often a stable one is said to have changed, and how well a step is placed."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection.figures import Figure, at_least, at_most, error_of_mean, share
from benchmarks.detection.noise import Noise, simulate
from benchmarks.detection.rivals import asv, otava
from harness.verdicts.changes import find_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from benchmarks.detection.noise import Array

RUNS, EFFECT, NEAR = 100, 0.03, 3
NOISE = Noise(between_runs=0.01, outlier_rate=0.02)
# A step nearer to an end than that is the gate's affair rather than that of a history.
_FIRST_STEP, _LAST_STEP = 20, 80
_TABLE = f"Change points in {RUNS} runs"

Places = list[list[int]]


def measure(*, histories: int, rival_histories: int, otava_python: str = "") -> Iterator[Figure]:
    """Measure ``find_changes`` on ``histories`` stable and as many changed ones, and rivals on the first few of each.

    Args:
        histories: how many of each kind.
        rival_histories: how many of each kind the rivals see; Otava, the slowest, a fifth of that.
        otava_python: an interpreter with apache-otava, "" for none.
    """
    generator = np.random.default_rng(23)
    stable = simulate(NOISE, generator, histories, range(RUNS), samples=25).medians
    places = generator.integers(_FIRST_STEP, _LAST_STEP + 1, histories)
    changed = simulate(NOISE, generator, histories, range(RUNS), samples=25).medians
    changed = changed * np.where(np.arange(RUNS) >= places[:, None], 1 + EFFECT, 1.0)
    milliseconds: list[float] = []

    def ours(values: Array) -> Places:
        found = []
        for history in values.tolist():
            start = time.perf_counter()
            found.append([change.index for change in find_changes(history, smallest_effect=0.01)])
            milliseconds.append(1e3 * (time.perf_counter() - start))
        return found

    yield from _figures("find_changes", ours, stable, changed, places, promised=True)
    yield Figure(
        value=statistics.median(milliseconds), error=error_of_mean(milliseconds), simulations=len(milliseconds),
        unit="ms", what="a history", goal=at_most(5.0), table=_TABLE, method="find_changes", noise=NOISE.describe(),
    )  # fmt: skip
    few, fewer = slice(rival_histories), slice(max(1, rival_histories // 5))
    yield from _figures("asv, steps of more than 5 %", _steps(asv.THRESHOLD), stable[few], changed[few], places[few])
    yield from _figures("asv, threshold set to 1 %", _steps(0.01), stable[few], changed[few], places[few])
    if otava_python:

        def theirs(values: Array) -> Places:
            return [[index for index, _ in points] for points in otava.change_points(otava_python, values)]

        yield from _figures("Otava", theirs, stable[fewer], changed[fewer], places[fewer])


def _steps(threshold: float) -> Callable[[Array], Places]:
    return lambda values: [asv.regressions(steps, threshold) for steps in asv.fitted_steps(values)]


def _figures(
    method: str,
    find: Callable[[Array], Places],
    stable: Array,
    changed: Array,
    places: NDArray[np.int64],
    *,
    promised: bool = False,
) -> Iterator[Figure]:
    rest = {"table": _TABLE, "method": method, "noise": NOISE.describe()}
    alarms = sum(bool(found) for found in find(stable))
    found = find(changed)
    near = sum(any(abs(index - place) <= NEAR for index in each) for each, place in zip(found, places, strict=True))
    more = sum(len(each) > 1 for each in found)
    goals = (at_most(0.002), at_least(0.99)) if promised else (None, None)
    yield share(alarms, len(stable), what="stable, with any", goal=goals[0], **rest)
    yield share(near, len(changed), what=f"+{100 * EFFECT:g} % found within ± {NEAR} runs", goal=goals[1], **rest)
    yield share(more, len(changed), what="more than one found there", **rest)
