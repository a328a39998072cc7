"""Trade-offs: what each precision of a model costs in latency, and what it gives in accuracy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports import text
from reports.current import metric_of
from reports.versions_charts import TradePoint, trade_chart
from reports.versions_figures import MOST_FIGURES, FigureView, latency_key
from reports.versions_levels import Configuration, Levels, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.versions_figures import CaseSlots, Scope

# A score on a labelled set says more than an error against the reference; the first one that is measured counts.
SCORES = ("top1", "box_ap", "mean_iou", "retrieval", "entity_f1", "output_sqnr_db")


def trade_offs(scope: Scope) -> tuple[FigureView, ...]:
    """Draw, for each model and profile on each machine, latency against accuracy of its precisions.

    They are those of the newest subject, at the point that each engine is tuned for.
    """
    figures = []
    for configuration in scope.newest():
        for (model, profile), own in scope.by_model().items():
            figure = _trade_off(scope.title_of_model(model, profile, configuration), own, configuration, scope)
            if figure:
                figures.append(figure)
    return tuple(figures[:MOST_FIGURES])


def _trade_off(
    title: str,
    cases: Sequence[CaseSlots],
    configuration: Configuration,
    scope: Scope,
) -> FigureView | None:
    levels = scope.levels
    latencies = {case.tuned.precision: latency_key(case.tuned, configuration, levels) for case in cases}
    for metric in SCORES:
        found = []
        for case in cases:
            key = latencies[case.tuned.precision]
            latency = levels.level(configuration, key) if key else None
            score = _score(case, metric, configuration, levels)
            if latency is not None and math.isfinite(latency) and score is not None:
                found.append((case.tuned, latency, score))
        if len(found) > 1:
            break
    else:
        return None
    points = [
        TradePoint(
            label=text.plain(slot.precision, 24),
            shape=scope.shapes[slot.precision],
            latency=latency,
            score=score,
            front=not any(
                other <= latency and better >= score and (other, better) != (latency, score)
                for _, other, better in found
            ),
            exact=math.isinf(score),
        )
        for slot, latency, score in found
    ]
    declared = metric_of(metric)
    beaten = [point.label for point in points if not point.front]
    told = (
        f"{text.listed(beaten)} {'is' if len(beaten) == 1 else 'are'} beaten: another is as good or better in both."
        if beaten
        else "None is beaten: each is better than any other in one of the two."
    )
    sentence = f"{scope.title(configuration)}: latency against {declared.title}. {told}"
    units = (f"latency, ms, at {text.point(found[0][0].point)}", {"1": declared.name, "dB": "SQNR, dB"}[declared.unit])
    return FigureView(title, sentence, trade_chart(points, units, sentence))


def _score(case: CaseSlots, metric: str, configuration: Configuration, levels: Levels) -> float | None:
    """Return the score of a case: a labelled set has one for all points; of errors the worst point's counts."""
    points = {"", *(slot.point for slot in case.slots)}
    slot = case.tuned
    found = [levels.level(configuration, Measured(slot.case_id, slot.version, metric, point)) for point in points]
    return min((value for value in found if value is not None and value > -math.inf), default=None)
