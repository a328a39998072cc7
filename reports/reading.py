"""What a report takes from the history: few statements, and of every machine the last sessions only."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import and_, select

from harness.cases.operator import OPERATORS
from harness.history.tables import Case, Environment, Finding, Measurement, Series, Subject, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from harness.history.records import EnvironmentRecord, SubjectRecord, TrialRecord
    from harness.history.rows import ChangeRow, MatrixCell, SeriesRow, SessionRow
    from harness.history.store import History

SAMPLES_FOR_P90, SAMPLES_FOR_P99 = 64, 662


@dataclass(frozen=True, slots=True)
class TrialBrief:
    """The first trial of a case in a session; ``failed`` speaks of every stage but the regression."""

    id: int
    session_id: str
    case_id: str
    model: str
    environment: str
    subject: str
    outcome: str
    quality: str
    failed: bool
    regressed: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One value of a series: of the first trial in a session, with the last word that its session had on it."""

    session_id: str
    subject: str
    quality: str
    value: float
    status: str | None


@dataclass(frozen=True)
class SampleSummary:
    """Raw samples of one measurement, reduced.

    Attributes:
        count: how many there are.
        spread: 1.4826 times the median absolute deviation, over the median: for Gaussian samples, their relative
            standard deviation.
        p90: 90th percentile in the metric's unit; None where the samples are too few for it.
        p99: 99th percentile, likewise.
    """

    count: int
    spread: float
    p90: float | None
    p99: float | None


@dataclass(frozen=True)
class Reading:
    """The part of a history that a report shows.

    Attributes:
        database: where it came from.
        sessions: every session, oldest first.
        subjects: by hash, in the order first seen.
        environments: likewise.
        trials: the first trials of each machine's last sessions, oldest first.
        series: every series.
        runs: their values by series id, oldest first.
        cells: of each (case id, environment hash) in those sessions, the newest first trial per subject, oldest first.
        details: of each cell's trial, everything but raw samples, by trial id.
        samples: of each cell's measurements that have raw samples, by (trial id, metric, point).
        changes: where levels changed, the newest first, by series id.
    """

    database: str
    sessions: Sequence[SessionRow]
    subjects: Mapping[str, SubjectRecord]
    environments: Mapping[str, EnvironmentRecord]
    trials: Sequence[TrialBrief]
    series: Sequence[SeriesRow]
    runs: Mapping[int, Sequence[Run]]
    cells: Mapping[tuple[str, str], Sequence[MatrixCell]]
    details: Mapping[int, TrialRecord]
    samples: Mapping[tuple[int, str, str], SampleSummary]
    changes: Mapping[int, Sequence[ChangeRow]]


def read(history: History, *, last: int = 200) -> Reading:
    """Read what a report shows, of each machine the last ``last`` sessions, in a fixed number of statements.

    Raises:
        HistoryError: the database cannot be read.
    """
    queries = history.queries
    sessions = queries.sessions()
    # The statements below are of use to reports only, so they are here, and borrow a connection.
    with queries.snapshot() as connection:
        shown = _last_sessions(connection, [session.record.id for session in sessions], last)
        trials = _trials(connection, shown)
        runs = _runs(connection, shown)
        cells = [cell for cell in queries.latest_matrix() if cell.session_id in set(shown) and cell.model != OPERATORS]
        samples = _samples(connection, [cell.trial_id for cell in cells])
    return Reading(
        database=queries.database,
        sessions=sessions,
        subjects=queries.subjects(),
        environments=queries.environments(),
        trials=trials,
        series=[series for series in queries.series_list() if series.model != OPERATORS],
        runs=runs,
        cells=_by_case(cells),
        details={key: row.record for key, row in queries.trials([cell.trial_id for cell in cells]).items()},
        samples=samples,
        changes=_by_series(queries.change_points()),
    )


def summarise(samples: np.ndarray) -> SampleSummary | None:
    """Reduce raw samples, float [n] in the metric's unit; None if none of them is finite.

    A percentile is given where MLPerf's early-stopping bound allows it: 64 samples for the 90th, 662 for the 99th.
    """
    finite = samples[np.isfinite(samples)].astype(np.float64)
    if not len(finite):
        return None
    middle = float(np.median(finite))
    deviation = 1.4826 * float(np.median(np.abs(finite - middle)))
    return SampleSummary(
        count=len(finite),
        spread=deviation / abs(middle) if middle else 0.0,
        p90=float(np.percentile(finite, 90)) if len(finite) >= SAMPLES_FOR_P90 else None,
        p99=float(np.percentile(finite, 99)) if len(finite) >= SAMPLES_FOR_P99 else None,
    )


def _last_sessions(connection: Connection, in_order: Sequence[str], last: int) -> list[str]:
    machines: dict[int, set[str]] = defaultdict(set)
    for environment, session in connection.execute(select(Trial.environment_id, Trial.session_id).distinct()):
        machines[environment].add(session)
    chosen = {key for own in machines.values() for key in [key for key in in_order if key in own][-last:]}
    return [key for key in in_order if key in chosen]


def _trials(connection: Connection, shown: Sequence[str]) -> list[TrialBrief]:
    failing = select(Finding.trial_id).where(Finding.outcome == "failed")
    failed = set(connection.scalars(failing.where(Finding.stage != "regression")))
    regressed = set(connection.scalars(failing.where(Finding.stage == "regression")))
    query = (
        select(
            *(Trial.id, Trial.session_id, Case.name, Case.model),
            *(Environment.identity_hash, Subject.subject_hash, Trial.outcome, Trial.quality),
        )
        .select_from(Trial)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        # Operators have a table of their own, trt-harness operators: a thousand cases are no page of a report.
        .where(Trial.ordinal == 0, Trial.session_id.in_(shown), Case.model != OPERATORS)
        .order_by(Trial.id)
    )
    broken = ("failed", "crashed", "timed_out")
    return [
        TrialBrief(
            *row,
            # A trial whose only failed stage is the regression is slower, not broken.
            failed=row.id in failed or (row.outcome in broken and row.id not in regressed),
            regressed=row.id in regressed,
        )
        for row in connection.execute(query)
    ]


def _runs(connection: Connection, shown: Sequence[str]) -> dict[int, list[Run]]:
    query = (
        select(
            *(Measurement.series_id, Trial.session_id, Subject.subject_hash, Trial.quality, Trial.ordinal),
            *(Measurement.value, Verdict.status),
        )
        .select_from(Trial)
        .join(Measurement, Measurement.trial_id == Trial.id)
        .join(Subject, Subject.id == Trial.subject_id)
        .outerjoin(Verdict, and_(Verdict.trial_id == Trial.id, Verdict.series_id == Measurement.series_id))
        .where(Trial.session_id.in_(shown))
        .order_by(Trial.id)
    )
    first: dict[tuple[int, str, str], tuple[str, float]] = {}
    words: dict[tuple[int, str, str], str] = {}
    for series, session, subject, quality, ordinal, value, status in connection.execute(query):
        key = (series, session, subject)
        if ordinal == 0:
            first[key] = (quality, math.nan if value is None else value)
        if status is not None:
            words[key] = status
    runs: dict[int, list[Run]] = defaultdict(list)
    places = {session: place for place, session in enumerate(shown)}
    for (series, session, subject), (quality, value) in sorted(first.items(), key=lambda item: places[item[0][1]]):
        runs[series].append(Run(session, subject, quality, value, words.get((series, session, subject))))
    return runs


def _samples(connection: Connection, trials: Sequence[int]) -> dict[tuple[int, str, str], SampleSummary]:
    query = (
        select(Measurement.trial_id, Series.metric, Series.point, Measurement.samples)
        .join(Series, Series.id == Measurement.series_id)
        .where(Measurement.trial_id.in_(trials), Measurement.samples.is_not(None))
    )
    summaries = {(row[0], row[1], row[2]): summarise(row[3]) for row in connection.execute(query)}
    return {key: summary for key, summary in summaries.items() if summary is not None}


def _by_series(changes: Sequence[ChangeRow]) -> dict[int, list[ChangeRow]]:
    grouped: dict[int, list[ChangeRow]] = defaultdict(list)
    for change in changes:
        grouped[change.series.id].append(change)
    return dict(grouped)


def _by_case(cells: Sequence[MatrixCell]) -> dict[tuple[str, str], list[MatrixCell]]:
    """Group cells by case and machine, oldest first; of a case in several versions only the newest version counts."""
    grouped: dict[tuple[str, str], list[MatrixCell]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: cell.trial_id):
        grouped[cell.case_id, cell.environment_hash].append(cell)
    newest = {key: own[-1].case_version for key, own in grouped.items()}
    in_order = dict.fromkeys((cell.case_id, cell.environment_hash) for cell in cells)
    return {key: [cell for cell in grouped[key] if cell.case_version == newest[key]] for key in in_order}
