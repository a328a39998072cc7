"""The rules of other projects that look at one or two numbers, at the places where they turn."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.noise import Noise, simulate
from benchmarks.detection.rivals import bencher, conbench, criterion, google_benchmark, pytest_benchmark
from tests.benchmarks.detection.rivals.histories import runs_at

STEADY = [1.00, 1.01, 0.99, 1.00, 1.01, 0.99, 1.00, 1.01, 0.99, 1.00]


def test_pytest_benchmark_looks_at_the_last_run_alone() -> None:
    """Over 5 % above the last run fails, 5 % above all the others does not."""
    history = runs_at([1.0, 1.0], [1.0, 1.0], [1.0, 1.1])
    assert pytest_benchmark.alarms(history, runs_at([1.051], [1.049], [1.12])).tolist() == [True, False, False]


def test_bencher_computes_the_limit_of_its_manual() -> None:
    """25 values of mean 100 and deviation 10 have the limit 121.46 at the boundary 0.977."""
    past = np.linspace(-1, 1, 25)
    past = 100 + 10 * past / past.std(ddof=1)
    assert bencher.upper_limits(past[None], boundary=0.977)[0] == pytest.approx(121.46, abs=0.01)


def test_bencher_never_alarms_on_a_constant() -> None:
    """A history without variance has no limit, whatever comes."""
    history, new = runs_at([1.0] * 10, STEADY, spread=0.0), runs_at([9.0], [9.0])
    assert bencher.alarms(history, new).tolist() == [False, True]


def test_conbench_alarms_beyond_five_deviations() -> None:
    """A run far above a steady history is a regression, one a little above it is none, a constant has none."""
    history = runs_at(STEADY, STEADY, [1.0] * 10, spread=0.0)
    assert conbench.alarms(history, runs_at([1.2], [1.02], [9.0])).tolist() == [True, False, False]


def test_conbench_leaves_out_a_run_that_jumps_and_comes_back() -> None:
    """One accident in a long history does not widen what is taken for normal."""
    rng = np.random.default_rng(0)
    calm = (1 + 0.005 * rng.standard_normal(60)).tolist()
    accident = [*calm[:30], 2.0, *calm[31:]]
    assert conbench.alarms(runs_at(accident), runs_at([1.1])).tolist() == [True]


@pytest.mark.parametrize("rule", [google_benchmark.alarms, criterion.alarms], ids=["U-test", "bootstrap"])
def test_rules_over_iterations_hold_while_runs_share_nothing(rule: object) -> None:
    """Where only samples vary, few equal runs are called slower, and a run that is 2 % slower always is."""
    assert callable(rule)
    runs = simulate(Noise(between_runs=0.0, within_run=0.01), np.random.default_rng(1), 400, range(2))
    history, new = runs[:1], runs[1:]
    assert rule(history, new).mean() < 0.05
    assert rule(history, new.slowed(0.02)).all()


@pytest.mark.parametrize("rule", [google_benchmark.alarms, criterion.alarms], ids=["U-test", "bootstrap"])
def test_rules_over_iterations_cry_wolf_once_runs_differ(rule: object) -> None:
    """Where runs differ by 1 % and nothing changed, more than one in seven is called slower."""
    assert callable(rule)
    runs = simulate(Noise(between_runs=0.01), np.random.default_rng(2), 400, range(2))
    assert rule(runs[:1], runs[1:]).mean() > 1 / 7


def test_criterion_lets_less_than_its_noise_threshold_pass() -> None:
    """A run that is surely 0.8 % slower is no regression, one that is 1.2 % slower is."""
    history = runs_at([1.0], [1.0], spread=0.001)
    assert criterion.alarms(history, runs_at([1.008], [1.012], spread=0.001)).tolist() == [False, True]


def test_faster_is_no_alarm() -> None:
    """None of the rules calls a run slower that is much faster."""
    history, new = runs_at(STEADY), runs_at([0.5])
    for rule in (pytest_benchmark, bencher, conbench, google_benchmark, criterion):
        assert not rule.alarms(history, new).any()
