"""Rates of the gate and of rivals, where there is no doubt what they are."""

from __future__ import annotations

from benchmarks.detection.figures import at_least, at_most
from benchmarks.detection.gate_rates import EXTRA_TRIALS, FALSE_ALARMS, OURS, TOLD, Setting, measure
from benchmarks.detection.noise import Noise
from benchmarks.detection.rivals import RIVALS

QUIET = Setting(
    table="Gate",
    noise=Noise(between_runs=0.0005),
    baseline_runs=10,
    effect=0.05,
    goals={FALSE_ALARMS: at_most(0.0), "found at +5 %": at_least(1.0)},
)
LOTTERY = Setting(
    table="Gate", noise=Noise(between_builds=0.05, sessions_a_build=10), baseline_runs=10, effect=0.05
)  # fmt: skip


def test_quiet_runs_are_judged_right_by_the_gate() -> None:
    """Where runs hardly differ no alarm is false, every slowdown is found, and no trial is wasted."""
    figures = {(f.method, f.what): f for f in measure(QUIET, series=60, rival_series=0)}
    assert figures[OURS, FALSE_ALARMS].value == 0
    assert figures[OURS, "found at +5 %"].value == 1
    assert figures[OURS, "found at +10 %"].value == 1
    assert figures[OURS, EXTRA_TRIALS].value == 0
    assert [f.reached for f in figures.values()] == [True, True, None, None]


def test_rivals_see_as_many_series_as_they_are_given() -> None:
    """Every rival has both rates, over its own number of series, and no goal."""
    figures = list(measure(QUIET, series=60, rival_series=25))
    for rival in RIVALS:
        theirs = [f for f in figures if f.method == rival.name]
        assert [f.what for f in theirs] == [FALSE_ALARMS, "found at +5 %", "found at +10 %"]
        assert {(f.simulations, f.goal) for f in theirs} == {(25, None)}


def test_gate_is_told_of_builds_where_there_are_several() -> None:
    """A rebuilt engine alarms a gate that does not know of it, and hardly one that does."""
    figures = {(f.method, f.what): f.value for f in measure(LOTTERY, series=300, rival_series=0)}
    assert figures[OURS, FALSE_ALARMS] > 0.2
    assert figures[TOLD, FALSE_ALARMS] < 0.01
    assert TOLD not in {f.method for f in measure(QUIET, series=2, rival_series=0)}
