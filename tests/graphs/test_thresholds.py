from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.errors import CalibrationError, ConfigurationError
from harness.graphs.thresholds import (
    STEPS,
    MagnitudeHistogram,
    clip_by,
    entropy_clip,
    mse_clip,
    percentile_clip,
    share_clipped,
)


def histogram_of(values: np.ndarray, bins: int = 2048) -> MagnitudeHistogram:
    """Count ``values`` up to the largest of them."""
    return MagnitudeHistogram.empty(float(np.abs(values).max()), bins).with_values(values)


def normal_with_outlier(outlier: float = 40.0) -> np.ndarray:
    """Return 200 000 Gaussian values and one far away from them."""
    return np.append(np.random.default_rng(1).normal(size=200_000), outlier).astype(np.float32)


def mean_squared_error(values: np.ndarray, clip: float) -> float:
    """Return that of int8 with a range that ends at ``clip``."""
    step = clip / STEPS
    rounded = np.clip(np.round(values / step), -STEPS, STEPS) * step
    return float(np.mean((rounded - values) ** 2))


def divergence_by_the_book(counts: np.ndarray, end: int, levels: int) -> float:
    """Return Σ P log(P / Q) for a clip after ``end`` bins, bin by bin as Migacz's talk has it."""
    p = counts[:end].astype(float)
    p[-1] += counts[end:].sum()
    q = np.zeros(end)
    edges = end * np.arange(levels + 1) // levels
    for low, high in itertools.pairwise(edges):
        part = counts[low:high]
        if part.any():
            q[low:high] = np.where(part > 0, part.sum() / np.count_nonzero(part), 0.0)
    p, q = p / p.sum(), q / q.sum()
    if ((p > 0) & (q == 0)).any():
        return math.inf
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / q[seen])).sum())


def test_values_are_counted_by_magnitude_in_any_number_of_goes() -> None:
    """Signs do not matter, zeros are apart, what is beyond the range is in the last bin; parts add up to the whole."""
    empty = MagnitudeHistogram.empty(4.0, 4)
    whole = empty.with_values(np.array([[0.0, -0.5, 1.0], [3.99, 4.0, 9.0]], np.float32))
    assert whole.counts.tolist() == [1, 1, 0, 3]
    assert (whole.zeros, whole.total, whole.width) == (1, 6, 1.0)
    parts = empty.with_values(np.array([0.0, -0.5, 1.0])).with_values(np.array([3.99, 4.0, 9.0]))
    assert parts.counts.tolist() == whole.counts.tolist()
    assert empty.total == 0


@pytest.mark.parametrize("largest", [0.0, -1.0, math.inf, math.nan])
def test_a_range_without_an_end_is_refused(largest: float) -> None:
    """No bins can be made of it."""
    with pytest.raises(CalibrationError, match="end at a finite number above 0"):
        MagnitudeHistogram.empty(largest)


@pytest.mark.parametrize(("percent", "clip"), [(50.0, 5.0), (99.0, 9.9), (99.9, 10.0), (100.0, 10.0)])
def test_a_percentile_has_that_many_values_below_it(percent: float, clip: float) -> None:
    """Of values that are spread evenly, the percentile is that part of the range."""
    even = (np.arange(1000) + 0.5) / 100
    assert percentile_clip(histogram_of(even, 100), percent) == pytest.approx(clip, rel=2e-2)


def test_zeros_count_for_a_percentile() -> None:
    """Behind a ReLU, 99 % of all values are more than 99 % of those that are left."""
    values = np.append(np.zeros(900), np.linspace(0.01, 1.0, 100))
    assert percentile_clip(histogram_of(values), 90.0) <= 2 / 2048 + 0.01
    assert percentile_clip(histogram_of(values), 95.0) == pytest.approx(0.5, abs=0.01)


def test_the_entropy_is_that_of_the_talk() -> None:
    """Running sums choose the very clip that the sum over bins has its minimum at."""
    histogram = histogram_of(normal_with_outlier())
    ends = range(128, 2049)
    total = histogram.counts.sum()
    allowed = [end for end in ends if histogram.counts[end:].sum() <= 0.01 * total]
    best = min(allowed, key=lambda end: divergence_by_the_book(histogram.counts, end, 128))
    assert entropy_clip(histogram) == pytest.approx(best * histogram.width)
    assert best < 2048


def test_entropy_does_not_clip_nearly_everything_of_values_on_a_grid() -> None:
    """Of grey levels the divergence is 0 where one level is left; such a candidate is none."""
    grey = np.repeat(np.arange(17) / 16, 100)
    assert entropy_clip(histogram_of(grey)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(normal_with_outlier(), id="Gaussian with one outlier"),
        pytest.param(np.random.default_rng(2).laplace(size=200_000), id="Laplacian"),
        pytest.param(np.maximum(normal_with_outlier(9.0), 0), id="behind a ReLU"),
        pytest.param(np.random.default_rng(2).uniform(-1, 1, 100_000), id="uniform"),
    ],
)
def test_no_clip_has_a_smaller_error_than_the_one_of_mse(values: np.ndarray) -> None:
    """A search with real roundings over a hundred clips finds none that is better by more than 2 %."""
    histogram = histogram_of(values)
    chosen = mean_squared_error(values, mse_clip(histogram))
    others = [mean_squared_error(values, histogram.largest * share) for share in np.linspace(0.02, 1.0, 100)]
    assert chosen <= 1.02 * min(others)


def test_an_outlier_is_given_up_and_an_even_range_is_kept() -> None:
    """Each method but MinMax clips one value far outside, the mean squared error with regard to what that costs."""
    outlier = histogram_of(normal_with_outlier())
    clips = {method: clip_by(outlier, method) for method in ("minmax", "percentile-99.99", "entropy", "mse")}
    assert clips["minmax"] == 40.0
    assert 3 < clips["percentile-99.99"] < 5
    assert 3 < clips["entropy"] < 5
    assert 15 < clips["mse"] < 25
    even = histogram_of(np.random.default_rng(2).uniform(-1, 1, 100_000))
    assert mse_clip(even) > 0.97
    assert entropy_clip(even) > 0.97


def test_a_tensor_of_zeros_is_not_clipped() -> None:
    """Where nothing was seen but 0, the range stays what it was."""
    nothing = MagnitudeHistogram.empty(127.0).with_values(np.zeros(10))
    assert {clip_by(nothing, method) for method in ("minmax", "percentile", "entropy", "mse")} == {127.0}


def test_the_share_clipped_counts_what_rounding_cannot_explain() -> None:
    """A value that lies less than half a step beyond the end is not lost by being clipped."""
    values = np.array([0.0, 1.0, 1.001, 2.0])
    histogram = histogram_of(values)
    assert share_clipped(histogram, 1.0) == 0.25
    assert share_clipped(histogram, 2.0) == 0.0
    assert share_clipped(MagnitudeHistogram.empty(1.0), 0.5) == 0.0


def test_an_unknown_method_is_refused() -> None:
    """The error lists the methods."""
    with pytest.raises(ConfigurationError, match="Known: entropy, minmax, mse, percentile"):
        clip_by(histogram_of(np.ones(3)), "median")
