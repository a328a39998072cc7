"""From the history to what the gate assesses: a session's cases, and those that it should have had."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.commands.gate import GatedCase, GatedSession
from harness.history import reading
from harness.history.records import VerdictRecord
from harness.history.tables import Case, Environment, Session, Subject, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from harness.history.queries import Queries
    from harness.history.rows import SessionRow

# The settings that decide which cases a session has: only sessions that were asked for the same can lack anything.
_SELECTING = ("catalogue", "models", "precisions", "profiles", "pace", "subjects", "check")


def read_session(queries: Queries, session_id: str) -> GatedSession:
    """Return what a session left behind.

    The cases that it lacks are those of the newest finished session before it that ran in one of its environments and
    was asked for the same models, precisions, profiles and subjects.

    Args:
        queries: of the history.
        session_id: its id, or ``latest``.

    Raises:
        HistoryError: there is no such session, or the history cannot be read.
    """
    row = queries.session(session_id)
    verdicts: dict[tuple[str, str, str], list[VerdictRecord]] = defaultdict(list)
    for word in queries.session_verdicts(row.record.id):
        key = (word.series.case_id, word.series.environment_hash, word.subject_hash)
        verdicts[key].append(VerdictRecord(metric=word.series.metric, point=word.series.point, verdict=word.verdict))
    # Nobody but the gate asks this, so the statements are here and only their connection is borrowed.
    with queries.snapshot() as connection:
        cases = _cases(connection, row.record.id, verdicts)
        own = _labels(connection, row.record.id)
        previous = _previous(connection, row, {environment for environment, _ in own})
        before = _labels(connection, previous) if previous else {}
    environments = {environment for environment, _ in own}
    return GatedSession(
        id=row.record.id,
        status=row.status,
        cases=cases,
        previous=previous,
        lacking=tuple(label for key, label in before.items() if key not in own and key[0] in environments),
    )


def _cases(
    connection: Connection, session_id: str, verdicts: Mapping[tuple[str, str, str], list[VerdictRecord]]
) -> tuple[GatedCase, ...]:
    first = select(Trial.id).where(Trial.session_id == session_id, Trial.ordinal == 0).subquery()
    findings = reading.findings_of(connection, first)
    query = (
        select(
            *(Trial.id, Trial.outcome, Trial.subject_label),
            *(Case.name, Environment.identity_hash, Subject.subject_hash, Subject.runtime),
        )
        .join(first, first.c.id == Trial.id)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .order_by(Trial.id)
    )
    rows: Iterable[Any] = connection.execute(query)
    return tuple(
        GatedCase(
            id=_label(row.name, row.subject_label, row.runtime),
            outcome=row.outcome,
            findings=tuple(findings[row.id]),
            verdicts=tuple(verdicts.get((row.name, row.identity_hash, row.subject_hash), ())),
        )
        for row in rows
    )


def _labels(connection: Connection, session_id: str) -> dict[tuple[str, str], str]:
    """Return what a session's cases are called, by environment and by that name itself."""
    query = (
        select(Environment.identity_hash, Case.name, Trial.subject_label, Subject.runtime)
        .select_from(Trial)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.session_id == session_id, Trial.ordinal == 0)
        .order_by(Trial.id)
    )
    labels = ((environment, _label(*names)) for environment, *names in connection.execute(query))
    return {(environment, label): label for environment, label in labels}


def _previous(connection: Connection, row: SessionRow, environments: set[str]) -> str | None:
    query = (
        select(Session.id, Session.settings)
        .where(Session.status == "finished", Session.started_at < row.record.started_at)
        .order_by(Session.started_at.desc(), Session.id)
    )
    selection = _selection(row.record.settings)
    for session_id, settings in connection.execute(query):
        if _selection(settings) == selection:
            ran_in = {environment for environment, _ in _labels(connection, session_id)}
            if ran_in & environments:
                return str(session_id)
    return None


def _selection(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings.get(name) for name in _SELECTING}


def _label(case: str, subject: str, runtime: str) -> str:
    return case if subject == runtime else f"{case}@{subject}"
