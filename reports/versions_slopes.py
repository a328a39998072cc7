"""Slopes: how the latency of every case went from version to version of its machine."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from reports import text
from reports.current import LATENCIES
from reports.versions_charts import SlopeLine, slope_chart
from reports.versions_figures import FigureView
from reports.versions_levels import Measured
from reports.versions_pairs import WORDS, judge_slots, metric_of_both, word_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.verdicts.gate import Verdict
    from reports.versions_figures import CaseSlots, Scope
    from reports.versions_levels import Configuration
    from reports.versions_pairs import Slot

_MOST_SUBJECTS, _MOST_NAMED, _MOST_LINES = 8, 8, 400
_MOVED = ("slower", "faster")


@dataclass(frozen=True)
class _Path:
    """Where a case went at one point: the logarithm of its latency by column.

    ``rank`` tells which of several paths of a case says most.
    """

    slot: Slot
    metric: str
    points: tuple[tuple[int, float], ...]
    rank: tuple[bool, int, int, bool]


class _Machine:
    """The versions of one machine and what was judged between them: all cells of a pair at once, as the table does."""

    def __init__(self, configurations: Sequence[Configuration], scope: Scope) -> None:
        self._configurations = configurations
        self._levels = levels = scope.levels
        slots = [slot for case in scope.cases for slot in case.slots]
        self._metric: Callable[[Configuration, Configuration], str] = cache(lambda a, b: metric_of_both(a, b, levels))
        self._verdicts: Callable[[Configuration, Configuration, str], Mapping[Slot, Verdict]] = cache(
            lambda a, b, metric: judge_slots(a, b, metric, slots, levels)
        )

    def timed(self, case: CaseSlots) -> bool:
        """Tell whether any version timed the case."""
        keys = {_key(slot, metric) for slot in case.slots for metric in LATENCIES}
        return any(keys & self._levels.measured(each).keys() for each in self._configurations)

    def path(self, case: CaseSlots) -> _Path | None:
        """Return the path with most runs at the end that has fewer, or None where no two versions can be compared.

        It is one of the latency that the table compares if there is one. Of several with as many runs it is the one
        that most versions have, and of these the tuned point's.
        """
        paths = [
            path
            for slot in case.slots
            for metric in LATENCIES
            for path in self._paths(slot, metric, tuned=slot == case.tuned)
        ]
        return max(paths, key=lambda path: path.rank, default=None)

    def line(self, path: _Path, *, tuned: bool) -> SlopeLine:
        """Return the line of a path, with the word that the table has between its ends; ``tuned``: needs no point."""
        a, b = (self._configurations[path.points[end][0]] for end in (0, -1))
        tone = word_of(self._verdicts(a, b, path.metric)[path.slot])
        start = path.points[0][1]
        change = text.percent(math.expm1(path.points[-1][1] - start), signed=True)
        symbol = "" if tone == "same" else f"{WORDS[tone][0]} "
        where = "" if tuned else f" at {text.point(path.slot.point)}"
        label = f"{symbol}{change} {text.plain(path.slot.case_id, 36)}{where}"
        return SlopeLine(tuple((column, value - start) for column, value in path.points), label, tone, named=False)

    def _paths(self, slot: Slot, metric: str, *, tuned: bool) -> list[_Path]:
        """Return a path for each pace, since timings of two paces are not held against each other."""
        key = _key(slot, metric)
        measured = [self._levels.measured(each).get(key, {}) for each in self._configurations]
        paths = []
        for pace in dict.fromkeys(pace for by_pace in measured for pace in by_pace):
            levels = [self._levels.level(each, key, pace) for each in self._configurations]
            points = tuple(
                (column, math.log(level)) for column, level in enumerate(levels) if level and 0 < level < math.inf
            )
            if len(points) > 1:
                first, last = points[0][0], points[-1][0]
                compared = self._metric(self._configurations[first], self._configurations[last]) == metric
                runs = min(len(measured[end][pace]) for end in (first, last))
                paths.append(_Path(slot, metric, points, (compared, runs, len(points), tuned)))
        return paths


def slopes(scope: Scope) -> tuple[FigureView, ...]:
    """Draw, for each machine with several subjects, how the latency of every case went from one to the next."""
    names = scope.names
    figures = []
    for environment in dict.fromkeys(each.environment for each in scope.newest()):
        every = scope.levels.in_order(environment)
        machine = _Machine(every[-_MOST_SUBJECTS:], scope)
        paths = [(case, machine.path(case)) for case in scope.cases if machine.timed(case)]
        lines = [machine.line(path, tuned=path.slot == case.tuned) for case, path in paths if path]
        if not lines:
            continue
        lines.sort(key=lambda line: (line.tone not in _MOVED, -abs(line.points[-1][1])))
        shown = [
            replace(line, named=place < _MOST_NAMED and line.tone != "same")
            for place, line in enumerate(lines[:_MOST_LINES])
        ]
        sentence = _sentence(
            lines,
            elsewhere=sum(path.slot != case.tuned for case, path in paths if path),
            apart=len(paths) - len(lines),
            versions=len(every),
        )
        columns = [names.subjects[each.subject].label for each in every[-_MOST_SUBJECTS:]]
        chart = slope_chart(columns, shown, sentence)
        figures.append(FigureView(names.environments[environment].name, sentence, chart))
    return tuple(figures)


def _sentence(lines: Sequence[SlopeLine], *, elsewhere: int, apart: int, versions: int) -> str:
    """Say what the lines did, and what is not among them.

    Args:
        lines: all of them, more than are drawn if there are too many.
        elsewhere: how many are not of the tuned point.
        apart: how many cases have no line.
        versions: how many the machine has, more than are drawn if there are too many.
    """
    tones = Counter(line.tone for line in lines)
    told = [
        f"From the first to the last version that has it, {tones['slower']} of {text.count(len(lines), 'case')} got",
        f"slower and {tones['faster']} faster, judged as in the table above.",
    ]
    unsure = len(lines) - sum(tones[tone] for tone in (*_MOVED, "same"))
    if unsure:
        few = f", of them {tones['few']} for want of runs" if tones["few"] else ""
        told.append(f"Not decided, and drawn faint: {unsure}{few}.")
    if elsewhere:
        told.append(
            f"Each is at the tuned point, or, as {elsewhere} here, at the one in its name, which has more runs on both"
        )
        told.append("sides; other points are left out, as there is room for one a case.")
    else:
        told.append("Each is at the tuned point; other points are left out, as there is room for one a case.")
    if apart:
        told.append(f"Left out, as no two versions timed them alike: {text.count(apart, 'case')}.")
    if len(lines) > _MOST_LINES:
        told.append(f"Of {len(lines)} lines there are the {_MOST_LINES} that say most.")
    if versions > _MOST_SUBJECTS:
        told.append(f"Older than the {_MOST_SUBJECTS} versions here, and left out: {versions - _MOST_SUBJECTS}.")
    return " ".join(told)


def _key(slot: Slot, metric: str) -> Measured:
    return Measured(slot.case_id, slot.version, metric, slot.point)
