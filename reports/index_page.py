"""The first page: whether anything is wrong, then every case of every machine."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.cases.precision import RECIPES
from reports import text
from reports.charts import sparkline
from reports.current import CurrentCase, is_tuned, metric_of, sentence_of, standing_of, tuned_latency
from reports.model_page import anchor_of
from reports.names import session_views
from reports.pages import Attention, Cell, IndexPage, Matrix, MatrixRow
from reports.standing import STANDINGS, severity, tally
from reports.timings import timings_mark, timings_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import MatrixCell
    from reports.names import Names
    from reports.reading import Reading, Run, TrialBrief

_SESSIONS_LISTED = 20
_SPARKLINE_RUNS = 30


@dataclass(frozen=True)
class _IndexContext:
    """What every part of the page is made from: ``trials`` by session id, ``series`` ids by what identifies them."""

    files: Mapping[str, str]
    reading: Reading
    names: Names
    trials: Mapping[str, Sequence[TrialBrief]]
    series: Mapping[tuple[str, int, str, str, str], int]


def index_page(
    cases: Sequence[CurrentCase], files: Mapping[str, str], reading: Reading, names: Names, *, title: str, written: str
) -> IndexPage:
    """Return the first page.

    Args:
        cases: every case on every machine.
        files: the model pages' file names, by model.
        reading: what they were made from.
        names: of subjects and machines.
        title: of the report.
        written: when the report was written.
    """
    trials: dict[str, list[TrialBrief]] = defaultdict(list)
    for trial in reading.trials:
        trials[trial.session_id].append(trial)
    context = _IndexContext(
        files=files,
        reading=reading,
        names=names,
        trials=trials,
        series={
            (row.case_id, row.case_version, row.environment_hash, row.metric, row.point): row.id
            for row in reading.series
        },
    )
    newest_first = list(reversed(reading.sessions))
    totals = tally(case.standing for case in cases)
    tone, symbol, headline = _headline(cases)
    wrong = sorted((case for case in cases if case.standing.attention), key=lambda case: severity(case.standing))
    return IndexPage(
        title=title,
        written=written,
        database=text.plain(reading.database, 300),
        headline=headline,
        tone=tone,
        tone_symbol=symbol,
        totals=tuple(totals),
        attention=tuple(
            Attention(
                standing=case.standing,
                subject=text.plain(case.case_id, 160),
                sentence=text.plain(sentence_of(case), 600),
                href=_href(case, context),
                environment=names.environments[case.environment].name,
            )
            for case in wrong
        ),
        matrices=tuple(
            _matrix(key, [case for case in cases if case.environment == key], context)
            for key in dict.fromkeys(case.environment for case in cases)
        ),
        sessions=session_views(newest_first[:_SESSIONS_LISTED], trials, names),
        sessions_in_all=len(reading.sessions),
        subjects=tuple(names.subjects.values()),
        legend=tuple(STANDINGS.values()),
    )


def _headline(cases: Sequence[CurrentCase]) -> tuple[str, str, str]:
    """Return the tone, its symbol and the sentence that says in five seconds whether anything is wrong."""
    if not cases:
        return "empty", "○", "The history has no results yet."
    counts = tally(case.standing for case in cases)
    wrong = [(standing, number) for standing, number in counts if standing.attention]
    if wrong:
        said = text.listed([f"{number} {standing.label}" for standing, number in wrong])
        number = sum(number for _, number in wrong)
        return (
            wrong[0][0].key,
            wrong[0][0].symbol,
            f"{number} of {text.count(len(cases), 'case')} {'needs' if number == 1 else 'need'} attention: {said}.",
        )
    said = text.listed([f"{number} {standing.label}" for standing, number in counts])
    unjudged = sum(number for standing, number in counts if standing.key in ("insufficient", "unjudged"))
    if unjudged:
        return (
            "insufficient",
            STANDINGS["insufficient"].symbol,
            f"Nothing failed, but {unjudged} of {text.count(len(cases), 'case')} cannot be judged yet: {said}.",
        )
    return "pass", STANDINGS["pass"].symbol, f"Nothing needs attention: of {text.count(len(cases), 'case')}, {said}."


def _matrix(environment: str, cases: Sequence[CurrentCase], context: _IndexContext) -> Matrix:
    trials = context.trials
    here = [
        session
        for session in context.reading.sessions
        if any(trial.environment == environment for trial in trials.get(session.record.id, ()))
    ]
    precisions = _in_order({case.precision for case in cases})
    rows: dict[tuple[str, str], dict[str, Cell]] = defaultdict(dict)
    for case in cases:
        rows[case.model, case.profile][case.precision] = _cell(case, context)
    return Matrix(
        environment=context.names.environments[environment],
        session=session_views(here[-1:], trials, context.names)[0] if here else None,
        precisions=tuple(text.plain(precision, 60) for precision in precisions),
        rows=tuple(
            MatrixRow(
                model=text.plain(model, 120),
                href=context.files[model],
                profile=text.plain(profile, 80),
                cells=tuple(cells.get(precision) for precision in precisions),
            )
            for (model, profile), cells in rows.items()
        ),
        totals=tuple(tally(case.standing for case in cases)),
    )


def _cell(case: CurrentCase, context: _IndexContext) -> Cell:
    cell = case.newest
    latency = change = ""
    drawing = Markup()
    if key := tuned_latency(cell):
        latency = text.quantity(cell.values[key], metric_of(key[0]).unit)
        change = _change(cell, *key)
        series = context.series.get((case.case_id, case.version, case.environment, *key))
        drawing = _sparkline(context.reading.runs.get(series, ()) if series is not None else ())
    explained = case.standing.attention or case.standing.key == "unsupported"
    others = [
        f"{context.names.subjects[other.subject_hash].label}: {standing_of(other).label}"
        for other in case.cells
        if other is not cell
    ]
    if case.stale and not case.missing_from:
        others.append(f"last run {text.moment(cell.started_at)[:10]}")
    return Cell(
        standing=case.standing,
        label=case.label,
        href=_href(case, context),
        latency=latency,
        warning=timings_mark(cell),
        timings=timings_sentence(cell),
        change=change,
        sparkline=drawing,
        reason=text.plain(sentence_of(case), 600) if explained else "",
        others=tuple(others),
    )


def _change(cell: MatrixCell, metric: str, point: str) -> str:
    where = f"at {text.point(point)}{', tuned' if is_tuned(cell.profile, point) else ''}"
    verdict = cell.verdicts.get((metric, point))
    if verdict is None or verdict.effect is None or verdict.status == "insufficient":
        return where
    return f"{text.change(verdict.effect, verdict.scale, metric_of(metric).unit)} {where}"


def _sparkline(runs: Sequence[Run]) -> Markup:
    values = [run.value for run in runs if math.isfinite(run.value)][-_SPARKLINE_RUNS:]
    if not values:
        return Markup()
    return sparkline(
        values,
        f"last {text.count(len(values), 'run')}: "
        f"{text.quantity(min(values), 'ms')} to {text.quantity(max(values), 'ms')}",
    )


def _href(case: CurrentCase, context: _IndexContext) -> str:
    return f"{context.files[case.model]}#{anchor_of(case, context.names)}"


def _in_order(precisions: set[str]) -> list[str]:
    known: dict[str, int] = {recipe: place for place, recipe in enumerate(RECIPES)}
    return sorted(precisions, key=lambda name: (known.get(name, len(known)), name))
