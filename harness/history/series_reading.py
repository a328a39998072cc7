"""What is read of series and of their runs, in one transaction each; used by ``harness.history.queries``.

The order of runs is that of trial ids, in which they were committed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, and_, func, select, type_coerce

from harness.history import reading
from harness.history.rows import MatrixCell, PastRun, SeriesPoint, SeriesRow, SeriesVerdict
from harness.history.tables import Case, Engine, Environment, Measurement, Series, Session, Subject, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

_SAME_MEASUREMENT = and_(Verdict.trial_id == Measurement.trial_id, Verdict.series_id == Measurement.series_id)


def series_list(connection: Connection) -> list[SeriesRow]:
    """Return every series, case by case in the order in which they were first seen."""
    query = select(*reading.SERIES_COLUMNS).select_from(Series).join(Case).join(Environment)
    return [SeriesRow(*row) for row in connection.execute(query.order_by(Case.id, Series.id))]


def series_points(connection: Connection, series: Collection[int] | None) -> dict[int, list[SeriesPoint]]:
    """Return the runs of several series by their ids, oldest first; of all series if None."""
    query = (
        select(
            Measurement.series_id,
            Measurement.trial_id,
            Trial.session_id,
            Subject.subject_hash,
            Trial.started_at,
            Trial.ordinal,
            Trial.outcome,
            Trial.quality,
            Measurement.value,
            Measurement.sample_count,
            *reading.VERDICT_COLUMNS,
        )
        .select_from(Measurement)
        .join(Trial, Trial.id == Measurement.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .outerjoin(Verdict, _SAME_MEASUREMENT)
        .order_by(Measurement.series_id, Measurement.trial_id)
    )
    points: dict[int, list[SeriesPoint]] = defaultdict(list)
    if series is not None:
        points.update({number: [] for number in series})
        query = query.where(Measurement.series_id.in_(points.keys()))
    rows: Iterable[Any] = connection.execute(query)
    for row in rows:
        point = SeriesPoint(
            trial_id=row[1],
            session_id=row[2],
            subject_hash=row[3],
            started_at=row[4],
            index=row[5],
            outcome=row[6],
            quality=row[7],
            value=reading.number(row[8]),
            sample_count=row[9],
            verdict=reading.verdict(row[10:]),
        )
        points[row[0]].append(point)
    return dict(points)


def session_verdicts(connection: Connection, session_id: str) -> list[SeriesVerdict]:
    """Return the last word on each series of each subject in a session, in the order of the cases."""
    words = reading.last_words(session_id)
    query = (
        select(
            *(*reading.SERIES_COLUMNS, Trial.session_id, Trial.id, Subject.subject_hash),
            *(Verdict.cause, *reading.VERDICT_COLUMNS),
        )
        .select_from(Verdict)
        .join(words, words.c.id == Verdict.id)
        .join(Trial, Trial.id == Verdict.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .join(Series, Series.id == Verdict.series_id)
        .join(Case, Case.id == Series.case_id)
        .join(Environment, Environment.id == Series.environment_id)
        .order_by(Case.id, Series.id, Subject.id)
    )
    width = len(reading.SERIES_COLUMNS)
    rows: Iterable[Any] = connection.execute(query)
    return [
        SeriesVerdict(SeriesRow(*row[:width]), row[width], row[width + 1], row[width + 2], verdict, row[width + 3])
        for row in rows
        if (verdict := reading.verdict(row[width + 4 :])) is not None
    ]


def latest_matrix(connection: Connection) -> list[MatrixCell]:
    """Return a cell for each case, environment and subject ever tried, case by case in the order first seen."""
    newest = (
        select(func.max(Trial.id).label("id"))
        .where(Trial.ordinal == 0)
        .group_by(Trial.case_id, Trial.environment_id, Trial.subject_id)
        .subquery()
    )
    cells = (
        select(
            Case.name.label("case_id"),
            Case.version.label("case_version"),
            *(Case.model, Case.precision, Case.profile),
            Environment.name.label("environment"),
            Environment.identity_hash.label("environment_hash"),
            *(Subject.subject_hash, Trial.session_id, Trial.id.label("trial_id")),
            *(Trial.started_at, Trial.outcome, Trial.message, Trial.quality),
        )
        .select_from(Trial)
        .join(newest, newest.c.id == Trial.id)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .order_by(Case.id, Environment.id, Subject.id)
    )
    values = reading.values_of(connection, newest)
    verdicts = reading.verdicts_since(connection, newest)
    findings = reading.findings_of(connection, newest)
    rows: Iterable[Any] = connection.execute(cells)
    return [
        MatrixCell(
            **row._asdict(),
            values=values[row.trial_id],
            verdicts=verdicts[row.trial_id],
            findings=tuple(findings[row.trial_id]),
        )
        for row in rows
    ]


def past_runs(
    connection: Connection,
    fingerprints: Sequence[str],
    *,
    runtime: str,
    before_session: str,
    pace: str | None,
    last: int,
) -> list[PastRun]:
    """Return the last runs of a series that ended well on a fit machine, the newest last, with their engines.

    Args:
        connection: to the history.
        fingerprints: of the series, then of those that it goes on with under former names.
        runtime: take only runs under this runtime.
        before_session: take none of this session.
        pace: take only sessions of this pace; of any if None.
        last: how many runs at most.
    """
    query = (
        select(Trial.session_id, Trial.ordinal, Measurement.value, Engine.build_hash, Engine.fingerprint)
        .select_from(Measurement)
        .join(Series, Series.id == Measurement.series_id)
        .join(Trial, Trial.id == Measurement.trial_id)
        .join(Session, Session.id == Trial.session_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .outerjoin(Engine, Engine.id == Trial.engine_id)
        .where(Series.fingerprint.in_(fingerprints), Subject.runtime == runtime, Trial.session_id != before_session)
        .where(Trial.outcome == "ok", Trial.quality == "ok", Measurement.value.is_not(None))
        .order_by(Measurement.trial_id.desc())
        .limit(last)
    )
    if pace is not None:
        query = query.where(type_coerce(Session.settings, JSON)["pace"].as_string() == pace)
    newest_first: Iterable[Any] = connection.execute(query).all()
    return [
        PastRun(session, index, value, build or "", tactics or "")
        for session, index, value, build, tactics in newest_first
    ][::-1]
