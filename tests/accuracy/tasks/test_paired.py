from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy.tasks import paired
from harness.accuracy.tasks.paired import paired_bootstrap

SAMPLES = 200
OWN = np.random.default_rng(1).normal(size=SAMPLES)
REFERENCE = OWN + np.random.default_rng(2).normal(size=SAMPLES) * 0.1


def share(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean."""
    return weights @ values / weights.sum(axis=1)


def interval(**options: int) -> paired.Interval:
    """Return the interval of two means over 200 samples that differ a little."""
    return paired_bootstrap(lambda w: share(OWN, w), lambda w: share(REFERENCE, w), SAMPLES, **options)


def test_the_interval_is_that_of_the_normal_theory() -> None:
    """For a mean of many samples the percentiles lie where the standard error puts them."""
    difference = OWN - REFERENCE
    low, high = interval(resamples=20_000)
    error = 1.96 * difference.std() / math.sqrt(SAMPLES)
    assert (low, high) == pytest.approx((difference.mean() - error, difference.mean() + error), abs=0.15 * error)


def test_an_interval_can_be_had_again() -> None:
    """The same seed gives the same interval, another seed another one."""
    assert interval(seed=3) == interval(seed=3)
    assert interval(seed=3) != interval(seed=4)


def test_the_weights_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by drawing some weights at a time, which changes nothing."""
    whole = interval()
    monkeypatch.setattr(paired, "_WEIGHTS_AT_ONCE", 7 * SAMPLES)
    assert interval() == pytest.approx(whole)


def test_samples_are_paired() -> None:
    """Two equal results differ by nothing in every resample."""
    assert paired_bootstrap(lambda w: share(OWN, w), lambda w: share(OWN, w), SAMPLES) == (0.0, 0.0)


def test_resamples_with_nothing_to_score_are_left_out() -> None:
    """A NaN is no difference, and an interval of nothing but NaN is NaN."""
    half = np.array([1.0, math.nan])
    low, high = paired_bootstrap(lambda w: np.where(w[:, 0] > 0, 0.5, math.nan), lambda w: 0 * w[:, 0], 2)
    assert (low, high) == (0.5, 0.5)
    assert all(map(math.isnan, paired_bootstrap(lambda w: w @ half * math.nan, lambda w: w[:, 0], 2)))
