"""Components of the noise, against simulated truth, a textbook's algebra, and runs of an H200."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import ConfigurationError
from harness.verdicts.noise import Components, Replication, Run, components, needed

MEASURED = json.loads((Path(__file__).parents[1] / "data" / "noise_h200_trt860.json").read_text())["medians"]


def _measured(mode: str, *builds: str) -> list[Run]:
    return [Run(build=build, value=value) for build in builds for value in MEASURED[mode][build]]


def _simulated(
    counts: list[int], *, between_builds: float, between_processes: float, error: float, seed: int
) -> list[Run]:
    """Return runs of as many builds as there are ``counts``, each with that many runs, of known components."""
    generator = np.random.default_rng(seed)
    return [
        Run(build=str(build), value=math.exp(value), error=error)
        for build, (count, offset) in enumerate(
            zip(counts, generator.normal(0.0, between_builds, len(counts)), strict=True)
        )
        for value in offset + generator.normal(0.0, math.hypot(between_processes, error), count)
    ]


@pytest.mark.parametrize(
    "counts", [pytest.param([4] * 300, id="balanced"), pytest.param([1, 2, 3, 10] * 300, id="unbalanced")]
)
def test_components_are_those_that_were_put_in(counts: list[int]) -> None:
    """With many builds the estimates come close to the truth, whether each has as many runs or not."""
    noise = components(_simulated(counts, between_builds=0.05, between_processes=0.008, error=0.006, seed=1))
    assert noise.between_builds == pytest.approx(0.05, rel=0.1)
    assert noise.between_processes == pytest.approx(0.008, rel=0.1)
    assert noise.within_run == pytest.approx(0.006)
    assert noise.of_one_build == pytest.approx(0.01, rel=0.1)
    assert (noise.builds, noise.runs, noise.truncated) == (len(counts), sum(counts), ())


def test_estimates_are_without_bias_in_unbalanced_designs() -> None:
    """Over many experiments with few, unequal builds, the mean of the variances is the true one."""
    variances = [
        noise.between_builds**2
        for seed in range(600)
        for noise in [
            components(_simulated([2, 3, 8, 3], between_builds=0.05, between_processes=0.01, error=0.0, seed=seed))
        ]
        if noise.between_builds is not None
    ]
    assert np.mean(variances) == pytest.approx(0.05**2, rel=0.1)


def test_algebra_of_an_unbalanced_design() -> None:
    """Mean squares and their coefficient are those worked out by hand: MSW = 1 / 3, MSB = 8.45, n0 = 2.4."""
    runs = [
        Run(build=build, value=math.exp(value)) for build, value in [("a", 0), ("a", 1), ("b", 3), ("b", 4), ("b", 3.5)]
    ]
    noise = components(runs)
    within = (0.5 + 0.5) / 3
    between = 2 * (0.5 - 2.3) ** 2 + 3 * (3.5 - 2.3) ** 2
    assert noise.between_processes == pytest.approx(math.sqrt(within))
    assert noise.between_builds == pytest.approx(math.sqrt((between - within) / (5 - 13 / 5)))
    assert noise.within_run is None


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([("a", 1.0), ("a", 1.1)], (None, True), id="one build tells nothing of others"),
        pytest.param([("a", 1.0), ("b", 1.1)], (None, None), id="one run of each tells nothing apart"),
        pytest.param([("a", 1.0), ("a", 1.1), ("b", 1.0)], (True, True), id="one build with two runs tells both"),
        pytest.param([("a", 1.0)], (None, None), id="one run tells nothing"),
    ],
)
def test_what_runs_cannot_tell_is_none(
    runs: list[tuple[str, float]], expected: tuple[bool | None, bool | None]
) -> None:
    """A component that the design does not show is None, never 0."""
    noise = components([Run(build=build, value=value) for build, value in runs])
    shown = noise.between_builds, noise.between_processes
    assert tuple(None if value is None else True for value in shown) == expected
    assert (noise.of_one_build is None) == (expected[1] is None)


def test_negative_estimates_are_told_as_zero_and_named() -> None:
    """Builds that agree better than their runs do, and runs better than their errors say, are 0 and said so."""
    runs = [Run(build=build, value=value, error=0.5) for build in "ab" for value in (1.0, 1.1)]
    noise = components(runs)
    assert (noise.between_builds, noise.between_processes) == (0.0, 0.0)
    assert set(noise.truncated) == {"between_builds", "between_processes"}


def test_error_of_a_run_that_is_not_known_stays_in_the_process() -> None:
    """One run without an error leaves the error of all of them a part of the spread between processes."""
    runs = _simulated([50, 50], between_builds=0.05, between_processes=0.008, error=0.006, seed=2)
    noise = components([replace(runs[0], error=None), *runs[1:]])
    assert noise.within_run is None
    assert noise.between_processes == noise.of_one_build == pytest.approx(0.01, rel=0.2)


def test_runs_of_an_h200_show_the_lottery_of_builds() -> None:
    """Three builds of one squeezenet lie 7 % apart under graph replay, fifteen times as far as processes do."""
    noise = components(_measured("graph", "sq0", "sq1", "sq2"))
    assert noise.between_builds == pytest.approx(0.074, abs=0.001)
    assert noise.between_processes == pytest.approx(0.0050, abs=0.0001)


def test_runs_of_an_h200_hide_it_under_stream_launches() -> None:
    """Where processes lie 9 % apart, eight of each build show nothing of how far builds do."""
    noise = components(_measured("stream", "sq0", "sq1", "sq2"))
    assert noise.between_builds == 0.0
    assert noise.truncated == ("between_builds",)
    assert noise.between_processes == pytest.approx(0.09, abs=0.01)


def test_samples_are_reduced_to_their_median_and_its_error() -> None:
    """Over runs of independent samples, the error that each tells is how far their medians scatter."""
    samples = np.exp(np.random.default_rng(3).normal(0.0, 0.02, (400, 500)))
    runs = [Run.from_samples("a", row) for row in samples]
    assert runs[0].value == pytest.approx(float(np.median(samples[0])), rel=1e-6)
    scatter = float(np.std([math.log(run.value) for run in runs], ddof=1))
    told = math.sqrt(float(np.mean([(run.error or 0.0) ** 2 for run in runs])))
    assert told == pytest.approx(scatter, rel=0.15)


def test_samples_that_resemble_each_other_are_worth_fewer() -> None:
    """A level that wanders within the run makes the error larger, a few stray samples do not."""
    generator = np.random.default_rng(4)
    quiet = generator.normal(0.0, 0.02, 900)
    wandering = quiet + np.repeat(generator.normal(0.0, 0.02, 30), 30)
    stray = quiet.copy()
    stray[::50] += 2.0
    error, large, same = (Run.from_samples("a", np.exp(row)).error for row in (quiet, wandering, stray))
    assert error is not None
    assert large is not None
    assert same == pytest.approx(error, rel=0.25)
    assert large > 3 * error


def test_few_samples_have_no_error() -> None:
    """From fifteen samples nothing is said of the error of their median."""
    assert Run.from_samples("a", np.linspace(1, 2, 15)).error is None
    assert Run.from_samples("a", np.linspace(1, 2, 16)).error is not None


def test_needed_numbers_find_the_effect() -> None:
    """Simulated with the numbers that were advised, about four differences of five are found, and fewer with fewer."""
    from scipy.stats import t, ttest_ind

    noise = Components(between_builds=0.02, between_processes=0.01, within_run=None, builds=9, runs=90)
    plan = needed(noise, 0.03, power=0.8, alpha=0.01)
    assert plan.detectable <= 0.03
    freedom = 2 * (plan.builds - 1)
    error = math.sqrt(2 * (0.02**2 + 0.01**2 / plan.processes) / plan.builds)
    assert math.log1p(plan.detectable) == pytest.approx((t.ppf(0.995, freedom) + t.ppf(0.8, freedom)) * error)

    def power(builds: int) -> float:
        generator = np.random.default_rng(5)
        means = generator.normal(0.0, math.sqrt(0.02**2 + 0.01**2 / plan.processes), (4000, 2, builds))
        return float(np.mean(ttest_ind(means[:, 1] + math.log1p(0.03), means[:, 0], axis=1).pvalue <= 0.01))

    assert power(plan.builds) == pytest.approx(0.8, abs=0.06)
    assert power(plan.builds - 4) < 0.7


@pytest.mark.parametrize(
    ("between_builds", "build_cost", "least", "most"),
    [
        pytest.param(0.02, 10.0, 1, 3, id="builds that differ more than processes need few processes"),
        pytest.param(0.003, 10.0, 8, 20, id="builds that hardly differ, and are dear, need many"),
        pytest.param(0.003, 0.0, 1, 1, id="builds that cost nothing need one"),
    ],
)
def test_effort_is_divided_by_what_it_costs(between_builds: float, build_cost: float, least: int, most: int) -> None:
    """The number of processes of each build follows the noise and the price of a build."""
    noise = Components(between_builds=between_builds, between_processes=0.01, within_run=0.0, builds=9, runs=90)
    assert least <= needed(noise, 0.01, build_cost=build_cost).processes <= most


def test_engines_rather_than_builds_need_processes_alone() -> None:
    """Where the spread between builds is set to 0, the question is about two engines, and one of each is enough."""
    noise = components(_measured("graph", "sq0", "sq1", "sq2"))
    assert needed(replace(noise, between_builds=0.0), 0.01) == Replication(1, 8, pytest.approx(0.0097, abs=1e-4))
    assert needed(noise, 0.05).builds > 50


def test_no_noise_needs_next_to_nothing() -> None:
    """Without any noise two processes, which show that there is none, are enough."""
    noise = Components(between_builds=0.0, between_processes=0.0, within_run=0.0, builds=2, runs=4)
    assert needed(noise, 0.01) == Replication(1, 2, 0.0)


@pytest.mark.parametrize(
    ("noise", "parameters", "message"),
    [
        pytest.param({"between_builds": None}, {}, "4 runs of 2 builds do not tell", id="builds that are not known"),
        pytest.param({}, {"effect": 0.0}, "effect must be a positive number, not 0.0", id="no effect"),
        pytest.param({}, {"power": 1.0}, "power must be between 0 and 1", id="certainty"),
        pytest.param({}, {"build_cost": -1.0}, "build_cost must be", id="a negative cost"),
        pytest.param({"between_builds": 0.5}, {"effect": 1e-4}, "ask for a larger one", id="a hopeless effect"),
    ],
)
def test_what_cannot_be_planned_is_refused(noise: dict[str, Any], parameters: dict[str, Any], message: str) -> None:
    """A plan without the noise, or for an effect that nothing could find, is an error that says the way out."""
    known: dict[str, Any] = {
        "between_builds": 0.01,
        "between_processes": 0.01,
        "within_run": None,
        "builds": 2,
        "runs": 4,
    }
    with pytest.raises(ConfigurationError, match=message):
        needed(Components(**{**known, **noise}), **{"effect": 0.01, **parameters})


def test_bad_runs_are_refused() -> None:
    """Values that have no logarithm, negative errors, and no runs at all are errors."""
    with pytest.raises(ConfigurationError, match="positive number, not 0"):
        Run(build="a", value=0)
    with pytest.raises(ConfigurationError, match="the error of a run must be"):
        Run(build="a", value=1.0, error=-0.1)
    with pytest.raises(ConfigurationError, match="a run of 'a' has not"):
        Run.from_samples("a", [1.0, -1.0])
    with pytest.raises(ConfigurationError, match="at least two runs of each of two builds"):
        components([])
