"""The gate, by tables, and by simulation of what it promises."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.errors import ConfigurationError
from harness.verdicts.gate import Status, Verdict, adjust, judge

if TYPE_CHECKING:
    from collections.abc import Callable

STEADY = [1.000, 1.004, 0.996, 1.002, 0.998, 1.001, 0.999, 1.003, 0.997, 1.000]
LINEAR: dict[str, Any] = {"scale": "linear", "direction": "higher", "smallest_effect": 3.0}
INFINITE = math.inf
NOT_A_NUMBER = math.nan


@pytest.mark.parametrize(
    ("trials", "direction", "expected"),
    [
        pytest.param([1.001], "lower", "pass", id="one trial among the baseline passes"),
        pytest.param([1.015], "lower", "pass", id="an effect outside the interval but too small for a word passes"),
        pytest.param([1.1], "lower", "inconclusive", id="one slow trial wants more trials"),
        pytest.param([0.9], "lower", "inconclusive", id="one fast trial wants more trials"),
        pytest.param([1.1] * 5, "lower", "regressed", id="five slow trials are a regression"),
        pytest.param([0.9] * 5, "lower", "improved", id="five fast trials are an improvement"),
        pytest.param([1.1] * 5, "higher", "improved", id="more is better where higher is better"),
        pytest.param([0.9] * 5, "higher", "regressed", id="less is worse where higher is better"),
        pytest.param([1.1, 1.0, 1.001, 0.999, 1.0], "lower", "pass", id="a slow trial that four others refute passes"),
        pytest.param([1.1, 1.1, 1.1, 1.08, 0.999], "lower", "regressed", id="the median of the trials decides"),
        pytest.param([], "lower", "missing", id="no trial is missing"),
        pytest.param([NOT_A_NUMBER], "lower", "missing", id="a trial that is NaN is missing"),
        pytest.param([1.0, NOT_A_NUMBER], "lower", "missing", id="one NaN among the trials is missing"),
        pytest.param([-1.0], "lower", "missing", id="a negative value of a ratio metric is missing"),
        pytest.param([0.0] * 5, "lower", "improved", id="zero is infinitely far below on a log scale"),
        pytest.param([INFINITE] * 5, "lower", "regressed", id="an infinite latency is a regression"),
    ],
)
def test_status(trials: list[float], direction: Any, expected: Status) -> None:
    """Trials are judged against a steady baseline with a smallest effect of 2 %."""
    assert judge(STEADY, trials, direction=direction, smallest_effect=0.02).status == expected


@pytest.mark.parametrize(
    ("baseline", "trials", "expected"),
    [
        pytest.param([INFINITE] * 9, [INFINITE], "pass", id="equal infinities are equal"),
        pytest.param([INFINITE] * 9, [120.0], "regressed", id="an exact match that is lost is a regression at once"),
        pytest.param([90.0] * 9, [INFINITE], "improved", id="a match that became exact is an improvement at once"),
        pytest.param([90.0] * 9, [90.0], "pass", id="the same number passes"),
        pytest.param([90.0] * 9, [88.0], "pass", id="a change below the smallest effect passes"),
        pytest.param([90.0] * 9, [87.0], "regressed", id="a change of exactly the smallest effect is one"),
        pytest.param([90.0] * 5 + [INFINITE] * 4, [95.0], "pass", id="inside a range that ends in infinity passes"),
        pytest.param([90.0] * 5 + [INFINITE] * 4, [80.0], "inconclusive", id="outside such a range wants more trials"),
        pytest.param([90.0] * 5 + [INFINITE] * 4, [80.0] * 5, "regressed", id="outside it, repeated, is a regression"),
        pytest.param([-INFINITE] * 9, [-INFINITE], "pass", id="equal negative infinities are equal"),
    ],
)
def test_exact_comparison(baseline: list[float], trials: list[float], expected: Status) -> None:
    """Baselines without a spread are compared exactly, and never skipped."""
    assert judge(baseline, trials, **LINEAR).status == expected


@pytest.mark.parametrize(
    ("trial", "resolution", "expected"),
    [
        pytest.param(0.0, 0.0, "pass", id="zero like all the others passes"),
        pytest.param(1e-6, 0.0, "regressed", id="no ratio to zero is small"),
        pytest.param(1e-6, 1e-5, "pass", id="unless the instrument cannot tell it from zero"),
    ],
)
def test_baseline_of_zeros_on_a_log_scale(trial: float, resolution: float, expected: Status) -> None:
    """Zeros have no logarithm but can be compared."""
    verdict = judge([0.0] * 8, [trial], smallest_effect=0.5, resolution=resolution)
    assert verdict.status == expected
    assert verdict.effect == (0.0 if trial == 0 else INFINITE)


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        pytest.param([1.2, 1.21, 1.19, 1.2, 1.0], "regressed", id="one of five may stray"),
        pytest.param([1.2, 1.21, 1.19, 1.02, 1.0], "inconclusive", id="two of five are too many"),
        pytest.param([1.2, 1.21, 1.19, 1.12, 1.13], "regressed", id="as long as they are nearer to the baseline"),
        pytest.param([0.8, 0.81, 0.79, 0.99, 1.0], "inconclusive", id="for the better, too"),
        pytest.param([1.2, 1.21, 1.0], "inconclusive", id="of three trials none may"),
    ],
)
def test_trials_that_disagree_decide_nothing(trials: list[float], expected: Status) -> None:
    """Where some trials changed and some are as before, the median of all is no verdict on the engine."""
    verdict = judge(STEADY, trials, smallest_effect=0.02)
    assert verdict.status == expected
    assert ("nearer to the baseline, so it comes and goes" in verdict.reason) == (expected == "inconclusive")


@pytest.mark.parametrize(
    ("count", "expected"),
    [pytest.param(7, "insufficient", id="seven runs are too few"), pytest.param(8, "pass", id="eight runs are enough")],
)
def test_length_of_the_baseline(count: int, expected: Status) -> None:
    """Below eight runs there is no verdict, though the effect is told."""
    verdict = judge(STEADY[:count], [1.01], smallest_effect=0.02)
    assert (verdict.status, verdict.n) == (expected, count)
    assert verdict.effect is not None


def test_unusable_baseline_runs_are_dropped_and_counted() -> None:
    """NaN, and negative values of a ratio, are no runs, and the reason says how many there were."""
    verdict = judge([*STEADY[:7], NOT_A_NUMBER, -1.0], [1.0], smallest_effect=0.02)
    assert (verdict.status, verdict.n) == ("insufficient", 7)
    assert "7 runs (2 more had no usable value), and 8 are needed" in verdict.reason
    assert "has 1 run, and 8 are needed" in judge([1.0], [1.0], smallest_effect=0.02).reason


def test_verdict_carries_what_it_was_decided_on() -> None:
    """Effect, interval, p, spread, counts and values are all there, and agree with each other."""
    verdict = judge(STEADY, [1.1] * 5, smallest_effect=0.02)
    assert verdict.effect == pytest.approx(0.1)
    assert (verdict.n, verdict.k, verdict.value, verdict.baseline) == (10, 5, 1.1, 1.0)
    assert verdict.low is not None
    assert verdict.high is not None
    assert 0 < verdict.low < 0.1 < verdict.high
    assert verdict.p is not None
    assert verdict.p < 0.001
    assert verdict.q is None
    assert verdict.spread == pytest.approx(np.std(np.log(STEADY), ddof=1))
    assert "1.1, the median of 5 trials, is 10 % above 1, the median of 10 runs" in verdict.reason


def test_a_reason_is_in_the_unit_that_it_is_told() -> None:
    """Values are written as people read them: bytes in binary units."""
    grown = judge([3_219_350.0] * 9, [3_425_580.0], smallest_effect=0.01, unit="B")
    assert grown.reason.startswith("3.267 MiB is 6.41 % above 3.07 MiB, the median of 9 runs")
    noisier = judge([40.0, 40.1, 39.9] * 4, [36.0], smallest_effect=0.5, scale="linear", unit="dB")
    assert noisier.reason.startswith("36 dB is 4 dB below 40 dB, the median of 12 runs")
    assert "and 0.5 dB is the smallest effect worth a word" in noisier.reason


def test_a_reason_gives_thresholds_in_the_direction_of_the_change() -> None:
    """On a log scale the smallest effect is one factor: 10 % more, or 9.09 % less."""
    up, down = (judge(STEADY, [value] * 5, smallest_effect=0.1).reason for value in (1.3, 0.7))
    assert "and 10 % is the smallest effect worth a word" in up
    assert "and 9.09 % is the smallest effect worth a word" in down


def test_interval_and_p_say_the_same() -> None:
    """Zero is at the edge of the interval of an effect whose p is the level itself."""
    edge = judge(STEADY, [1.0], smallest_effect=0.0)
    assert edge.high is not None
    verdict = judge(STEADY, [1.0 + edge.high], smallest_effect=0.0)
    assert verdict.p == pytest.approx(0.05)
    assert verdict.low == pytest.approx(0.0, abs=1e-12)


def test_smallest_effect_reaches_as_far_down_as_up() -> None:
    """On a log scale a smallest effect of 5 % is a factor of 1.05 either way."""
    runs = [1.0] * 8
    down = [judge(runs, [value], smallest_effect=0.05).status for value in (1 / 1.049, 1 / 1.05)]
    up = [judge(runs, [value], smallest_effect=0.05).status for value in (1.049, 1.05)]
    assert (down, up) == (["pass", "improved"], ["pass", "regressed"])


def test_quantised_timer_does_not_shrink_the_spread() -> None:
    """A spread below the timer's resolution is not believed, so one tick more is no regression."""
    coarse = [10.0] * 9 + [10.01]
    assert judge(coarse, [10.2] * 5, smallest_effect=0.0).status == "regressed"
    assert judge(coarse, [10.2] * 5, smallest_effect=0.0, resolution=0.1).status == "pass"


def test_second_mode_of_a_builder_is_no_regression() -> None:
    """A latency that four of ten baseline builds had is not called new."""
    lottery = [0.1223, 0.1224, 0.1222, 0.1225, 0.1223, 0.1224, 0.1402, 0.1401, 0.1403, 0.1402]
    assert judge(lottery, [0.1402] * 5, smallest_effect=0.02).status == "pass"


@pytest.mark.parametrize(
    ("trials", "build_spread", "expected"),
    [
        pytest.param([1.1] * 5, None, "regressed", id="the same engine is 10 % slower"),
        pytest.param([1.1] * 5, 0.0, "regressed", id="builds that never differ explain nothing"),
        pytest.param([1.1] * 5, 0.05, "pass", id="another build is, where builds lie 5 % apart"),
        pytest.param([1.3] * 5, 0.05, "regressed", id="no build explains 30 %"),
        pytest.param([0.7] * 5, 0.05, "improved", id="nor the other way"),
        pytest.param([1.1], 0.05, "pass", id="one trial of such a build raises no question"),
        pytest.param([1.2], 0.05, "inconclusive", id="but one that lies far out does"),
    ],
)
def test_lottery_of_builds(trials: list[float], build_spread: float | None, expected: Status) -> None:
    """Trials of another build are judged by an interval that holds what builds differ by."""
    assert judge(STEADY, trials, smallest_effect=0.02, build_spread=build_spread).status == expected


def test_verdict_on_another_build_says_so() -> None:
    """The interval, p and what could have been found grow with the spread between builds, and the reason names it."""
    same, other = (judge(STEADY, [1.1] * 5, smallest_effect=0.02, build_spread=spread) for spread in (None, 0.05))
    for verdict in (same, other):
        assert verdict.low is not None
        assert verdict.p is not None
        assert verdict.detectable is not None
    assert (same.effect, same.spread) == (other.effect, other.spread)
    assert other.low < 0 < same.low  # type: ignore[operator]
    assert other.p > 0.1 > same.p  # type: ignore[operator]
    assert other.detectable > 5 * same.detectable  # type: ignore[operator]
    assert "that builds lie 5.13 % apart is part of it" in other.reason
    assert "builds" not in same.reason


def test_constant_baseline_of_another_build_is_not_compared_exactly() -> None:
    """One engine's bytes never vary, but the next build's do, and are judged by how much builds differ."""
    runs, trial = [7_000_000.0] * 8, [7_100_000.0]
    assert judge(runs, trial, smallest_effect=0.01).status == "regressed"
    assert judge(runs, trial, smallest_effect=0.01, build_spread=0.02).status == "pass"
    assert judge(runs, [9_000_000.0] * 5, smallest_effect=0.01, build_spread=0.02).status == "regressed"


def test_more_builds_in_the_baseline_narrow_the_interval() -> None:
    """What builds usually take is known better from five of them than from one."""
    one, five = (
        judge(STEADY, [1.1] * 5, smallest_effect=0.02, build_spread=0.05, baseline_builds=builds) for builds in (1, 5)
    )
    assert one.high is not None
    assert five.high is not None
    assert five.high < one.high


@pytest.mark.parametrize("baseline_builds", [1, 5])
def test_false_alarms_over_builds(baseline_builds: int, record_property: Callable[[str, object], None]) -> None:
    """Unchanged graphs that are built anew are called changed as rarely as promised; unwidened, two times of three."""
    generator = np.random.default_rng(20_240_601)
    series, runs, between = 4000, 10, 0.05
    of_baseline = np.repeat(generator.normal(0.0, between, (series, baseline_builds)), runs // baseline_builds, axis=1)
    baselines = np.exp(of_baseline + generator.normal(0.0, 0.005, (series, runs))).tolist()
    of_trials = generator.normal(0.0, between, (series, 1))
    trials = np.exp(of_trials + generator.normal(0.0, 0.005, (series, 5))).tolist()

    def changed(build_spread: float | None) -> float:
        verdicts = [
            judge(baseline, new, smallest_effect=0.0, build_spread=build_spread, baseline_builds=baseline_builds)
            for baseline, new in zip(baselines, trials, strict=True)
        ]
        return float(np.mean([verdict.status in {"regressed", "improved"} for verdict in verdicts]))

    rate = changed(between)
    record_property("false_alarms", rate)
    assert rate <= 0.002
    if baseline_builds == 1:
        assert changed(None) > 0.6


def test_noisy_baseline_says_what_it_could_have_found() -> None:
    """The detectable effect grows with the noise, and is never below the smallest effect."""
    noisy = [1 + 20 * (value - 1) for value in STEADY]
    quiet, loud = (judge(runs, [1.0], smallest_effect=0.02).detectable for runs in (STEADY, noisy))
    assert quiet is not None
    assert loud is not None
    assert 0.02 < quiet < 0.04
    assert loud > 0.2


def test_detectable_effect_is_found_four_times_out_of_five() -> None:
    """At the effect called detectable, by a baseline of typical spread, confirmation finds about 80 %."""
    generator = np.random.default_rng(3)
    deviation = 0.01
    typical = np.exp(deviation * _typical_normal(12))
    detectable = judge(typical.tolist(), [1.0], smallest_effect=0.0).detectable
    assert detectable is not None
    trials = np.exp(generator.normal(math.log1p(detectable), deviation, (400, 5)))
    verdicts = [judge(typical.tolist(), row, smallest_effect=0.0) for row in trials.tolist()]
    assert np.mean([verdict.status == "regressed" for verdict in verdicts]) > 0.75


def _typical_normal(count: int) -> np.ndarray:
    """Return a Gaussian sample of the most typical shape, with mean 0 and deviation 1."""
    from scipy.stats import norm

    points = norm.ppf((np.arange(count) + 0.5) / count)
    return np.asarray(points / points.std(ddof=1))


def _rate(status: Status, *, shift: float, deviation: float, smallest_effect: float, series: int, runs: int) -> float:
    """Return how many of simulated series end with ``status`` after screening and confirmation."""
    generator = np.random.default_rng(20_240_601)
    baselines = np.exp(generator.normal(0.0, deviation, (series, runs))).tolist()
    trials = np.exp(generator.normal(math.log1p(shift), deviation, (series, 5))).tolist()
    count = 0
    for baseline, trial in zip(baselines, trials, strict=True):
        screened = judge(baseline, trial[:1], smallest_effect=smallest_effect)
        if screened.status == "inconclusive":
            count += judge(baseline, trial, smallest_effect=smallest_effect).status == status
    return count / series


@pytest.mark.parametrize(
    ("deviation", "smallest_effect", "allowed"),
    [
        pytest.param(0.005, 0.02, 0.0, id="quiet series, runs apart by 0.5 %, never raise one"),
        pytest.param(0.03, 0.05, 0.001, id="noisy series, runs apart by 3 %, raise less than one in a thousand"),
        pytest.param(0.01, 0.0, 0.002, id="series of which every effect counts raise what was promised"),
    ],
)
def test_false_alarms(
    deviation: float, smallest_effect: float, allowed: float, record_property: Callable[[str, object], None]
) -> None:
    """Unchanged series are called regressed no more often than the level of the confirmation says."""
    rate = _rate("regressed", shift=0.0, deviation=deviation, smallest_effect=smallest_effect, series=20_000, runs=10)
    record_property("false_alarms", rate)
    assert rate <= allowed


def test_power(record_property: Callable[[str, object], None]) -> None:
    """Of regressions by 3 % where runs are 0.5 % apart, at least 96 % are found with ten baseline runs."""
    rate = _rate("regressed", shift=0.03, deviation=0.005, smallest_effect=0.02, series=20_000, runs=10)
    record_property("power", rate)
    assert rate >= 0.96


def test_adjusted_q_follows_benjamini_and_hochberg() -> None:
    """The q-values are those of the procedure's textbook definition, in the order of the verdicts."""
    ps = [0.01, 0.04, 0.03, 0.005, None]
    verdicts = [
        Verdict(status="pass", direction="lower", scale="log", smallest_effect=0.0, reason="", n=8, k=1, p=p)
        for p in ps
    ]
    assert [verdict.q for verdict in adjust(verdicts)] == pytest.approx([0.02, 0.04, 0.04, 0.02, None])


def test_adjusting_nothing_gives_nothing() -> None:
    """A session without verdicts has none to adjust."""
    assert adjust([]) == []


@pytest.mark.parametrize(
    ("baseline", "trials"),
    [
        pytest.param(STEADY, [1.1] * 5, id="a verdict of finite numbers"),
        pytest.param([INFINITE] * 8, [3.0], id="a verdict with infinities"),
        pytest.param([], [], id="a verdict of next to nothing"),
    ],
)
def test_verdict_survives_json(baseline: list[float], trials: list[float]) -> None:
    """What was written as strict JSON is read back equal."""
    verdict = judge(baseline, trials, **LINEAR)
    text = json.dumps(verdict.to_json(), allow_nan=False)
    assert Verdict.from_json(json.loads(text)) == verdict


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"direction": "lowr"}, "Did you mean 'lower'", id="a misspelt direction"),
        pytest.param({"scale": "cubic"}, "'cubic' is no scale", id="an unknown scale"),
        pytest.param({"smallest_effect": -0.1}, "smallest_effect must be", id="a negative smallest effect"),
        pytest.param({"resolution": NOT_A_NUMBER}, "resolution must be", id="a resolution that is no number"),
        pytest.param({"alpha_screen": 0.0}, "alpha_screen must be", id="a level of zero"),
        pytest.param({"alpha_confirm": 1.0}, "alpha_confirm must be", id="a level of one"),
        pytest.param({"minimum_runs": 2}, "minimum_runs must be", id="a baseline without a spread"),
        pytest.param({"build_spread": -0.1}, "build_spread must be", id="a negative spread between builds"),
        pytest.param({"baseline_builds": 0}, "baseline_builds must be", id="a baseline of no build"),
    ],
)
def test_meaningless_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    """A parameter that the method has no meaning for is an error that names it."""
    with pytest.raises(ConfigurationError, match=message):
        judge(STEADY, [1.0], **{"smallest_effect": 0.02, **parameters})


def test_unknown_status_is_refused() -> None:
    """A verdict has one of seven words."""
    with pytest.raises(ConfigurationError, match="Did you mean 'regressed'"):
        Verdict(status="regresed", direction="lower", scale="log", smallest_effect=0.0, reason="", n=0, k=0)  # type: ignore[arg-type]


def test_importing_the_gate_does_not_import_scipy() -> None:
    """Pytest loads the gate on every start, with all of its package, and scipy takes longer than all else together."""
    program = "import sys, harness.verdicts.gate; sys.exit('scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
