from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.accuracy.ranges import FLOAT_RANGES, HISTOGRAM_BINS, QuantisedRange, SpreadCounter, spread_of

HALF = FLOAT_RANGES["float16"]


@pytest.mark.parametrize(
    ("value", "misfits"),
    [
        pytest.param(0.0, {}, id="zero fits"),
        pytest.param(1.0, {}, id="one fits"),
        pytest.param(65504.0, {}, id="the largest fits"),
        pytest.param(-65505.0, {"overflow": 1}, id="beyond the largest"),
        pytest.param(math.inf, {"overflow": 1, "nonfinite": 1}, id="infinite"),
        pytest.param(math.nan, {"nonfinite": 1}, id="not a number"),
        pytest.param(2.0**-14, {}, id="the smallest normal"),
        pytest.param(-(2.0**-15), {"subnormal": 1}, id="below the smallest normal"),
        pytest.param(2.0**-24, {"subnormal": 1}, id="the smallest"),
        pytest.param(1.01 * 2.0**-25, {"subnormal": 1}, id="just rounds up to the smallest"),
        pytest.param(-(2.0**-25), {"underflow": 1}, id="half of the smallest rounds to zero"),
    ],
)
def test_a_value_is_held_against_float16(value: float, misfits: dict[str, int]) -> None:
    """Each value is counted as what becomes of it in float16, which is what numpy makes of it."""
    assert spread_of(np.array([value, 1.0]), HALF).misfits == misfits
    with np.errstate(over="ignore"):
        half = np.float16(value)
    assert (half == 0 and value != 0) == ("underflow" in misfits)


@pytest.mark.parametrize(
    ("value", "misfits"),
    [
        pytest.param(127 * 0.5, {}, id="the largest step"),
        pytest.param(127.4 * 0.5, {}, id="rounds to the largest step"),
        pytest.param(127.6 * 0.5, {"saturated": 1}, id="beyond it"),
        pytest.param(-128.6 * 0.5, {"saturated": 1}, id="beyond the smallest"),
        pytest.param(0.2, {"underflow": 1}, id="below half a step"),
        pytest.param(0.3, {}, id="above half a step"),
    ],
)
def test_a_value_is_held_against_int8(value: float, misfits: dict[str, int]) -> None:
    """What the clamp changes is saturated, and what rounds to 0 without being 0 underflows."""
    assert spread_of(np.array([value, 0.0]), QuantisedRange(name="int8", scale=0.5)).misfits == misfits


def test_a_zero_point_shifts_the_bounds() -> None:
    """An unsigned type with its zero point at 100 holds -100 to 155 steps."""
    assert QuantisedRange(name="uint8", scale=2.0, zero_point=100).bounds == (-200.0, 310.0)


def test_a_spread_has_range_rms_and_zeros() -> None:
    """Range and RMS are of the finite elements, the share of zeros of all."""
    spread = spread_of(np.array([3.0, -4.0, 0.0, np.nan]))
    assert (spread.minimum, spread.maximum, spread.share_of_zeros) == (-4.0, 3.0, 0.25)
    assert spread.rms == pytest.approx(math.sqrt(25 / 3))


def test_the_histogram_has_a_bin_for_each_power_of_two() -> None:
    """Bin 32 holds magnitudes from 1 to below 2; what lies outside of the bins counts at their ends, zeros nowhere."""
    histogram = spread_of(np.array([1.0, -1.99, 2.0, 0.0, 1e-30, 1e30])).histogram
    assert len(histogram) == HISTOGRAM_BINS
    assert {place: count for place, count in enumerate(histogram) if count} == {0: 1, 32: 2, 33: 1, 63: 1}


def test_parts_add_up_to_the_whole() -> None:
    """Any split of a tensor, of any dtype, gives the same spread."""
    values = np.random.default_rng(2).normal(size=(7, 5000)).astype(np.float16)
    counter = SpreadCounter(HALF)
    for row in values:
        counter.add(row)
    whole = spread_of(values, HALF)
    assert replace(counter.spread(), rms=whole.rms) == whole
    assert counter.spread().rms == pytest.approx(whole.rms)
    assert whole.count == values.size


def test_nothing_has_an_empty_spread() -> None:
    """A tensor without elements has no range and no shares."""
    spread = spread_of(np.zeros((0, 3)), HALF)
    assert (spread.count, spread.minimum, spread.rms, spread.share_of_zeros) == (0, 0.0, 0.0, 0.0)
