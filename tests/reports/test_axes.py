from __future__ import annotations

import pytest

from reports.axes import Axis, axis_over, round_ticks, spread_out, tick_labels


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        pytest.param(0.0, 10.0, [0, 5, 10], id="six twos would be too many"),
        pytest.param(2.47, 2.55, [2.48, 2.5, 2.52, 2.54], id="a narrow range"),
        pytest.param(1180, 1420, [1200, 1250, 1300, 1350, 1400], id="steps of fifty"),
        pytest.param(-7.0, 3.0, [-6, -4, -2, 0, 2], id="across zero"),
        pytest.param(4.0, 4.0, [4.0], id="an empty range"),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    """Ticks are multiples of 1, 2 or 5 times a power of ten, at most five of them, within the range."""
    found = round_ticks(low, high)
    assert len(found) <= 5
    assert found == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        pytest.param([2.48, 2.5, 2.52], ["2.48", "2.50", "2.52"], id="as many decimals as the step has"),
        pytest.param([1000, 1500], ["1,000", "1,500"], id="thousands are grouped"),
        pytest.param([0.0, 2e6], ["0", "2e+06"], id="millions get an exponent"),
        pytest.param([5.0], ["5"], id="one tick"),
    ],
)
def test_tick_labels_have_the_decimals_that_tell_them_apart(ticks: list[float], labels: list[str]) -> None:
    """Labels differ from each other, and have no digit too many."""
    assert tick_labels(ticks) == labels


def test_an_axis_leaves_air_around_its_values() -> None:
    """The smallest and the largest value are inside the axis, not at its ends."""
    axis = axis_over([10.0, 20.0], 100.0, 0.0)
    assert axis.low < 10
    assert axis.high > 20
    assert 0 < axis.at(20.0) < axis.at(10.0) < 100


def test_noise_is_not_drawn_as_a_mountain() -> None:
    """Values that differ by a thousandth share an axis that covers at least the smallest span."""
    axis = axis_over([100.0, 100.1], 0.0, 1.0, smallest_span=0.02)
    assert axis.high - axis.low > 2.0


def test_times_and_sizes_get_no_negative_axis() -> None:
    """An axis over values that cannot be negative ends at zero."""
    assert axis_over([0.0, 1.0], 0.0, 1.0).low == 0.0


def test_values_outside_fall_on_the_end() -> None:
    """A value beyond the axis is drawn at its end instead of outside the drawing."""
    axis = Axis(0.0, 1.0, 100.0, 0.0)
    assert (axis.at(7.0), axis.at(-7.0)) == (0.0, 100.0)


@pytest.mark.parametrize(
    ("count", "places"),
    [(0, []), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (101, [0, 25, 50, 75, 100])],
    ids=["none of none", "all of three", "all of five", "five of a hundred and one"],
)
def test_places_are_spread_evenly(count: int, places: list[int]) -> None:
    """The first and the last are among them."""
    assert spread_out(count, 5) == places
