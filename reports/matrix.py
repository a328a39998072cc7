"""The matrix of one machine: models and profiles by precisions; in each cell verdict, latency and the last runs."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.cases.precision import RECIPES
from reports import text
from reports.charts import sparkline
from reports.current import furthest_moved, is_tuned, metric_of, sentence_of, standing_of, tuned_latency
from reports.links import environment_file
from reports.names import session_views
from reports.overview import machine_key
from reports.standing import severity, tally
from reports.timings import timings_mark, timings_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.history.rows import MatrixCell, SessionRow
    from harness.verdicts.gate import Verdict
    from reports.current import CurrentCase
    from reports.overview import Overview
    from reports.pages import EnvironmentView, SessionView
    from reports.reading import Run
    from reports.standing import Standing

_SPARKLINE_RUNS = 30
# Words of a case that one metric gave it; of a pass there is no one to name.
_MOVED = ("regressed", "improved", "inconclusive", "missing", "quarantined")


@dataclass(frozen=True)
class Cell:
    """One case on one machine.

    Attributes:
        standing: its word and symbol.
        severity: of the standing, 0 the worst.
        label: what is shown of the standing.
        href: where its verdict is told, or else the case is shown, in full.
        moved: the metric that the standing is of and how far it moved, where that is not the latency below.
        latency: of the last run, written out; empty where it was not timed.
        milliseconds: likewise, as a number to sort by; empty too.
        warning: a word beside the latency where it cannot be trusted.
        timings: the same in a sentence.
        change: against the baseline.
        effect: likewise, as a number to sort by.
        point: at which the latency was taken.
        sparkline: the last runs.
        reason: why it stands as it does, where that is not plain.
        others: further things to know of it.
    """

    standing: Standing
    severity: int
    label: str
    href: str
    moved: str
    latency: str
    milliseconds: str
    warning: str
    timings: str
    change: str
    effect: str
    point: str
    sparkline: Markup
    reason: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class MatrixRow:
    """One model under one profile: a cell per precision, None where the catalogue has no such case.

    ``point`` is where all of its latencies were taken; empty where they were not all taken at the same.
    """

    model: str
    href: str
    profile: str
    point: str
    first: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Matrix:
    """Every case of one machine, each as of the last session there that has it.

    Attributes:
        key: stands for the machine in addresses of views.
        environment: the machine.
        href: its page.
        session: the last one there.
        ran: how many cases that had, and how these stand.
        standing: the same of all cases, where that session did not have every one of them; else empty.
        precisions: the columns.
        rows: models and profiles.
    """

    key: str
    environment: EnvironmentView
    href: str
    session: SessionView | None
    ran: str
    standing: str
    precisions: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def matrices_of(overview: Overview) -> tuple[Matrix, ...]:
    """Return a matrix for each machine, in the order of the history."""
    by_machine: dict[str, list[CurrentCase]] = defaultdict(list)
    for case in overview.site.cases:
        by_machine[case.environment].append(case)
    return tuple(_matrix(environment, cases, overview) for environment, cases in by_machine.items())


def in_order(precisions: Iterable[str]) -> list[str]:
    """Return precisions in their usual order, those that only a suite knows last."""
    known: dict[str, int] = {recipe: place for place, recipe in enumerate(RECIPES)}
    return sorted(set(precisions), key=lambda name: (known.get(name, len(known)), name))


def _matrix(environment: str, cases: Sequence[CurrentCase], overview: Overview) -> Matrix:
    site = overview.site
    last = overview.last_session(environment)
    precisions = in_order(case.precision for case in cases)
    rows: dict[tuple[str, str], dict[str, Cell]] = defaultdict(dict)
    for case in cases:
        rows[case.model, case.profile][case.precision] = _cell(case, last, overview)
    seen: set[str] = set()
    matrix_rows = []
    # Models by name; the profiles of each stay in the order of the history.
    for (model, profile), cells in sorted(rows.items(), key=lambda item: item[0][0]):
        points = {cell.point for cell in cells.values() if cell.point}
        matrix_rows.append(
            MatrixRow(
                model=text.plain(model, 120),
                href=site.models[model],
                profile=text.plain(profile, 80),
                point=points.pop() if len(points) == 1 else "",
                first=model not in seen,
                cells=tuple(cells.get(precision) for precision in precisions),
            )
        )
        seen.add(model)
    ran = [case for case in cases if last and case.session.record.id == last.record.id]
    return Matrix(
        key=machine_key(environment),
        environment=site.names.environments[environment],
        href=site.links.to(environment_file(environment)),
        session=session_views([last], overview.trials, site.names)[0] if last else None,
        ran=f"{text.count(len(ran), 'case')}, {_tallied(ran)}",
        standing=f"{text.count(len(cases), 'case')} here: {_tallied(cases)}" if len(ran) < len(cases) else "",
        precisions=tuple(text.plain(precision, 60) for precision in precisions),
        rows=tuple(matrix_rows),
    )


def _tallied(cases: Sequence[CurrentCase]) -> str:
    return ", ".join(f"{number} {standing.label}" for standing, number in tally(case.standing for case in cases))


def _cell(case: CurrentCase, last: SessionRow | None, overview: Overview) -> Cell:
    cell = case.newest
    names = overview.site.names
    latency = milliseconds = change = effect = point = ""
    drawing = Markup()
    key = tuned_latency(cell)
    if key:
        value = cell.values[key]
        latency = text.quantity(value, metric_of(key[0]).unit)
        milliseconds = f"{value:.6g}" if math.isfinite(value) else ""
        point = f"at {text.point(key[1])}{', tuned' if is_tuned(cell.profile, key[1]) else ''}"
        change, effect = _change(cell, *key)
        series = overview.series_of(case, *key)
        drawing = _sparkline(overview.runs.get(series, ()) if series is not None else (), cell.subject_hash)
    explained = case.standing.attention or case.standing.key == "unsupported"
    others = [
        f"{names.subjects[other.subject_hash].label}: {standing_of(other).label}"
        for other in case.cells
        if other is not cell
    ]
    # A machine may have a dozen sessions a day that do not ask for all of its cases.
    day = text.moment(cell.started_at)[:10]
    if last and not case.missing_from and day < text.moment(last.record.started_at)[:10]:
        others.append(f"last run {day}")
    return Cell(
        standing=case.standing,
        severity=severity(case.standing),
        label=case.label,
        href=overview.finding_of(case),
        moved=_moved(case, key),
        latency=latency,
        milliseconds=milliseconds,
        warning=timings_mark(cell),
        timings=timings_sentence(cell),
        change=change,
        effect=effect,
        point=point,
        sparkline=drawing,
        reason=text.plain(sentence_of(case), 600) if explained else "",
        others=tuple(others),
    )


def _change(cell: MatrixCell, metric: str, point: str) -> tuple[str, str]:
    """Return the change of a latency against its baseline, written out and as a number; empty for a short baseline."""
    verdict = cell.verdicts.get((metric, point))
    if verdict is None or verdict.effect is None or verdict.status == "insufficient":
        return "", ""
    return _written(metric, verdict), f"{verdict.effect:.4g}" if math.isfinite(verdict.effect) else ""


def _moved(case: CurrentCase, shown: tuple[str, str] | None) -> str:
    """Name the metric that the case's standing is of, and how far it moved: ``engine size +5.0 %``.

    Empty where the standing is not of a metric, or is of ``shown``, too, whose value and change the cell has.
    """
    found = furthest_moved(case)
    if found is None or case.standing.key not in _MOVED:
        return ""
    beside = case.newest.verdicts.get(shown) if shown else None
    if beside and beside.status == case.standing.key:
        return ""
    (metric, point), verdict = found
    # What comes behind a comma tells how it was measured.
    title = text.plain(metric_of(metric).title.partition(",")[0], 60)
    where = f" at {text.point(point)}" if point else ""
    return f"{title}{where} {_written(metric, verdict)}".rstrip()


def _written(metric: str, verdict: Verdict) -> str:
    """Write how far a series moved against its baseline; empty where nobody can say."""
    if verdict.effect is None:
        return ""
    if verdict.effect == 0:
        return "no change"
    return text.change(verdict.effect, verdict.scale, metric_of(metric).unit)


def _sparkline(runs: Sequence[Run], subject: str) -> Markup:
    """Draw the last runs, of each session one: that of the cell's subject where it has several."""
    chosen: dict[str, float] = {}
    for run in runs:
        if math.isfinite(run.value) and (run.subject == subject or run.session_id not in chosen):
            chosen[run.session_id] = run.value
    values = list(chosen.values())[-_SPARKLINE_RUNS:]
    if not values:
        return Markup()
    return sparkline(
        values,
        f"last {text.count(len(values), 'run')}: "
        f"{text.quantity(min(values), 'ms')} to {text.quantity(max(values), 'ms')}",
    )
