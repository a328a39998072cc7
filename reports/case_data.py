"""What the scripts of a case's page are given: columns of numbers, each list of sessions, trials and words once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from reports import text
from reports.case_history import MARKED
from reports.current import metric_of
from reports.links import engine_file, session_file, verdict_file
from reports.points import commit_of
from reports.standing import STANDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import SeriesRow, SessionRow
    from reports.case_history import CaseHistory, CaseTrial, Judged
    from reports.case_marks import MarkView
    from reports.case_telemetry import GaugeReadings
    from reports.charts import Step
    from reports.links import Links
    from reports.names import Names

# One letter stands for each verdict in the columns: its place here.
_STATUSES = tuple(STANDINGS)


@dataclass(frozen=True)
class CaseStory:
    """All that a case's page tells, before it is drawn.

    Attributes:
        case_id: the case.
        history: its trials and what they measured.
        sessions: that have it, oldest first; a session's place is its column in every chart.
        series: its series, those to be read first at the front.
        first: ids of the series that are shown without being asked for.
        steps: where the level of each series changed, by series id.
        labels: names of its engines, by build.
        telemetry: of its trials.
        marks: what people decided.
    """

    case_id: str
    history: CaseHistory
    sessions: Sequence[SessionRow]
    series: Sequence[SeriesRow]
    first: frozenset[int]
    steps: Mapping[int, Sequence[Step]]
    labels: Mapping[str, str]
    telemetry: Sequence[GaugeReadings]
    marks: Sequence[MarkView]


def case_data(story: CaseStory, names: Names, links: Links) -> dict[str, Any]:
    """Return everything as plain data; lists of a series and of a gauge go with ``trials``."""
    columns = {row.record.id: column for column, row in enumerate(story.sessions)}
    trials = story.history.trials
    engines = list(story.labels)
    subjects = list(dict.fromkeys(trial.subject for trial in trials))
    return {
        "case": text.plain(story.case_id, 160),
        "statuses": [(each.key, each.label, each.symbol, each.meaning) for each in STANDINGS.values()],
        "sessions": [_session(row, links) for row in story.sessions],
        "subjects": [(names.subjects[key].index, names.subjects[key].label) for key in subjects],
        "engines": [(story.labels[build], links.to(engine_file(build))) for build in engines],
        "trials": {
            "id": [trial.id for trial in trials],
            "session": [columns[trial.session] for trial in trials],
            "subject": [subjects.index(trial.subject) for trial in trials],
            "ordinal": [trial.ordinal for trial in trials],
            "engine": [engines.index(trial.build) if trial.build else -1 for trial in trials],
            "outcome": [text.plain(trial.outcome, 20) for trial in trials],
            "quality": [text.plain(trial.quality, 20) for trial in trials],
        },
        "series": [_series(row, story, links) for row in story.series],
        "telemetry": [
            {
                "id": f"g{place}",
                "title": readings.gauge.title,
                "unit": readings.gauge.unit,
                "values": [_rounded(value, 4) for value in readings.values],
            }
            for place, readings in enumerate(story.telemetry)
        ],
        "marks": [
            {
                "symbol": mark.symbol,
                "span": mark.span,
                "times": mark.times,
                "series": [f"s{number}" for number in mark.series],
            }
            for mark in story.marks
        ],
    }


def last_words(verdicts: Mapping[int, Judged], trials: Sequence[CaseTrial]) -> dict[int, tuple[int, Judged]]:
    """Return what was said last of each first trial, and after which trial: by the first trial's id.

    A verdict that asks for confirmation is followed, in the same session and of the same subject, by those of the
    trials that confirm it; the last one counts.
    """
    first: dict[tuple[str, str], int] = {}
    words: dict[int, tuple[int, Judged]] = {}
    for trial in trials:
        key = (trial.session, trial.subject)
        if trial.ordinal == 0:
            first[key] = trial.id
        if trial.id in verdicts and key in first:
            words[first[key]] = (trial.id, verdicts[trial.id])
    return words


def interval_of(verdict: Judged) -> tuple[float, float] | None:
    """Return the interval of a verdict's value, in the metric's unit: its baseline moved by both ends of the effect."""
    baseline, low, high = verdict.baseline, verdict.low, verdict.high
    if baseline is None or low is None or high is None or not all(map(math.isfinite, (baseline, low, high))):
        return None
    if verdict.scale == "log":
        return (baseline * (1 + low), baseline * (1 + high)) if low > -1 and baseline > 0 else None
    return baseline + low, baseline + high


def _session(row: SessionRow, links: Links) -> tuple[str, int, str, str, str]:
    record = row.record
    return (
        text.moment(record.started_at),
        int(record.started_at.timestamp()),
        text.plain(record.id, 40),
        commit_of(row),
        links.to(session_file(record.id)),
    )


def _series(row: SeriesRow, story: CaseStory, links: Links) -> dict[str, Any]:
    trials = story.history.trials
    metric = metric_of(row.metric)
    values = story.history.values.get(row.id, {})
    finite = [abs(value) for value in values.values() if math.isfinite(value)]
    divisor, unit = text.scale_of(metric.unit, max(finite, default=1.0))
    # Numbers without a unit are cosines and shares, whose last digits matter.
    digits = 5 if unit else 7
    words = last_words(story.history.verdicts.get(row.id, {}), trials)
    statuses: list[int] = []
    bounds: list[list[float | int | None] | None] = []
    decided: dict[int, tuple[float | int | None, int]] = {}
    pages: dict[int, str] = {}
    for trial in trials:
        at, verdict = words.get(trial.id, (0, None))
        statuses.append(_STATUSES.index(verdict.status) if verdict and verdict.status in _STATUSES else -1)
        interval = interval_of(verdict) if verdict else None
        if verdict is None or verdict.baseline is None or interval is None:
            bounds.append(None)
        else:
            bounds.append([_rounded(bound, digits, divisor) for bound in (verdict.baseline, *interval)])
        # What several trials decided is the median of them, and no longer what the first one measured.
        if verdict and verdict.k > 1 and verdict.value is not None and interval is not None:
            decided[trial.id] = (_rounded(verdict.value, digits, divisor), verdict.k)
        if verdict and verdict.status in MARKED:
            page = links.to(verdict_file(at, row.case_id, row.metric, row.point))
            if page:
                pages[trial.id] = page
    shown = [values[trial.id] for trial in trials if math.isfinite(values.get(trial.id, math.nan))]
    return {
        "id": f"s{row.id}",
        "title": title_of(row),
        "unit": unit,
        "log": metric.scale == "log",
        "first": row.id in story.first,
        "middle": _rounded(median(shown) / divisor, digits) if shown else None,
        "values": [_rounded(values.get(trial.id), digits, divisor) for trial in trials],
        "status": statuses,
        "bounds": bounds,
        "decided": decided,
        "pages": pages,
        "steps": [(step.column, step.label, step.text, step.accepted) for step in story.steps.get(row.id, ())],
    }


def title_of(row: SeriesRow) -> str:
    """Return what a series is called on the page."""
    return f"{text.plain(metric_of(row.metric).title, 80)}{f' at {text.point(row.point)}' if row.point else ''}"


def _rounded(value: float | None, digits: int, divisor: float = 1.0) -> float | int | None:
    """Round to significant digits; None for what JSON has no number for."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value / divisor:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
