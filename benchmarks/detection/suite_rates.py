"""A whole suite, session after session, with nothing changed: how many sessions are red; and constants that change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.detection.figures import Figure, at_least, at_most, error_of_share, share
from benchmarks.detection.noise import Noise, simulate
from benchmarks.detection.policy import decide
from harness.cases.metric import METRICS
from harness.verdicts.gate import CONFIRMING_TRIALS, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERIES, SESSIONS, BASELINE_RUNS = 500, 20, 20
_TABLE = f"A suite of {SERIES} series, {SESSIONS} sessions of A against A"
# Each a fifth of the series of a suite in which not all are equally noisy.
_UNEQUAL = (0.001, 0.002, 0.005, 0.01, 0.02)


def measure_suite(*, repetitions: int, series: int = SERIES) -> Iterator[Figure]:
    """Run ``repetitions`` suites of ``SESSIONS`` sessions each, the baseline moving on with them.

    A baseline is the last 20 first trials that raised no alarm, as ``Queries.baseline_values`` takes them, and there
    are 20 when the first session starts.
    """
    quiet, equal = [Noise(between_runs=0.005)], [Noise(between_runs=0.01)]
    unequal = [Noise(between_runs=deviation, outlier_rate=0.02) for deviation in _UNEQUAL]
    words = f"runs {' '.join(f'{100 * d:g}' for d in _UNEQUAL)} %, a fifth each, 2 % of runs 10 % slower"
    for kinds, noise in ((quiet, quiet[0].describe()), (equal, equal[0].describe()), (unequal, words)):
        generator = np.random.default_rng(21)
        red = [_red_sessions(kinds, generator, series) for _ in range(repetitions)]
        red_sessions = int(np.count_nonzero(red))
        rest = {"table": _TABLE, "method": "this gate", "noise": f"N = {BASELINE_RUNS}, {noise}"}
        yield Figure(
            value=red_sessions / repetitions, error=SESSIONS * error_of_share(red_sessions, repetitions * SESSIONS),
            simulations=repetitions, unit="count",
            what=f"red sessions of {SESSIONS}", goal=at_most(1.0), **rest,
        )  # fmt: skip
        yield share(
            sum(map(sum, red)), repetitions * SESSIONS * series, what="false alarms a series and session", **rest
        )


def measure_constants(*, values: int) -> Iterator[Figure]:
    """Change constant metrics by one unit for the worse, at ``values`` levels each; count what is called at once."""
    generator = np.random.default_rng(22)
    sizes = generator.integers(10_000, 600_000_000, values).astype(float).tolist()
    right = generator.integers(1, 541, values).tolist()
    lower: dict[str, Any] = {"direction": "lower", "smallest_effect": 0.0}
    higher: dict[str, Any] = {"direction": "higher", "smallest_effect": 0.0, "scale": "linear"}
    own = METRICS["engine_bytes"].smallest_effect
    changes = {
        "engine bytes, 1 B": [judge([size] * 10, [size + 1], **lower) for size in sizes],
        "top-1 of 540, 1 sample": [judge([hits / 540] * 10, [(hits - 1) / 540], **higher) for hits in right],
        f"engine bytes, the metric's own {100 * own:g} %": [
            judge([size] * 10, [size * (1 + own)], smallest_effect=own) for size in sizes
        ],
    }
    for change, verdicts in changes.items():
        found = sum(verdict.status == "regressed" for verdict in verdicts)
        yield share(
            found, values, table="Constant metrics, changed by one unit for the worse", method="this gate",
            noise=f"N = 10, no variance: {change}", what="found at once", goal=at_least(1.0),
        )  # fmt: skip


def _red_sessions(kinds: Sequence[Noise], generator: np.random.Generator, series: int) -> list[int]:
    """Return for each session how many series were called regressed."""
    order = [*range(BASELINE_RUNS), *np.repeat(np.arange(BASELINE_RUNS, BASELINE_RUNS + SESSIONS), CONFIRMING_TRIALS)]
    alarms = [0] * SESSIONS
    for noise in kinds:
        runs = simulate(noise, generator, series // len(kinds), [int(session) for session in order], samples=25)
        for history in runs.medians.tolist():
            good = history[:BASELINE_RUNS]
            for session in range(SESSIONS):
                start = BASELINE_RUNS + session * CONFIRMING_TRIALS
                trials = history[start : start + CONFIRMING_TRIALS]
                regressed = decide(good[-BASELINE_RUNS:], trials, smallest_effect=0.02).status == "regressed"
                alarms[session] += regressed
                if not regressed:
                    good.append(trials[0])
    return alarms
