"""Slopes: how the latency of every case went from version to version of its machine."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from reports import text
from reports.current import LATENCIES, MINIMUM_RUNS, metric_of
from reports.versions_charts import SlopeLine, slope_chart
from reports.versions_figures import FigureView
from reports.versions_levels import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.versions_figures import Scope
    from reports.versions_levels import Configuration, Levels
    from reports.versions_pairs import Slot

_MOST_SUBJECTS, _MOST_NAMED, _MOST_LINES = 8, 8, 400


def slopes(scope: Scope) -> tuple[FigureView, ...]:
    """Draw, for each machine with several subjects, how the latency of every case went from one to the next."""
    names = scope.names
    figures = []
    for environment in dict.fromkeys(each.environment for each in scope.newest()):
        own = scope.levels.in_order(environment)[-_MOST_SUBJECTS:]
        lines = [line for case in scope.cases if (line := _slope(case.tuned, own, scope.levels))]
        if len(own) < 2 or not lines:
            continue
        lines.sort(key=lambda line: -abs(line.points[-1][1]))
        shown = [
            replace(line, named=place < _MOST_NAMED and line.tone != "same")
            for place, line in enumerate(lines[:_MOST_LINES])
        ]
        columns = [names.subjects[each.subject].label for each in own]
        slower, faster, few = (sum(line.tone == tone for line in lines) for tone in ("slower", "faster", "few"))
        unsure = f" {few} have fewer than {MINIMUM_RUNS} runs at an end, and are drawn faint." if few else ""
        sentence = (
            f"From the first to the last version that has it, {slower} of {text.count(len(lines), 'case')} got slower "
            f"and {faster} faster by more than their metric's smallest effect.{unsure} Medians at the tuned point; the "
            f"table above has the intervals."
        )
        chart = slope_chart(columns, shown, sentence)
        figures.append(FigureView(names.environments[environment].name, sentence, chart))
    return tuple(figures)


def _slope(slot: Slot, configurations: Sequence[Configuration], levels: Levels) -> SlopeLine | None:
    """Return the line of a case by the latency that most of the configurations have of it."""
    best: list[tuple[int, float]] = []
    chosen = LATENCIES[0]
    for metric in LATENCIES:
        key = Measured(slot.case_id, slot.version, metric, slot.point)
        found = [(column, levels.level(each, key)) for column, each in enumerate(configurations)]
        points = [(column, math.log(value)) for column, value in found if value and 0 < value < math.inf]
        if len(points) > len(best):
            best, chosen = points, metric
    if len(best) < 2:
        return None
    shifted = tuple((column, value - best[0][1]) for column, value in best)
    change = shifted[-1][1]
    least = math.log1p(metric_of(chosen).smallest_effect)
    tone = "same" if abs(change) < least else "slower" if change > 0 else "faster"
    ends = (configurations[column] for column in (best[0][0], best[-1][0]))
    key = Measured(slot.case_id, slot.version, chosen, slot.point)
    if any(levels.runs(each, key) < MINIMUM_RUNS for each in ends):
        tone = "few"
    symbol = {"same": "", "few": "◔ ", "slower": "▲ ", "faster": "▼ "}[tone]
    label = f"{symbol}{text.percent(math.expm1(change), signed=True)} {text.plain(slot.case_id, 36)}"
    return SlopeLine(shifted, label, tone, named=False)
