"""What each version measured on each machine: the newest fit runs of every series, ready to be held against others.

A configuration is a subject on a machine. Its values are those that the gate would take as a baseline: one per session,
timings only of runs that the machine was fit for, and those of sessions of one pace together.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from reports.current import metric_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reports.reading import Reading
    from reports.runs import MeasuredTrial

NEWEST = 20


class Configuration(NamedTuple):
    """A subject on a machine, both by their hashes."""

    subject: str
    environment: str


class Measured(NamedTuple):
    """What has to be equal for two values to be compared, whatever software and machine they are of."""

    case_id: str
    version: int
    metric: str
    point: str


class Levels:
    """The newest runs of every configuration: so many trials of each case back, whichever of them measured what.

    Args:
        reading: the history.
        metrics: the names of those that are wanted.
    """

    def __init__(self, reading: Reading, metrics: Collection[str]) -> None:
        paces = {row.record.id: str(row.record.settings.get("pace") or "") for row in reading.sessions}
        places = {row.record.id: place for place, row in enumerate(reading.sessions)}
        collected: dict[Configuration, dict[Measured, dict[str, list[float]]]] = defaultdict(dict)
        self._last_seen: dict[Configuration, int] = {}
        self._versions = {key: _numbers(subject.version) for key, subject in reading.subjects.items()}
        runtimes = list(dict.fromkeys(subject.runtime for subject in reading.subjects.values()))
        self._runtimes = {key: runtimes.index(subject.runtime) for key, subject in reading.subjects.items()}
        wanted = {row.id: row for row in reading.series if row.metric in metrics}
        runs: dict[int, list[tuple[int, MeasuredTrial, float]]] = defaultdict(list)
        for series, trial, value in reading.runs.values_of(_newest_trials(reading, places, paces)):
            if series in wanted:
                runs[series].append((places[trial.session_id], trial, value))
        for row in wanted.values():
            timed = metric_of(row.metric).timed
            key = Measured(row.case_id, row.case_version, row.metric, row.point)
            for place, trial, value in sorted(runs.pop(row.id, ()), key=lambda run: run[0]):
                configuration = Configuration(trial.subject, row.environment_hash)
                self._last_seen[configuration] = max(place, self._last_seen.get(configuration, place))
                if math.isnan(value) or (timed and trial.quality != "ok"):
                    continue
                of_pace = collected[configuration].setdefault(key, {})
                of_pace.setdefault(paces[trial.session_id] if timed else "", []).append(value)
        self._values = {
            configuration: {
                key: {pace: tuple(values[-NEWEST:]) for pace, values in by_pace.items()} for key, by_pace in own.items()
            }
            for configuration, own in collected.items()
        }

    @property
    def newest_first(self) -> list[Configuration]:
        """Every configuration that measured something, the one of the newest session first.

        Of several of one session the higher version counts as the newer one.
        """
        by_version = sorted(self._last_seen, key=lambda each: self._versions[each.subject], reverse=True)
        return sorted(by_version, key=lambda each: -self._last_seen[each])

    def in_order(self, environment: str) -> list[Configuration]:
        """Return the configurations of a machine: runtimes in the order first seen, each by its version."""
        own = [each for each in self._last_seen if each.environment == environment]
        return sorted(own, key=lambda each: (self._runtimes[each.subject], self._versions[each.subject]))

    def measured(self, configuration: Configuration) -> Mapping[Measured, Mapping[str, Sequence[float]]]:
        """Return the values of a configuration by series and pace, the newest last, in the metric's unit."""
        return self._values.get(configuration, {})

    def shared(
        self, a: Configuration, b: Configuration, key: Measured
    ) -> tuple[Sequence[float], Sequence[float]] | None:
        """Return the values of two configurations of the pace that both have most runs of, or None if there is none."""
        left, right = self.measured(a).get(key, {}), self.measured(b).get(key, {})
        paces = [pace for pace in right if pace in left]
        if not paces:
            return None
        chosen = max(paces, key=lambda pace: min(len(left[pace]), len(right[pace])))
        return left[chosen], right[chosen]

    def level(self, configuration: Configuration, key: Measured, pace: str | None = None) -> float | None:
        """Return the median in the metric's unit, of a pace or of the one that has most runs; None if there is none."""
        by_pace = self.measured(configuration).get(key, {})
        values = max(by_pace.values(), key=len, default=()) if pace is None else by_pace.get(pace, ())
        return _middle(values) if values else None


def _newest_trials(reading: Reading, places: Mapping[str, int], paces: Mapping[str, str]) -> list[int]:
    """Return the trials that have the newest fit runs of each case, and those that are newer, by id."""
    seen: dict[tuple[str, str, str, str], int] = defaultdict(int)
    chosen = []
    for trial in sorted(reading.trials, key=lambda trial: places[trial.session_id], reverse=True):
        of_pace = (trial.case_id, trial.environment, trial.subject, paces[trial.session_id])
        if seen[of_pace] < NEWEST:
            chosen.append(trial.id)
            seen[of_pace] += trial.quality == "ok" and trial.outcome == "ok"
    return chosen


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers in a version, so that 10 comes after 9; more digits than any version has are cut."""
    return tuple(int(digits[:9]) for digits in re.findall(r"[0-9]+", version[:200]))


def _middle(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    # Between two infinities there is no middle, and more of them than of numbers is what the series is.
    return median(finite) if len(finite) * 2 > len(values) else math.inf
