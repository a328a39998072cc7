"""From rows of the tables back to records; used by ``harness.history.queries``."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from harness.history.graphs import graphs_of
from harness.history.records import (
    EngineRecord,
    EnvironmentRecord,
    FindingRecord,
    LayerRecord,
    MeasurementRecord,
    SessionRecord,
    SubjectRecord,
    TensorErrorRecord,
    TrialRecord,
    VerdictRecord,
)
from harness.history.rows import SessionRow, TrialRow
from harness.history.tables import (
    Case,
    Engine,
    EngineLayer,
    Environment,
    Finding,
    Measurement,
    Series,
    Session,
    Subject,
    TensorError,
    Trial,
)
from harness.history.tables import Verdict as VerdictTable
from harness.verdicts.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery

# What a ``SeriesRow`` is made of, in its order.
SERIES_COLUMNS = (
    Series.id,
    Series.fingerprint,
    Case.name,
    Case.version,
    Case.model,
    Case.precision,
    Case.profile,
    Series.metric,
    Series.point,
    Environment.name,
    Environment.identity_hash,
)
VERDICT_COLUMNS = tuple(getattr(VerdictTable, field.name) for field in fields(Verdict))
_CAUSE_COLUMNS = (VerdictTable.cause, VerdictTable.cause_details)
_VERDICT_NAMES = tuple(field.name for field in fields(Verdict))
# No statement may name more values than SQLite takes; 32 766 since 3.32.
IDS_AT_ONCE = 30_000


def number(value: float | None) -> float:
    """Return a measured value; NULL is how NaN is kept."""
    return math.nan if value is None else value


def verdict(columns: Sequence[Any]) -> Verdict | None:
    """Return the verdict in ``VERDICT_COLUMNS``, or None where an outer join found none."""
    if columns[0] is None:
        return None
    return Verdict(**dict(zip(_VERDICT_NAMES, columns, strict=True)))


def subject(row: Row[Any]) -> SubjectRecord:
    """Return a subject from a row that has its columns."""
    return SubjectRecord(name=row.name, runtime=row.runtime, version=row.version, libraries=row.libraries)


def environment(row: Row[Any]) -> EnvironmentRecord:
    """Return an environment from a row that has its columns."""
    return EnvironmentRecord(name=row.name, identity=row.identity, facts=row.facts)


def sessions(connection: Connection, session_id: str | None) -> list[SessionRow]:
    """Return one session, or all of them in the order of their start if ``session_id`` is None."""
    tried = select(Trial.session_id, Trial.outcome, func.count()).where(Trial.ordinal == 0)
    tried = tried.group_by(Trial.session_id, Trial.outcome)
    words = last_words(session_id)
    judged = (
        select(Trial.session_id, VerdictTable.status, func.count())
        .join(words, words.c.id == VerdictTable.id)
        .join(Trial, Trial.id == VerdictTable.trial_id)
        .group_by(Trial.session_id, VerdictTable.status)
    )
    stored = select(Session.__table__).order_by(Session.started_at, Session.id)
    if session_id is not None:
        tried = tried.where(Trial.session_id == session_id)
        stored = stored.where(Session.id == session_id)
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    for identifier, outcome, count in connection.execute(tried):
        outcomes[identifier][outcome] = count
    verdicts: dict[str, dict[str, int]] = defaultdict(dict)
    for identifier, status, count in connection.execute(judged):
        verdicts[identifier][status] = count
    return [
        SessionRow(
            record=SessionRecord(**{field.name: getattr(row, field.name) for field in fields(SessionRecord)}),
            status=row.status,
            finished_at=row.finished_at,
            outcomes=outcomes[row.id],
            verdicts=verdicts[row.id],
        )
        for row in connection.execute(stored)
    ]


def last_words(session_id: str | None) -> Subquery:
    """Return the ids of the newest verdict on each series of each subject of each session (or of one session)."""
    query = select(func.max(VerdictTable.id).label("id")).join(Trial, Trial.id == VerdictTable.trial_id)
    if session_id is not None:
        query = query.where(Trial.session_id == session_id)
    return query.group_by(Trial.session_id, Trial.subject_id, VerdictTable.series_id).subquery()


def taken_back() -> ColumnElement[bool]:
    """Return whether the verdict of a statement's ``verdict`` and ``trial`` is not its session's last word.

    For a statement that looks at few verdicts; for all of them ``last_words`` takes less time.
    """
    later, trial = aliased(VerdictTable), aliased(Trial)
    query = (
        select(later.id)
        .join(trial, trial.id == later.trial_id)
        .where(
            later.series_id == VerdictTable.series_id,
            later.id > VerdictTable.id,
            trial.session_id == Trial.session_id,
            trial.subject_id == Trial.subject_id,
        )
    )
    return query.exists()


def values_of(connection: Connection, trials: Subquery) -> Mapping[int, dict[tuple[str, str], float]]:
    """Return what the trials of a subquery ``(id)`` measured: by trial, by (metric, point)."""
    query = (
        select(Measurement.trial_id, Series.metric, Series.point, Measurement.value)
        .join(trials, trials.c.id == Measurement.trial_id)
        .join(Series, Series.id == Measurement.series_id)
        .order_by(Measurement.id)
    )
    values: dict[int, dict[tuple[str, str], float]] = defaultdict(dict)
    for trial_id, metric, point, value in connection.execute(query):
        values[trial_id][metric, point] = number(value)
    return values


def verdicts_since(connection: Connection, trials: Subquery) -> Mapping[int, dict[tuple[str, str], Verdict]]:
    """Return, for each first trial of a subquery ``(id)``, the last words of its session: by (metric, point)."""
    first, later = aliased(Trial), aliased(Trial)
    same_case = and_(
        later.session_id == first.session_id,
        later.case_id == first.case_id,
        later.environment_id == first.environment_id,
        later.subject_id == first.subject_id,
        later.id >= first.id,
    )
    query = (
        select(first.id, Series.metric, Series.point, *VERDICT_COLUMNS)
        .join(trials, trials.c.id == first.id)
        .join(later, same_case)
        .join(VerdictTable, VerdictTable.trial_id == later.id)
        .join(Series, Series.id == VerdictTable.series_id)
        .order_by(VerdictTable.id)
    )
    words: dict[int, dict[tuple[str, str], Verdict]] = defaultdict(dict)
    for row in connection.execute(query):
        word = verdict(row[3:])
        if word is not None:
            words[row[0]][row[1], row[2]] = word
    return words


def findings_of(connection: Connection, trials: Subquery) -> Mapping[int, list[FindingRecord]]:
    """Return what the items of the trials of a subquery ``(id)`` said, by trial."""
    query = select(Finding.trial_id, Finding.stage, Finding.outcome, Finding.message)
    query = query.join(trials, trials.c.id == Finding.trial_id).order_by(Finding.id)
    findings: dict[int, list[FindingRecord]] = defaultdict(list)
    rows: Iterable[Any] = connection.execute(query)
    for trial_id, stage, outcome, message in rows:
        findings[trial_id].append(FindingRecord(stage=stage, outcome=outcome, message=message))
    return findings


def trials(connection: Connection, trial_ids: Sequence[int]) -> dict[int, TrialRow]:
    """Return trials by their ids with everything but raw samples, in eight statements and three for the keys."""
    chosen = select(Trial.id).where(Trial.id.in_(trial_ids)).subquery()
    subjects = {row.id: subject(row) for row in connection.execute(select(Subject.__table__))}
    environments = {row.id: environment(row) for row in connection.execute(select(Environment.__table__))}
    cases = {row.id: row for row in connection.execute(select(Case.__table__))}
    engines, graphs = _engines(connection, chosen), graphs_of(connection, chosen)
    values, findings = values_of(connection, chosen), findings_of(connection, chosen)
    verdicts, tensor_errors = _own_verdicts(connection, chosen), _tensor_errors(connection, chosen)
    rows = connection.execute(select(Trial.__table__).where(Trial.id.in_(trial_ids)).order_by(Trial.id))
    return {
        row.id: TrialRow(
            row.id,
            TrialRecord(
                session=row.session_id,
                case_id=cases[row.case_id].name,
                case_hash=cases[row.case_id].case_hash,
                case_version=cases[row.case_id].version,
                model=cases[row.case_id].model,
                precision=cases[row.case_id].precision,
                profile=cases[row.case_id].profile,
                environment=environments[row.environment_id],
                subject=replace(subjects[row.subject_id], name=row.subject_label),
                started_at=row.started_at,
                index=row.ordinal,
                outcome=row.outcome,
                message=row.message,
                quality=row.quality,
                conditions=row.conditions,
                phases=row.phases,
                engine=engines.get(row.engine_id),
                graph=graphs.get(row.graph_id),
                measurements=tuple(
                    MeasurementRecord(metric=metric, point=point, value=value)
                    for (metric, point), value in values[row.id].items()
                ),
                tensor_errors=tuple(tensor_errors[row.id]),
                findings=tuple(findings[row.id]),
                verdicts=tuple(verdicts[row.id]),
            ),
        )
        for row in rows
    }


def layers(connection: Connection, engines: Select[Any]) -> Mapping[int, list[LayerRecord]]:
    """Return the layers of the engines that a statement selects the ids of, in their order, by engine."""
    of_engines: dict[int, list[LayerRecord]] = defaultdict(list)
    listed = select(EngineLayer.__table__).where(EngineLayer.engine_id.in_(engines))
    for row in connection.execute(listed.order_by(EngineLayer.engine_id, EngineLayer.position)):
        identifier, position, name, operator, compute_type, tactic, outputs, milliseconds = row
        of_engines[identifier].append(
            LayerRecord(
                position=position,
                name=name,
                operator=operator,
                compute_type=compute_type,
                tactic=tactic,
                outputs=tuple(outputs),
                milliseconds=milliseconds,
            )
        )
    return of_engines


def _engines(connection: Connection, chosen: Subquery) -> Mapping[int, EngineRecord]:
    own = select(Trial.engine_id).join(chosen, chosen.c.id == Trial.id)
    of_engines = layers(connection, own)
    return {
        row.id: EngineRecord(
            fingerprint=row.fingerprint,
            bytes=row.bytes,
            build_seconds=row.build_seconds,
            options=row.options,
            type_shares=row.type_shares,
            layers=row.layers,
            warnings=tuple(row.warnings),
            time_shares=row.time_shares,
            warning_kinds=row.warning_kinds,
            log=row.log,
            layer_list=tuple(of_engines[row.id]),
        )
        for row in connection.execute(select(Engine.__table__).where(Engine.id.in_(own)))
    }


def _own_verdicts(connection: Connection, chosen: Subquery) -> Mapping[int, list[VerdictRecord]]:
    query = (
        select(VerdictTable.trial_id, Series.metric, Series.point, *_CAUSE_COLUMNS, *VERDICT_COLUMNS)
        .join(chosen, chosen.c.id == VerdictTable.trial_id)
        .join(Series, Series.id == VerdictTable.series_id)
        .order_by(VerdictTable.id)
    )
    verdicts: dict[int, list[VerdictRecord]] = defaultdict(list)
    for row in connection.execute(query):
        word = verdict(row[5:])
        if word is not None:
            told = {"cause": row[3], "cause_details": row[4]}
            verdicts[row[0]].append(VerdictRecord(metric=row[1], point=row[2], verdict=word, **told))
    return verdicts


def _tensor_errors(connection: Connection, chosen: Subquery) -> Mapping[int, list[TensorErrorRecord]]:
    names = tuple(field.name for field in fields(TensorErrorRecord))
    query = select(TensorError.trial_id, *(getattr(TensorError, name) for name in names))
    query = query.join(chosen, chosen.c.id == TensorError.trial_id).order_by(TensorError.id)
    errors: dict[int, list[TensorErrorRecord]] = defaultdict(list)
    for row in connection.execute(query):
        errors[row[0]].append(TensorErrorRecord(**dict(zip(names, row[1:], strict=True))))
    return errors
