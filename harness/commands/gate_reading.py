"""From the history to what the gate assesses: a session's cases, and those that it should have had."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.commands.gate import GatedCase, GatedSession
from harness.commands.vanished import label_of
from harness.commands.vanished_reading import lacking_cases
from harness.errors import HistoryError
from harness.history import reading
from harness.history.records import VerdictRecord
from harness.history.session_kinds import latest_of_models, session_kind
from harness.history.tables import Case, Environment, Subject, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection

    from harness.history.queries import Queries


def read_session(
    queries: Queries, session_id: str, *, ancestors: Callable[[str], frozenset[str] | None] = lambda _: None
) -> GatedSession:
    """Return what a session left behind, and what it lacks; see ``harness.commands.vanished``.

    Args:
        queries: of the history.
        session_id: its id, of a session of any kind; or ``latest``, the one of models that was started last.
        ancestors: a commit -> it and all that it grew from; None where git does not know, and then a session is held
            against those of every branch.

    Raises:
        HistoryError: there is no such session, or the history cannot be read.
    """
    row = queries.session(session_id if session_id != "latest" else _latest(queries))
    verdicts: dict[tuple[str, str, str], list[VerdictRecord]] = defaultdict(list)
    for word in queries.session_verdicts(row.record.id):
        key = (word.series.case_id, word.series.environment_hash, word.subject_hash)
        verdicts[key].append(
            VerdictRecord(metric=word.series.metric, point=word.series.point, verdict=word.verdict, cause=word.cause)
        )
    # Nobody but the gate asks this, so the statements are here and only their connection is borrowed.
    with queries.snapshot() as connection:
        cases = _cases(connection, row.record.id, verdicts)
        machines, software = _where(connection, row.record.id)
        previous, lacking = lacking_cases(connection, row, ancestors)
        kind = session_kind(connection, row.record.id)
    return GatedSession(
        id=row.record.id,
        status=row.status,
        kind=kind,
        cases=cases,
        previous=previous,
        lacking=lacking,
        narrowed=str(row.record.settings.get("narrowed") or ""),
        source=str(row.record.settings.get("check") or row.record.settings.get("catalogue") or ""),
        started_at=row.record.started_at,
        machines=machines,
        software=software,
        commit=row.record.commit,
    )


def _latest(queries: Queries) -> str:
    newest = queries.session().record.id
    with queries.snapshot() as connection:
        found = latest_of_models(connection)
    if found is None:
        raise HistoryError(
            f"the history holds no session of models yet; run one: pytest suites/, or judge the newest of another kind "
            f"by its id: --session {newest}"
        )
    return found


def _cases(
    connection: Connection, session_id: str, verdicts: Mapping[tuple[str, str, str], list[VerdictRecord]]
) -> tuple[GatedCase, ...]:
    first = select(Trial.id).where(Trial.session_id == session_id, Trial.ordinal == 0).subquery()
    findings = reading.findings_of(connection, first)
    query = (
        select(
            *(Trial.id, Trial.outcome, Trial.subject_label),
            *(Case.name, Case.model, Environment.identity_hash, Subject.subject_hash, Subject.runtime),
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
            id=label_of(row.name, row.subject_label, row.runtime),
            outcome=row.outcome,
            findings=tuple(findings[row.id]),
            verdicts=tuple(verdicts.get((row.name, row.identity_hash, row.subject_hash), ())),
            model=row.model,
            name=row.name,
            subject=row.subject_hash,
            environment=row.identity_hash,
        )
        for row in rows
    )


def _where(connection: Connection, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a session's machines are called, and its runtimes with their versions."""
    query = (
        select(Environment.name, Subject.runtime, Subject.version)
        .select_from(Trial)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.session_id == session_id, Trial.ordinal == 0)
        .order_by(Trial.id)
    )
    rows = [(name, f"{runtime} {version}".strip()) for name, runtime, version in connection.execute(query)]
    return tuple(dict.fromkeys(name for name, _ in rows)), tuple(dict.fromkeys(software for _, software in rows))
