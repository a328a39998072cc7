"""Change points, by tables, and by simulation of what they promise."""

from __future__ import annotations

import math
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.errors import ConfigurationError
from harness.verdicts.changes import Change, find_changes
from tests.verdicts.simulated import histories

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_A_NUMBER = math.nan
INFINITE = math.inf


def _indices(values: Any, **parameters: Any) -> list[int]:
    return [change.index for change in find_changes(values, **parameters)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], [], id="no run"),
        pytest.param([1.0, 2.0], [], id="two runs show no level"),
        pytest.param([None, NOT_A_NUMBER, None], [], id="runs without a value"),
        pytest.param([0.9912] * 40 + [0.9907] * 40, [40], id="an accuracy that changed by one image of two thousand"),
        pytest.param([7_412_004] * 99 + [7_412_005], [99], id="a plan that the newest run made one byte larger"),
        pytest.param([4, 4, None, 5, 5, 5], [3], id="a skipped run keeps its position"),
        pytest.param([4, 4, -1, 5, 5, 5], [3], id="a negative value of a ratio is skipped"),
        pytest.param([0.0] * 9 + [1.0] * 9, [9], id="from zero"),
    ],
)
def test_series_without_noise(values: list[float | None], expected: list[int]) -> None:
    """What repeats exactly and changes is found, whatever its size, and nothing else."""
    assert _indices(values) == expected


def test_change_of_an_exact_series_is_certain() -> None:
    """Place, levels and effect of a change without noise are told exactly."""
    assert find_changes([4.0] * 5 + [5.0] * 4) == [
        Change(index=5, low=5, high=5, before=4.0, after=5.0, effect=pytest.approx(0.25), p=0.0)
    ]


def test_change_may_have_happened_at_runs_without_a_value() -> None:
    """The interval begins right after the last run that has a value at the old level."""
    (change,) = find_changes([4.0, 4.0, 4.0, None, NOT_A_NUMBER, 5.0, 5.0, 5.0])
    assert (change.low, change.index, change.high) == (3, 5, 5)


def test_step_within_the_resolution_is_none() -> None:
    """What the instrument cannot tell apart has not changed."""
    assert _indices([4.0] * 9 + [4.5] * 9, resolution=0.5) == []
    assert _indices([4.0] * 9 + [4.5] * 9, resolution=0.4) == [9]


@pytest.mark.parametrize(
    ("after", "effect"),
    [pytest.param(INFINITE, INFINITE, id="became exact"), pytest.param(90.0, 30.0, id="stayed finite")],
)
def test_infinite_values_are_beyond_all_others(after: float, effect: float) -> None:
    """A signal-to-error ratio that becomes infinite has changed like any other."""
    noise = np.random.default_rng(1).normal(0.0, 0.5, 40)
    values = [60 + value for value in noise[:20]] + [after + value for value in noise[20:]]
    (change,) = find_changes(values, scale="linear", smallest_effect=3.0)
    assert change.index == 20
    assert change.effect == pytest.approx(effect, abs=0.5)
    assert change.after == pytest.approx(after, abs=0.5)


def test_change_in_noise_carries_its_evidence() -> None:
    """Levels are in the metric's unit, the effect is a ratio, and p and the interval belong to it."""
    (values,) = histories(1, seed=3, steps={60: 0.05})
    (change,) = find_changes([7 * value for value in values])
    assert change.low <= 60 <= change.high
    assert change.before == pytest.approx(7.0, rel=0.01)
    assert change.after == pytest.approx(7.35, rel=0.01)
    assert change.effect == pytest.approx(0.05, abs=0.007)
    assert 0 < change.p < 1e-6


def test_linear_scale_tells_differences() -> None:
    """On a linear scale effects and the smallest effect are in the metric's unit, and values may be negative."""
    noise = np.random.default_rng(2).normal(0.0, 0.5, 60)
    values = [*(noise[:30] - 20), *(noise[30:] - 14)]
    (change,) = find_changes(values, scale="linear", smallest_effect=3.0)
    assert (change.index, change.effect) == (30, pytest.approx(6.0, abs=0.5))
    assert _indices(values, scale="linear", smallest_effect=8.0) == []


def test_each_of_several_changes_is_found() -> None:
    """Up, further up and down again are three changes."""
    (values,) = histories(1, seed=5, runs=120, steps={30: 0.06, 60: 0.05, 90: -0.10})
    assert _indices(values) == pytest.approx([30, 60, 90], abs=1)


def test_ties_of_a_coarse_clock_are_no_changes() -> None:
    """A clock that shows few different values makes no levels, and does not hide one."""
    (values,) = histories(1, seed=6, deviation=0.004, outliers=0.0)
    assert _indices([round(value, 2) for value in values]) == []
    assert _indices([round(value * (1.05 if run >= 40 else 1), 2) for run, value in enumerate(values)]) == [40]


def test_same_values_give_the_same_changes() -> None:
    """Nothing is drawn at random."""
    (values,) = histories(1, seed=7, steps={50: 0.03})
    assert find_changes(values) == find_changes(values)


def test_change_that_is_taken_back() -> None:
    """A change for the worse that is taken back is two changes with opposite effects."""
    (values,) = histories(1, seed=8, steps={40: 0.08, 52: -0.0741})
    first, second = find_changes(values)
    assert (first.index, second.index) == pytest.approx((40, 52), abs=1)
    assert first.effect == pytest.approx(0.08, abs=0.02)
    assert second.effect == pytest.approx(-0.074, abs=0.02)


def test_stable_histories_have_no_change(record_property: Callable[[str, object], None]) -> None:
    """Of stable histories of 100 runs, 1 % apart with 2 % of outliers, at most 0.2 % show a change."""
    rate = np.mean([bool(find_changes(values)) for values in histories(1000, seed=20)])
    record_property("stable_with_change", float(rate))
    assert rate <= 0.002


def test_correlated_histories_have_hardly_any(record_property: Callable[[str, object], None]) -> None:
    """Neighbours that resemble each other, at a correlation of 0.3 and 0.6, are hardly ever taken for levels."""
    for correlation, allowed in ((0.3, 0.005), (0.6, 0.008)):
        rate = np.mean([bool(find_changes(values)) for values in histories(500, seed=21, correlation=correlation)])
        record_property(f"correlated_{correlation:g}_with_change", float(rate))
        assert rate <= allowed


@pytest.mark.parametrize("start", [20, 50, 80])
def test_steps_are_found_where_they_are(start: int, record_property: Callable[[str, object], None]) -> None:
    """Of changes by 3 % in the same noise, 99 % are found within three runs, and alone; the interval holds most."""
    found = [find_changes(values) for values in histories(1000, seed=start, steps={start: 0.03})]
    near = np.mean([any(abs(change.index - start) <= 3 for change in changes) for changes in found])
    record_property("found_within_3", float(near))
    assert near >= 0.99
    assert np.mean([len(changes) > 1 for changes in found]) <= 0.005
    assert np.mean([any(change.low <= start <= change.high for change in changes) for changes in found]) >= 0.95


@pytest.mark.parametrize(("runs", "power"), [(3, 0.75), (5, 0.95), (10, 0.99)])
def test_newest_runs_tell(runs: int, power: float) -> None:
    """A change by 5 % in the same noise shows in the newest three runs three times out of four, and soon always."""
    found = [_indices(values) for values in histories(300, seed=runs, steps={100 - runs: 0.05})]
    assert np.mean([bool(indices) for indices in found]) >= power


def test_hundred_runs_take_milliseconds() -> None:
    """The median time for 100 runs stays below 5 ms."""
    seconds = []
    for values in histories(40, seed=30, steps={50: 0.03}):
        begin = time.perf_counter()
        find_changes(values)
        seconds.append(time.perf_counter() - begin)
    assert median(seconds) < 5e-3


@pytest.mark.parametrize("steps", [{}, {9000: 0.03}, dict.fromkeys(range(50, 10_000, 100), 0.03)])
def test_ten_thousand_runs_take_no_time_to_speak_of(steps: dict[int, float]) -> None:
    """Long histories, with however many changes, take less than two seconds."""
    (values,) = histories(1, seed=31, runs=10_000, steps=steps)
    begin = time.perf_counter()
    found = _indices(values)
    assert time.perf_counter() - begin < 2.0
    assert len(found) == pytest.approx(len(steps), abs=1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"scale": "cubic"}, "'cubic' is no scale", id="an unknown scale"),
        pytest.param({"smallest_effect": -1.0}, "smallest_effect must be", id="a negative smallest effect"),
        pytest.param({"resolution": NOT_A_NUMBER}, "resolution must be", id="a resolution that is no number"),
        pytest.param({"alpha": 0.0}, "alpha must be", id="a level of zero"),
    ],
)
def test_meaningless_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    """A parameter that the method has no meaning for is an error that names it."""
    with pytest.raises(ConfigurationError, match=message):
        find_changes([1.0, 2.0, 3.0], **parameters)
