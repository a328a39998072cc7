"""Two subjects on one machine that drifts: run in turns, as the harness does, and one after the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import ttest_ind

from benchmarks.detection.figures import at_least, at_most, share
from benchmarks.detection.noise import Noise, simulate
from harness.verdicts.compare import compare_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.detection.figures import Figure
    from benchmarks.detection.noise import Array

BLOCKS, DRIFT_PER_BLOCK, SMALLEST_EFFECT, ALPHA = 8, 0.005, 0.0, 0.01
# One block is A, B, B, A.
_IN_TURNS = np.tile([True, False, False, True], BLOCKS)
_IN_ORDER = np.repeat([True, False], 2 * BLOCKS)
NOISE = Noise(between_runs=0.005, drift=math.expm1(math.log1p(DRIFT_PER_BLOCK) / 4))
_TABLE = f"A against B, {BLOCKS} blocks of A B B A"


def measure(*, pairs: int) -> Iterator[Figure]:
    """Compare ``pairs`` pairs of subjects that are equal, and as many of which one is 1 or 2 % slower."""
    generator = np.random.default_rng(24)
    runs = simulate(NOISE, generator, pairs, range(_IN_TURNS.size), samples=25).medians
    noise = f"{NOISE.describe()}, which is {100 * DRIFT_PER_BLOCK:g} % a block"
    for effect, goal in ((0.0, at_most(0.012)), (0.01, at_least(0.85)), (0.02, at_least(0.99))):
        what = f"found at +{100 * effect:g} %" if effect else "false positives"
        rest = {"table": _TABLE, "noise": noise, "what": what}
        a, b = _divided(runs, _IN_TURNS, effect)
        called = sum(_differs(*pair) for pair in zip(a, b, strict=True))
        yield share(called, pairs, method="compare_blocks", goal=goal, **rest)
        for method, order in (
            ("t-test of runs in turns", _IN_TURNS),
            ("t-test of runs one after the other", _IN_ORDER),
        ):
            a, b = _divided(runs, order, effect)
            p = ttest_ind(np.log(a), np.log(b), axis=1).pvalue
            yield share(int((p < ALPHA).sum()), pairs, method=f"{method}, p < {ALPHA:g}", **rest)


def _divided(runs: Array, first: NDArray[np.bool_], effect: float) -> tuple[Array, Array]:
    """Return the runs of A and of B, the second slower by ``effect``."""
    return runs[:, first], runs[:, ~first] * (1 + effect)


def _differs(a: Array, b: Array) -> bool:
    comparison = compare_blocks(
        a.reshape(BLOCKS, 2), b.reshape(BLOCKS, 2), smallest_effect=SMALLEST_EFFECT, alpha=ALPHA
    )
    return comparison.status in {"regressed", "improved"}
