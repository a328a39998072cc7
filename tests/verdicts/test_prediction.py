"""What the gate's interval is computed from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.verdicts import prediction


@pytest.mark.parametrize("count", [3, 5, 9, 15, 21])
def test_variance_of_median_is_near_the_truth_at_odd_counts(count: int) -> None:
    """The formula is within 4 % of the simulated variance of the median of an odd number of Gaussian values."""
    values = np.random.default_rng(count).standard_normal((200_000, count))
    assert prediction.variance_of_median(count) == pytest.approx(np.median(values, axis=1).var(), rel=0.04)


def test_variance_of_one_run_is_exact() -> None:
    """The median of one run is the run."""
    assert prediction.variance_of_median(1) == pytest.approx(1.0)


@pytest.mark.parametrize("count", [2, 4, 10, 20])
def test_variance_of_median_errs_on_the_safe_side_at_even_counts(count: int) -> None:
    """At even counts the formula is larger than the truth, never smaller."""
    values = np.random.default_rng(count).standard_normal((200_000, count))
    assert prediction.variance_of_median(count) > np.median(values, axis=1).var()


@pytest.mark.parametrize("count", range(2, 21))
def test_robust_deviation_is_unbiased(count: int) -> None:
    """On Gaussian runs the robust deviation is on average the standard deviation, however few they are."""
    rows = np.random.default_rng(count).standard_normal((20_000, count))
    mean = np.mean([prediction.robust_deviation(row) for row in rows.tolist()])
    assert mean == pytest.approx(1.0, abs=0.03)


def test_outlier_does_not_move_the_spread() -> None:
    """One run far away is put aside and costs its degree of freedom."""
    runs = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02, 0.98, 1.0, 1.03]
    assert prediction.spread_of([*runs, 50.0]) == prediction.Spread(
        prediction.spread_of(runs).deviation, len(runs) - 1, 1
    )


def test_second_mode_is_spread_and_no_outlier() -> None:
    """What happens in three runs of ten belongs to the series, so all of them make its spread."""
    runs = [1.0, 1.001, 0.999, 1.002, 0.998, 1.0, 1.001, 1.15, 1.151, 1.149]
    spread = prediction.spread_of(runs)
    assert spread.outliers == 0
    assert spread.deviation == pytest.approx(np.std(runs, ddof=1))


def test_mostly_equal_runs_have_no_outliers() -> None:
    """Where more than half of the runs are equal there is no yardstick, so none is put aside."""
    spread = prediction.spread_of([5.0] * 9 + [6.0])
    assert (spread.outliers, spread.freedom) == (0, 9)
    assert spread.deviation == pytest.approx(math.sqrt(0.1))


def test_spread_is_never_below_the_floor() -> None:
    """Runs closer together than the instrument can tell are as far apart as it can tell."""
    assert prediction.spread_of([1.0, 1.0001, 0.9999, 1.0], floor=0.01).deviation == 0.01


def test_student_functions_agree_with_a_printed_table() -> None:
    """The 97.5 % point of Student's t with 9 degrees of freedom is 2.262."""
    assert prediction.quantile(0.975, 9) == pytest.approx(2.2622, abs=1e-4)
    assert prediction.two_sided_p(-2.2622, 9) == pytest.approx(0.05, abs=1e-5)


def test_error_without_builds_is_that_of_the_runs() -> None:
    """Variances of the two medians add up, with the degrees of freedom of the spread."""
    error = prediction.error_of(prediction.Spread(0.01, 9, 0), runs=10, trials=5)
    expected = 0.01 * math.sqrt(prediction.variance_of_median(5) + prediction.variance_of_median(10))
    assert error == prediction.PredictionError(pytest.approx(expected), 9)
    assert error.width(0.05) == pytest.approx(prediction.quantile(0.975, 9) * expected)


@pytest.mark.parametrize("baseline_builds", [1, 4])
def test_another_build_adds_its_own_draw_and_that_of_the_baseline(baseline_builds: int) -> None:
    """Simulated, the new build and the mean of the baseline's lie as far apart as the formula says."""
    generator = np.random.default_rng(1)
    new = generator.normal(0.0, 0.05, 200_000)
    old = generator.normal(0.0, 0.05, (200_000, baseline_builds)).mean(axis=1)
    error = prediction.error_of(
        prediction.Spread(0.0, 9, 0), runs=10, trials=5, build_deviation=0.05, baseline_builds=baseline_builds
    )
    assert error.deviation == pytest.approx(float((new - old).std()), rel=0.01)
    assert error.width(0.05) == pytest.approx(1.95996 * error.deviation, rel=1e-5)


def test_degrees_of_freedom_grow_with_the_share_of_what_is_known() -> None:
    """Where half of the variance is known, the other half's nine degrees of freedom count four times."""
    spread = prediction.Spread(0.01, 9, 0)
    of_runs = prediction.error_of(spread, runs=10, trials=5).deviation
    error = prediction.error_of(spread, runs=10, trials=5, build_deviation=of_runs / math.sqrt(2))
    assert error.deviation == pytest.approx(math.sqrt(2) * of_runs)
    assert error.freedom == pytest.approx(36)
