from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.measurement.sampling import (
    PERCENTILE_SAMPLES,
    SamplingPlan,
    percentile,
    relative_drift,
    relative_spread,
    take_samples,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def inference(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Return a function that takes 10 ms of a clock that nothing else moves, and returns 0, 1, 2 …."""
    now = 0.0
    results = count()

    def run_once() -> float:
        nonlocal now
        now += 0.010
        return float(next(results))

    monkeypatch.setattr("harness.measurement.sampling.time.perf_counter", lambda: now)
    return run_once


@pytest.mark.parametrize(
    ("plan", "warm_up", "samples"),
    [
        pytest.param(SamplingPlan(seconds=1.0, warmup_seconds=0.1), 10, 100, id="both last their seconds"),
        pytest.param(SamplingPlan(seconds=0.0, warmup_seconds=0.0), 2, 9, id="at least the minimum of both"),
        pytest.param(SamplingPlan(seconds=1.0, warmup_seconds=0.0, maximum=50), 2, 50, id="at most the maximum"),
        pytest.param(SamplingPlan(seconds=0.0, warmup_seconds=0.0, warmup_runs=0, minimum=1), 0, 1,
                     id="a single cold sample"),
    ],
)  # fmt: skip
def test_samples_are_taken_as_planned(
    inference: Callable[[], float], plan: SamplingPlan, warm_up: int, samples: int
) -> None:
    """Warm-up runs are not among the samples, and these keep their order."""
    taken = take_samples(inference, plan)
    assert taken.dtype == np.float64
    assert abs(taken[0] - warm_up) <= 1
    assert abs(len(taken) - samples) <= 1
    assert (np.diff(taken) == 1).all()


def test_a_plan_survives_json() -> None:
    """A worker samples as the session planned."""
    plan = SamplingPlan(seconds=2.0, minimum=3)
    assert SamplingPlan(**plan.to_json()) == plan


@pytest.mark.parametrize(("percent", "needed"), PERCENTILE_SAMPLES.items())
def test_a_percentile_needs_its_samples(percent: float, needed: int) -> None:
    """With one sample fewer nothing is said, with enough it is the percentile."""
    values = np.arange(needed, dtype=float)
    assert percentile(values[:-1], percent) is None
    assert percentile(values, percent) == pytest.approx(percent / 100 * (needed - 1))


def test_a_tail_needs_more_samples_the_thinner_it_is() -> None:
    """As many as MLPerf's bound asks for."""
    assert PERCENTILE_SAMPLES == {90.0: 64, 95.0: 130, 99.0: 662, 99.9: 6636}


@pytest.mark.parametrize(
    ("samples", "spread"),
    [
        pytest.param([2.0, 2.0, 2.0], 0.0, id="all equal"),
        pytest.param([1.0, 2.0, 3.0], 1.4826 / 2, id="one off to either side"),
        pytest.param([1.0, 2.0, 3.0, 2.0, 1000.0], 1.4826 / 2, id="one far off moves nothing"),
        pytest.param([0.0, 0.0], 0.0, id="zero throughout"),
    ],
)
def test_spread_is_robust_and_relative(samples: list[float], spread: float) -> None:
    """The median absolute deviation, scaled to a normal distribution's deviation, over the median."""
    assert relative_spread(samples) == pytest.approx(spread)


def test_spread_estimates_the_deviation_of_normal_samples() -> None:
    """Samples with a deviation of 3 % have a spread of about 3 %."""
    samples = np.random.default_rng(0).normal(1.0, 0.03, 4000)
    assert relative_spread(samples) == pytest.approx(0.03, rel=0.1)


@pytest.mark.parametrize(
    ("samples", "drift"),
    [
        pytest.param([1.0, 1.0, 5.0, 5.0, 1.2, 1.2], 0.2, id="slower at the end"),
        pytest.param([2.0, 7.0, 1.0], -0.5, id="faster at the end"),
        pytest.param([3.0] * 30, 0.0, id="steady"),
        pytest.param([1.0, 2.0], 0.0, id="too few to tell"),
        pytest.param([0.0, 1.0, 1.0], 0.0, id="from zero nothing is relative"),
    ],
)
def test_drift_compares_the_last_third_with_the_first(samples: list[float], drift: float) -> None:
    """What happens in the middle does not count."""
    assert relative_drift(samples) == pytest.approx(drift)
