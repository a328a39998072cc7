"""The page of one case on one machine: all its series over sessions, with what else is known of each run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from reports import charts, text
from reports.case_data import CaseStory, case_data, last_words, title_of
from reports.case_history import MARKED
from reports.case_marks import marks_of
from reports.case_telemetry import telemetry_of
from reports.case_views import CasePage, ChartView, EngineRow, Lottery, RunRow
from reports.changes import changes_of, steps_of
from reports.current import LATENCIES, metric_of, sentence_of, tuned_latency
from reports.drawing import marker_definitions
from reports.engine_strip import (
    MOST_ENGINES,
    engine_labels,
    engine_strip,
    engines_with_dots,
    lottery_sentence,
)
from reports.engine_view import EngineRoom
from reports.links import engine_file, session_file
from reports.model_page import anchor_of, command_of
from reports.points import ModelContext, PointData
from reports.standing import STANDINGS
from reports.trends import trend_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from harness.history.rows import SeriesRow, SessionRow
    from harness.verdicts.gate import Verdict
    from reports.case_history import CaseHistory, CaseSource
    from reports.case_telemetry import GaugeReadings
    from reports.current import CurrentCase
    from reports.renamings import Rename
    from reports.site import Site

# What the tables of a page have room for; the drawings and the panel have everything.
_NEWEST_RUNS, _COLUMNS = 20, 4
_TRIALS_LINKED = 8
# More charts than that, and what moved is not seen among them.
_MOST_LATENCIES = 4


def case_page(
    source: CaseSource,
    history: CaseHistory,
    site: Site,
) -> CasePage:
    """Return the page of a case.

    Args:
        source: which case, and what is known of it.
        history: what it left behind in the sessions that are shown.
        site: the report.
    """
    case = source.case
    # A case whose meaning changed has sessions of its former version, too.
    has = {trial.session for trial in history.trials}
    sessions = [session for session in source.sessions if session.record.id in has]
    context = ModelContext(
        reading=site.reading,
        names=site.names,
        dates=[text.moment(session.record.started_at)[:10] for session in sessions],
        series={(case.case_id, case.environment, case.version): source.series},
        data=PointData({session.record.id: column for column, session in enumerate(sessions)}),
        engine_room=EngineRoom.among(1),
    )
    renames = site.reading.renames.get((case.case_id, case.environment), ())
    story = _story(source, sessions, history, context)
    subjects = {trial.subject: site.names.subjects[trial.subject] for trial in history.trials}
    columns = [row for row in story.series if row.id in story.first][:_COLUMNS]
    return CasePage(
        title=site.title,
        written=site.written,
        case_id=text.plain(case.case_id, 160),
        model=text.plain(case.model, 120),
        model_href=f"{site.models[case.model]}#{anchor_of(case, site.names)}",
        precision=text.plain(case.precision, 60),
        profile=text.plain(case.profile, 80),
        version=case.version,
        environment=site.names.environments[case.environment],
        standing=case.standing,
        label=case.label,
        sentence=_capital(text.plain(sentence_of(case), 600)),
        command=text.plain(command_of(case), 300),
        verdict_href=site.verdicts.to_case(case),
        renamed=text.plain(_renamed(renames, sessions), 600),
        awaited=site.reading.renamings.told_of_awaited(case.case_id, case.environment),
        runs_in_all=sum(trial.ordinal == 0 for trial in history.trials),
        charts=tuple(_chart(row, story, case, context) for row in story.series),
        telemetry=tuple(_gauge(place, each, story, context) for place, each in enumerate(story.telemetry)),
        lottery=_lottery(case, story, site),
        changes=changes_of(case, context),
        marks=tuple(story.marks),
        columns=tuple(title_of(row) for row in columns),
        runs=_runs(columns, story, site),
        subjects=tuple(sorted(subjects.values(), key=lambda subject: subject.index)),
        markers=marker_definitions(len(site.names.subjects)),
        data=case_data(story, site.names, site.links),
    )


def _story(
    source: CaseSource,
    sessions: Sequence[SessionRow],
    history: CaseHistory,
    context: ModelContext,
) -> CaseStory:
    drawn = [row for row in source.series if context.reading.runs.get(row.id)]
    steps = {row.id: steps_of(row, context) for row in drawn}
    first = _first(source.case, drawn, steps)
    return CaseStory(
        case_id=source.case.case_id,
        history=history,
        sessions=sessions,
        series=sorted(drawn, key=lambda row: row.id not in first),
        first=frozenset(first),
        steps=steps,
        labels=engine_labels(history.trials),
        telemetry=telemetry_of(history.trials),
        marks=marks_of(
            source.case.case_id,
            drawn,
            source.decisions,
            source.baselines,
            [session.record.started_at for session in sessions],
            former=_ends(source, sessions, context),
        ),
    )


def _ends(source: CaseSource, sessions: Sequence[SessionRow], context: ModelContext) -> dict[str, datetime | None]:
    """Return when each name that the case had before gave way to the next; None for one that no shown run has."""
    starts = {session.record.id: session.record.started_at for session in sessions}
    renames = context.reading.renames.get((source.case.case_id, source.case.environment), ())
    ends = {rename.former: starts.get(rename.then) for rename in renames}
    return {name: ends.get(name) for name in source.former}


def _renamed(renames: Sequence[Rename], sessions: Sequence[SessionRow]) -> str:
    """Say what the case was called, and up to when; empty for one that had no other name in the sessions shown."""
    starts = {session.record.id: text.moment(session.record.started_at) for session in sessions}
    names = [
        f"{text.plain(rename.former, 160)} up to session {rename.last}"
        + (f" of {starts[rename.last]} UTC" if rename.last in starts else "")
        for rename in renames
    ]
    return f"Formerly {text.listed(names)}; the runs of then are a part of this page." if names else ""


def _first(case: CurrentCase, series: Sequence[SeriesRow], steps: Mapping[int, Sequence[charts.Step]]) -> set[int]:
    """Return the series to be read first: what moved, and the latencies, of many those that stand for the case."""
    verdicts = _verdicts(case)
    moved = {
        row.id
        for row in series
        if any(not step.accepted for step in steps[row.id])
        or ((row.metric, row.point) in verdicts and verdicts[row.metric, row.point].status in MARKED)
    }
    latencies = [row for row in series if row.metric in LATENCIES]
    if len(latencies) > _MOST_LATENCIES:
        _, point = tuned_latency(case.newest) or ("", latencies[0].point)
        latencies = [row for row in latencies if row.point == point]
    # A case that is not timed, as one of accuracy alone, has something to show as well.
    return moved | {row.id for row in latencies} or {row.id for row in series[:_COLUMNS]}


def _verdicts(case: CurrentCase) -> dict[tuple[str, str], Verdict]:
    return {key: verdict for cell in case.cells for key, verdict in cell.verdicts.items()}


def _chart(row: SeriesRow, story: CaseStory, case: CurrentCase, context: ModelContext) -> ChartView:
    trend = trend_of(row, context.reading.runs[row.id], _verdicts(case).get((row.metric, row.point)), context)
    return ChartView(
        f"s{row.id}", title_of(row), trend.latest, trend.standing, trend.chart, trend.note, row.id in story.first
    )


def _gauge(place: int, readings: GaugeReadings, story: CaseStory, context: ModelContext) -> ChartView:
    gauge = readings.gauge
    by_subject: dict[int, list[tuple[int, float]]] = {}
    for trial, value in zip(story.history.trials, readings.values, strict=True):
        if trial.ordinal == 0 and value is not None:
            index = context.names.subjects[trial.subject].index
            by_subject.setdefault(index, []).append((context.data.columns[trial.session], value))
    values = [value for own in by_subject.values() for _, value in own]
    unit = gauge.unit
    latest = f"{text.significant(values[-1])} {unit}".strip() if values else text.ABSENT
    view = ChartView(f"g{place}", gauge.title, latest, None, charts.sparkline([], ""), "", first=False)
    if len(values) < 2:
        return replace(view, note="Told by fewer than two runs.")
    still = charts.trend_chart(
        [charts.Line(index, tuple(own)) for index, own in by_subject.items()],
        identity=view.id,
        description=f"{gauge.title}: {text.significant(min(values))} to {text.significant(max(values))} {unit}".strip(),
        dates=context.dates,
        unit=unit,
    )
    return replace(view, still=still)


def _lottery(case: CurrentCase, story: CaseStory, site: Site) -> Lottery | None:
    """Return the engines by the latency that stands for the case; nothing if it has no engine with a value."""
    tuned = tuned_latency(case.newest)
    row = next((row for row in story.series if (row.metric, row.point) == tuned), None)
    if row is None:
        return None
    values = story.history.values.get(row.id, {})
    unit = metric_of(row.metric).unit
    divisor, shown_unit = text.scale_of(unit, max((abs(v) for v in values.values() if math.isfinite(v)), default=1.0))
    subjects = {key: view.index for key, view in site.names.subjects.items()}
    engines = engines_with_dots(story.history.trials, values, subjects, story.labels, divisor=divisor, unit=shown_unit)
    if not engines:
        return None
    newest = engines[-MOST_ENGINES:]
    sentence = lottery_sentence(engines)
    if len(engines) > len(newest):
        sentence += f" Drawn are the newest {len(newest)}."
    dates = {row.record.id: text.moment(row.record.started_at) for row in story.sessions}
    first_seen: dict[str, str] = {}
    for trial in story.history.trials:
        first_seen.setdefault(trial.build, dates[trial.session])
    return Lottery(
        title=title_of(row),
        sentence=sentence,
        strip=engine_strip(newest, unit=shown_unit, description=f"{title_of(row)} by engine: {sentence}"),
        rows=tuple(
            EngineRow(
                label=engine.label,
                href=site.links.to(engine_file(engine.build)),
                trials=tuple(dot.trial for dot in engine.dots[:_TRIALS_LINKED]),
                more=max(len(engine.dots) - _TRIALS_LINKED, 0),
                median=text.quantity(engine.middle * divisor, unit),
                range=text.percent(engine.range) if len(engine.dots) > 1 else text.ABSENT,
                since=first_seen[engine.build],
            )
            for engine in reversed(newest)
        ),
    )


def _runs(columns: Sequence[SeriesRow], story: CaseStory, site: Site) -> tuple[RunRow, ...]:
    sessions = {row.record.id: row for row in story.sessions}
    words = {row.id: last_words(story.history.verdicts.get(row.id, {}), story.history.trials) for row in columns}
    first = [trial for trial in story.history.trials if trial.ordinal == 0]
    rows = []
    for trial in reversed(first[-_NEWEST_RUNS:]):
        values = []
        for row in columns:
            said = words[row.id].get(trial.id)
            value = text.quantity(story.history.values.get(row.id, {}).get(trial.id), metric_of(row.metric).unit)
            standing = STANDINGS.get(said[1].status) if said and said[1].status in MARKED else None
            values.append(f"{value} {standing.symbol} {standing.label}" if standing else value)
        session = sessions[trial.session]
        rows.append(
            RunRow(
                trial=trial.id,
                started=text.moment(session.record.started_at),
                session=text.plain(trial.session, 40),
                session_href=site.links.to(session_file(trial.session)),
                commit=text.plain((session.record.commit or "")[:10], 10),
                subject=site.names.subjects[trial.subject],
                engine=story.labels.get(trial.build, text.ABSENT),
                quality=text.plain(trial.quality if trial.outcome == "ok" else trial.outcome, 20),
                values=tuple(values),
            )
        )
    return tuple(rows)


def _capital(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}"
