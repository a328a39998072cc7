"""From the history to the cases that a session lacks: the sessions that it is held against, and what they ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.cases.operator import OPERATORS
from harness.commands.vanished import RanCase, RanSession, is_comparable, vanished
from harness.history.decisions import in_force
from harness.history.named_baselines import named_baselines, newest_revision
from harness.history.policies import read_decisions
from harness.history.tables import BaselineMember, Case, Environment, Session, Subject, Trial
from harness.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Connection

    from harness.history.rows import SessionRow


def lacking_cases(
    connection: Connection, row: SessionRow, ancestors: Callable[[str], frozenset[str] | None]
) -> tuple[str | None, dict[str, str]]:
    """Return the newest session that a session is held against, and the cases that it lacks with who had them last.

    Held against are the finished sessions before it that its baselines may come from: on one of its machines, asked for
    what can be compared, of commits up to its merge base where it has one, as many as make a baseline; or those of the
    named baseline that it compared with.

    Args:
        connection: to the history.
        row: the session.
        ancestors: a commit -> it and all that it grew from; None where git does not know.
    """
    record = row.record
    own = RanSession(id=record.id, settings=record.settings, cases=_cases(connection, Trial.session_id == record.id))
    machines = {ran.environment for ran in own.cases}
    earlier = list(_named(connection, record.settings) or _before(connection, row, machines, ancestors))
    return (earlier[0].id if earlier else None), vanished(own, earlier, in_force(read_decisions(connection)))


def _before(
    connection: Connection, row: SessionRow, machines: set[str], ancestors: Callable[[str], frozenset[str] | None]
) -> Iterator[RanSession]:
    settings = row.record.settings
    base = settings.get("merge_base")
    merged = ancestors(base) if base else None
    there = select(Trial.id).join(Environment, Environment.id == Trial.environment_id)
    there = there.where(Trial.session_id == Session.id, Environment.identity_hash.in_(machines))
    query = (
        select(Session.id, Session.settings, Session.commit)
        .where(Session.status == "finished", Session.started_at < row.record.started_at, there.exists())
        .order_by(Session.started_at.desc(), Session.id)
    )
    left = int(settings.get("baseline_runs") or Settings.baseline_runs)
    for session_id, asked, commit in connection.execute(query):
        if left and (merged is None or commit in merged) and is_comparable(settings, asked):
            left -= 1
            yield RanSession(id=session_id, settings=asked, cases=_cases(connection, Trial.session_id == session_id))


def _named(connection: Connection, settings: Mapping[str, Any]) -> list[RanSession]:
    """Return what a named baseline consists of, session by session, the newest first; nothing if none was named."""
    if not (name := settings.get("baseline")):
        return []
    named = newest_revision(named_baselines(connection), name)
    members = select(BaselineMember.trial_id).where(BaselineMember.baseline_id == named.id)
    query = select(Session.id, Session.settings).where(
        Session.id.in_(select(Trial.session_id).where(Trial.id.in_(members)))
    )
    return [
        RanSession(
            id=session_id,
            settings=asked,
            cases=_cases(connection, Trial.session_id == session_id, Trial.id.in_(members)),
        )
        for session_id, asked in connection.execute(query.order_by(Session.started_at.desc(), Session.id)).all()
    ]


def _cases(connection: Connection, *conditions: ColumnElement[bool]) -> list[RanCase]:
    query = (
        select(
            *(Case.name, Case.model, Case.precision, Case.profile),
            *(Environment.identity_hash, Subject.runtime, Trial.subject_label),
        )
        .select_from(Trial)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        # The operator suite runs only where it is asked for, so no other session misses it.
        .where(Trial.ordinal == 0, Case.model != OPERATORS, *conditions)
        .order_by(Trial.id)
    )
    return [
        RanCase(
            case=case,
            model=model,
            precision=precision,
            profile=profile,
            environment=environment,
            runtime=runtime,
            subject=subject,
        )
        for case, model, precision, profile, environment, runtime, subject in connection.execute(query)
    ]
