"""What is left of a GPU: throughput against batch and streams, and the distance from the roofline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports import text
from reports.current import volume
from reports.versions_charts import Bar, ScalingLine, bar_chart, scaling_chart
from reports.versions_figures import MOST_FIGURES, FigureView
from reports.versions_levels import Configuration, Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.versions_figures import CaseSlots, Scope

_MOST_BARS = 60
# An axis of long numbers has no room for its title.
_SIZES = ((1e6, "million "), (1e3, "thousand "))


def scaling(scope: Scope, *, over_streams: bool) -> tuple[FigureView, ...]:
    """Draw throughput against the size of the batch, or against the number of streams, per model and precision."""
    metric = "throughput_streams" if over_streams else "throughput"
    figures = []
    for configuration in scope.newest():
        for (model, profile), own in scope.by_model().items():
            found: dict[str, dict[str, float]] = {}
            for case in own:
                values = _throughputs(case, metric, configuration, scope)
                if len(values) > 1:
                    found[case.tuned.precision] = values
            if found:
                title = scope.title_of_model(model, profile, configuration)
                figures.append(_scaling(title, found, metric, configuration, scope))
    return tuple(figures[:MOST_FIGURES])


def rooflines(scope: Scope) -> tuple[FigureView, ...]:
    """Draw, for each machine whose data sheet is known, how far the newest subject's cases are from the roofline."""
    figures = []
    for configuration in scope.newest():
        bars = []
        for case in scope.cases:
            slot = case.tuned
            key = Measured(slot.case_id, slot.version, "roofline_distance", slot.point)
            distance = scope.levels.level(configuration, key)
            if distance is not None and math.isfinite(distance) and distance > 0:
                label = f"{text.plain(slot.case_id, 44)} {text.point(slot.point)}".strip()
                bars.append(Bar(label, distance, f"{text.significant(distance)} ×"))
        if not bars:
            continue
        bars.sort(key=lambda bar: -bar.value)
        cut = f" The {_MOST_BARS} farthest are drawn." if len(bars) > _MOST_BARS else ""
        sentence = (
            f"How many times as long as the board's peak rate and bandwidth allow: from {bars[-1].text} to "
            f"{bars[0].text} over {text.count(len(bars), 'case')}.{cut}"
        )
        figures.append(FigureView(scope.title(configuration), sentence, bar_chart(bars[:_MOST_BARS], sentence)))
    return tuple(figures)


def _throughputs(case: CaseSlots, metric: str, configuration: Configuration, scope: Scope) -> dict[str, float]:
    """Return throughputs by what the columns are called: points by their size, or streams at the tuned point."""
    slot = case.tuned
    found: dict[str, float] = {}
    own = sorted(
        (key for key in scope.levels.measured(configuration) if key[:3] == (slot.case_id, slot.version, metric)),
        key=lambda k: volume(k.point),
    )
    for key in own:
        point, _, streams = key.point.partition(",streams=")
        value = scope.levels.level(configuration, key)
        if value is None or not 0 < value < math.inf or (streams and point != slot.point):
            continue
        found[streams or text.point(point)] = value
    return found


def _scaling(
    title: str,
    found: Mapping[str, Mapping[str, float]],
    metric: str,
    configuration: Configuration,
    scope: Scope,
) -> FigureView:
    columns = list(dict.fromkeys(column for values in found.values() for column in values))
    largest = max(value for values in found.values() for value in values.values())
    divisor, scale = next(((size, name) for size, name in _SIZES if largest >= 2 * size), (1.0, ""))
    lines = [
        ScalingLine(scope.shapes[precision], tuple((columns.index(c), value / divisor) for c, value in values.items()))
        for precision, values in found.items()
    ]
    gains = {precision: list(values.values())[-1] / next(iter(values.values())) for precision, values in found.items()}
    unit = "streams" if metric == "throughput_streams" else "point"
    told = ", ".join(f"{text.plain(precision, 24)} × {text.significant(gain)}" for precision, gain in gains.items())
    sentence = f"{scope.title(configuration)}: samples per second from the first {unit} to the last, {told}."
    return FigureView(title, sentence, scaling_chart(columns, lines, f"{scale}samples per second", sentence))
