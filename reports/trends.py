"""Trends: each series over its sessions, as a drawing and as the data behind its points."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports import charts, text
from reports.changes import steps_of
from reports.current import LATENCIES, describe_change, metric_of
from reports.pages import TrendView
from reports.standing import STANDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import SeriesRow
    from harness.verdicts.gate import Verdict
    from reports.current import CurrentCase
    from reports.points import ModelContext
    from reports.reading import Run

# A ring is drawn around points of these; a pass needs none.
_MARKED = ("regressed", "improved", "inconclusive", "missing")


def trends_of(
    case: CurrentCase, context: ModelContext, *, all_series: bool = True
) -> tuple[tuple[TrendView, ...], tuple[TrendView, ...]]:
    """Return the case's trends: those to be read first (latency, and whatever moved), and the others, if asked for."""
    first: list[TrendView] = []
    others: list[TrendView] = []
    verdicts: dict[tuple[str, str], Verdict] = {}
    for cell in case.cells:
        verdicts.update(cell.verdicts)
    for row in context.series.get((case.case_id, case.environment, case.version), ()):
        runs = context.reading.runs.get(row.id)
        if not runs:
            continue
        verdict = verdicts.get((row.metric, row.point))
        moved = verdict is not None and verdict.status in _MARKED
        moved = moved or any(not step.accepted for step in steps_of(row, context))
        if row.metric in LATENCIES or moved:
            first.append(trend_of(row, runs, verdict, context))
        elif all_series:
            others.append(trend_of(row, runs, verdict, context))
    return tuple(first), tuple(others)


def expected_band(verdict: Verdict) -> tuple[float, float] | None:
    """Return the values between which the verdict's run would have been no news, or None if it has no interval.

    The gate's interval lies around the effect that was measured and is as wide as the prediction interval around the
    baseline, so it is moved there: as a ratio on a log scale, as a difference on a linear one.
    """
    baseline, low, high = verdict.baseline, verdict.low, verdict.high
    if baseline is None or low is None or high is None or not all(map(math.isfinite, (baseline, low, high))):
        return None
    if verdict.scale == "log":
        if low <= -1 or baseline <= 0:
            return None
        half = (math.log1p(high) - math.log1p(low)) / 2
        return baseline * math.exp(-half), baseline * math.exp(half)
    return baseline - (high - low) / 2, baseline + (high - low) / 2


def trend_of(row: SeriesRow, runs: Sequence[Run], verdict: Verdict | None, context: ModelContext) -> TrendView:
    """Return the trend of one series, with the values of its points left in the context's data.

    Args:
        row: the series.
        runs: its runs, oldest first, at least one.
        verdict: the last one on it; None if there is none.
        context: of the page.
    """
    metric = metric_of(row.metric)
    title = f"{text.plain(metric.title, 80)}{f' at {text.point(row.point)}' if row.point else ''}"
    latest = text.quantity(runs[-1].value, metric.unit)
    standing = STANDINGS.get(verdict.status) if verdict and metric.gated else None
    finite = [run for run in runs if math.isfinite(run.value)]
    if not finite:
        every = text.count(len(runs), "run")
        return TrendView(title, latest, standing, Markup(), f"{latest} in {every}; nothing to draw.")
    if len(runs) == 1:
        return TrendView(title, latest, standing, Markup(), "The only run so far; a trend begins with the second.")
    left_out = len(runs) - len(finite)
    note = f"{text.count(left_out, 'run')} without a finite value left out." if left_out else ""
    divisor, unit = text.scale_of(metric.unit, max(abs(run.value) for run in finite))
    columns = context.data.columns
    middle = median(run.value for run in finite)
    smallest, largest = min(run.value for run in finite), max(run.value for run in finite)
    chart = charts.trend_chart(
        _lines(row, finite, divisor, unit, context),
        identity=_identity(row),
        description=(
            f"{title}: {text.count(len(finite), 'run')}, from {text.quantity(smallest, metric.unit)} to "
            f"{text.quantity(largest, metric.unit)}, median {text.quantity(middle, metric.unit)}, last {latest}"
        ),
        dates=context.dates,
        unit=unit,
        median=middle / divisor,
        band=_band(verdict, finite, columns, divisor),
        marks=[
            charts.Mark(columns[run.session_id], run.value / divisor, run.status, _mark_text(row, run, verdict, runs))
            for run in finite
            if run.status in _MARKED
        ],
        steps=steps_of(row, context),
    )
    return TrendView(title, latest, standing, chart, note)


def _identity(row: SeriesRow) -> str:
    return f"s{row.id}"


def _lines(
    row: SeriesRow, finite: Sequence[Run], divisor: float, unit: str, context: ModelContext
) -> list[charts.Line]:
    """Return a line per subject, and leave what the page's script says of its points in the context's data."""
    by_subject: dict[str, list[Run]] = defaultdict(list)
    for run in finite:
        by_subject[run.subject].append(run)
    data = context.data
    lines, spoken = [], []
    for subject, own in by_subject.items():
        index = context.names.subjects[subject].index
        lines.append(charts.Line(index, tuple((data.columns[run.session_id], run.value / divisor) for run in own)))
        spoken.append([index, data.runs(own), [_short(run.value / divisor, unit) for run in own]])
    data.series[_identity(row)] = {
        "unit": unit,
        "environment": context.names.environments[row.environment_hash].index,
        "lines": spoken,
    }
    return lines


def _mark_text(row: SeriesRow, run: Run, verdict: Verdict | None, runs: Sequence[Run]) -> str:
    if verdict is not None and run is runs[-1]:
        return f"{run.status}: {describe_change(row.metric, row.point, verdict)}"
    return run.status or ""


def _band(
    verdict: Verdict | None, finite: Sequence[Run], columns: Mapping[str, int], divisor: float
) -> charts.Band | None:
    expected = expected_band(verdict) if verdict else None
    if verdict is None or expected is None:
        return None
    good = [run for run in finite[:-1] if run.status != "regressed"]
    start = good[-verdict.n] if 0 < verdict.n <= len(good) else finite[0]
    return charts.Band(columns[start.session_id], expected[0] / divisor, expected[1] / divisor)


def _short(value: float, unit: str) -> float | int:
    """Round to what a tooltip shows; numbers without a unit are cosines and shares, whose last digits matter."""
    rounded = float(f"{value:.{4 if unit else 7}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
