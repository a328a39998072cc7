"""One new session against a baseline: how often it is red though nothing changed, and how often a change is found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.detection.figures import Figure, Goal, at_least, at_most, error_of_mean, share
from benchmarks.detection.noise import Noise, Runs, sessions_of, simulate
from benchmarks.detection.policy import ONE_BUILD, Builds, Decision, decide
from benchmarks.detection.rivals import RIVALS, otava
from harness.verdicts.gate import CONFIRMING_TRIALS

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS, TOLD = "this gate", "this gate, told how builds differ"
FALSE_ALARMS, EXTRA_TRIALS = "false alarms a series", "extra trials a series"
# What methods with a threshold of 5 % can be expected to find.
LARGE = 0.1
_CHUNK = 1000


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row of what is promised.

    Attributes:
        table: heading under which its figures stand.
        noise: what runs are drawn from.
        baseline_runs: N.
        effect: the slowdown that is to be found, relative; ``LARGE`` is tried, too.
        smallest_effect: of the metric; ``latency_graph`` has 2 %.
        goals: by column.
    """

    table: str
    noise: Noise
    baseline_runs: int
    effect: float
    smallest_effect: float = 0.02
    goals: dict[str, Goal] = field(default_factory=dict)

    @property
    def effects(self) -> dict[str, float]:
        """What the new session is slower by, under the name of its column."""
        return {FALSE_ALARMS: 0.0, **{f"found at +{100 * effect:g} %": effect for effect in (self.effect, LARGE)}}

    @property
    def methods(self) -> dict[str, Builds]:
        """What the gate is told of builds: nothing, and where engines are built anew, by how much builds differ."""
        noise = self.noise
        if not noise.sessions_a_build:
            return {OURS: ONE_BUILD}
        in_baseline = math.ceil(self.baseline_runs / noise.sessions_a_build)
        return {OURS: ONE_BUILD, TOLD: Builds(noise.between_builds, in_baseline)}

    @property
    def words(self) -> str:
        """What the row is measured under."""
        return f"N = {self.baseline_runs}, {self.noise.describe()}"


PROMISED = (
    Setting(
        table="One session against its baseline, +3 %",
        noise=Noise(between_runs=0.005),
        baseline_runs=10,
        effect=0.03,
        goals={FALSE_ALARMS: at_most(0.001), "found at +3 %": at_least(0.96), EXTRA_TRIALS: at_most(0.2)},
    ),
    Setting(
        table="One session against its baseline, +5 %",
        noise=Noise(between_runs=0.01),
        baseline_runs=20,
        effect=0.05,
        goals={FALSE_ALARMS: at_most(0.003), "found at +5 %": at_least(0.98)},
    ),
)

_HARDER = (
    Noise(between_runs=0.01, outlier_rate=0.02),
    Noise(between_runs=0.01, autocorrelation=0.3),
    Noise(between_runs=0.01, drift=0.001),
    Noise(between_runs=0.01, between_sessions=0.005),
    Noise(between_runs=0.01, between_builds=0.05),
    Noise(between_runs=0.01, between_builds=0.05, sessions_a_build=20),
    Noise(between_runs=0.01, between_builds=0.05, sessions_a_build=1),
)
HARDER = tuple(
    Setting(table="The same where its assumptions fail, +5 %", noise=noise, baseline_runs=20, effect=0.05)
    for noise in _HARDER
)


def measure(setting: Setting, *, series: int, rival_series: int, otava_python: str = "") -> Iterator[Figure]:
    """Measure the gate on ``series`` histories, and rivals on the first ``rival_series`` of them.

    Args:
        setting: the row.
        series: how many histories the gate sees, a new one for each.
        rival_series: how many of them the rivals see.
        otava_python: an interpreter with apache-otava, "" for none; it is given a tenth of the rivals' histories.
    """
    generator = np.random.default_rng(20)
    counted: dict[str, dict[str, tuple[int, int]]] = {}
    extra: dict[str, list[float]] = {method: [] for method in setting.methods}

    def count(method: str, column: str, hits: int, tried: int) -> None:
        columns = counted.setdefault(method, {})
        before = columns.get(column, (0, 0))
        columns[column] = (before[0] + hits, before[1] + tried)

    for seen in range(0, series, _CHUNK):
        order = sessions_of(setting.baseline_runs, CONFIRMING_TRIALS)
        runs = simulate(setting.noise, generator, min(_CHUNK, series - seen), order)
        for method, column, decisions in _ours(setting, runs):
            count(method, column, sum(decision.status == "regressed" for decision in decisions), len(decisions))
            if column == FALSE_ALARMS:
                extra[method] += [decision.extra_trials for decision in decisions]
        if seen < rival_series:
            few = Runs(runs.samples[: rival_series - seen])
            for finding in _rivals(setting, few, "" if seen else otava_python, rival_series // 10):
                count(*finding)
    rest: dict[str, Any] = {"table": setting.table, "noise": setting.words}
    for method, columns in counted.items():
        goals = setting.goals if method == OURS else {}
        for column, (hits, tried) in columns.items():
            yield share(hits, tried, method=method, what=column, goal=goals.get(column), **rest)
    for method, trials in extra.items():
        yield Figure(
            value=float(np.mean(trials)), error=error_of_mean(trials), simulations=series, unit="count",
            method=method, what=EXTRA_TRIALS, goal=setting.goals.get(EXTRA_TRIALS), **rest,
        )  # fmt: skip


def _ours(setting: Setting, runs: Runs) -> Iterator[tuple[str, str, list[Decision]]]:
    """Go through method, column, and what it decides on each series."""
    histories = runs.medians[:, : setting.baseline_runs].tolist()
    for column, effect in setting.effects.items():
        sessions = (runs.medians[:, setting.baseline_runs :] * (1 + effect)).tolist()
        for method, builds in setting.methods.items():
            decisions = [
                decide(history, trials, smallest_effect=setting.smallest_effect, builds=builds)
                for history, trials in zip(histories, sessions, strict=True)
            ]
            yield method, column, decisions


def _rivals(setting: Setting, runs: Runs, otava_python: str, otava_series: int) -> Iterator[tuple[str, str, int, int]]:
    """Go through method, column, how many series it calls slower, and of how many."""
    history, new = runs[: setting.baseline_runs], runs[setting.baseline_runs : setting.baseline_runs + 1]
    for column, effect in setting.effects.items():
        slower = new.slowed(effect)
        for rival in RIVALS:
            yield rival.name, column, int(rival.alarms(history, slower).sum()), len(runs.samples)
        if otava_python:
            values = np.concatenate([history.medians, slower.medians], axis=1)[:otava_series]
            points = otava.change_points(otava_python, values)
            yield "Otava, any step up", column, sum(any(shift > 0 for _, shift in each) for each in points), len(values)
