"""What a session was for, by what it was told and by what it left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, exists, select

from harness.cases.operator import OPERATORS
from harness.history.tables import Case, Session, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Exists

SessionKind = Literal["suite", "check", "operators", "comparison"]


def session_kind(connection: Connection, session_id: str) -> SessionKind:
    """Return what a session of the history was for.

    ``comparison`` and ``check`` are what those commands noted in the session's settings, ``operators`` is a run that
    tried operator cases and no model, and ``suite`` is every other one. A run that ended before its first case is a
    ``suite``, too: nothing tells what it was going to run, and a suite that broke must not be taken for less.
    """
    row = connection.execute(_SESSIONS.where(Session.id == session_id)).one()
    return _kind(row.settings, operators=row.operators, models=row.models)


def latest_of_models(connection: Connection) -> str | None:
    """Return the id of the session started last among those of models: suites and checks, also broken ones.

    Returns:
        None where every session there is tried operators alone or compared subjects.
    """
    newest_first = connection.execute(_SESSIONS.order_by(Session.started_at.desc(), Session.id))
    kinds = ((str(row.id), _kind(row.settings, operators=row.operators, models=row.models)) for row in newest_first)
    return next((session for session, kind in kinds if kind in ("suite", "check")), None)


def _kind(settings: Mapping[str, Any], *, operators: bool, models: bool) -> SessionKind:
    if settings.get("compare"):
        return "comparison"
    if settings.get("check"):
        return "check"
    return "operators" if operators and not models else "suite"


def _tried(*, operators: bool) -> Exists:
    model = Case.model == OPERATORS if operators else Case.model != OPERATORS
    return exists().where(and_(Trial.session_id == Session.id, Trial.case_id == Case.id, model))


_SESSIONS = select(
    Session.id,
    Session.settings,
    _tried(operators=True).label("operators"),
    _tried(operators=False).label("models"),
)
