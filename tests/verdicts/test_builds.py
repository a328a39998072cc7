"""How far builds lie apart, and what of it an interval still has to allow for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.verdicts import prediction
from harness.verdicts.builds import Lottery, lottery_of
from harness.verdicts.noise import Run


def runs_of(**builds: list[float]) -> list[Run]:
    """Return runs of several builds, whose values are given as logarithms."""
    return [Run(build=build, value=math.exp(value)) for build, values in builds.items() for value in values]


def test_one_build_tells_nothing_of_others() -> None:
    """From runs of one build there is no spread between builds, and nothing is to be added."""
    lottery = lottery_of(["a"] * 8, [runs_of(a=[0.0, 0.01, 0.02])])
    assert lottery.deviation is None
    assert lottery.beyond(5) == 0.0


def test_spread_is_widened_for_the_number_of_builds() -> None:
    """Ten builds without noise have their own standard deviation, times t(0.975, 9) / 1.96."""
    values = np.random.default_rng(0).normal(0.0, 0.05, 10)
    builds = {f"b{i}": [float(value)] * 2 for i, value in enumerate(values)}
    lottery = lottery_of(["b0"] * 8, [runs_of(**builds)])
    assert lottery.builds == 10
    assert lottery.deviation == pytest.approx(values.std(ddof=1) * prediction.quantile(0.975, 9) / 1.96, rel=1e-4)


def test_single_runs_of_builds_bound_the_spread() -> None:
    """Where no build ran twice, the spread of all runs is taken for that of the builds."""
    builds = {f"b{i}": [0.01 * i] for i in range(5)}
    deviation = lottery_of(["b0"], [runs_of(**builds)]).deviation
    assert deviation == pytest.approx(0.01 * np.std(range(5), ddof=1) * prediction.quantile(0.975, 4) / 1.96, rel=1e-4)


def test_what_is_to_be_judged_is_no_spread() -> None:
    """Three builds of a session that is 50 % slower are as far apart as they are among themselves."""
    before = runs_of(a=[0.0, 0.0], b=[0.01, 0.01], c=[0.02, 0.02])
    after = runs_of(d=[0.5, 0.5], e=[0.51, 0.51], f=[0.52, 0.52])
    together, alone = lottery_of(["a", "b", "c"], [before, after]), lottery_of(["a", "b", "c"], [before])
    assert together.deviation is not None
    assert alone.deviation is not None
    assert together.deviation < alone.deviation < 0.1
    assert together.deviation == pytest.approx(0.01 * prediction.quantile(0.975, 4) / 1.96, rel=0.01)


@pytest.mark.parametrize("trials", [1, 5])
@pytest.mark.parametrize(
    "runs_of_builds", [(20,), (10, 10), (19, 1), (1,) * 20], ids=["one", "two", "a stray", "each run its own"]
)
def test_interval_allows_for_what_the_baseline_does_not_show(runs_of_builds: tuple[int, ...], trials: int) -> None:
    """Simulated, the error that the gate computes is that of the prediction within 12 %, and never less by 5 %."""
    generator = np.random.default_rng(len(runs_of_builds))
    between, within, series = 0.02, 0.01, 20_000
    draws = generator.normal(0.0, between, (series, len(runs_of_builds)))
    baseline = np.repeat(draws, runs_of_builds, axis=1) + generator.normal(0.0, within, (series, sum(runs_of_builds)))
    new = generator.normal(0.0, between, (series, 1)) + generator.normal(0.0, within, (series, trials))
    # Means instead of medians where builds differ: a median of two levels is no smooth function of them.
    shift = np.median(new, axis=1) - baseline.mean(axis=1)
    lottery = Lottery(between, 100, runs_of_builds)
    spread = prediction.Spread(float(np.sqrt(baseline.var(axis=1, ddof=1).mean())), 19, 0)
    error = prediction.error_of(
        spread, runs=20, trials=trials, build_deviation=lottery.beyond(trials), baseline_builds=len(runs_of_builds)
    )
    assert 0.95 <= error.deviation / float(shift.std()) <= 1.12
