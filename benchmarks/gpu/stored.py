"""What sessions left in a history, for programs that look at it afterwards."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from harness.history.tables import Session, Trial
from harness.opening import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from harness.history.records import TrialRecord
    from harness.history.rows import SessionRow


def trials_since(db: str, moment: datetime) -> list[TrialRecord]:
    """Return the trials of the sessions that began at ``moment`` or later, in the order of their commits.

    Args:
        db: path or SQLAlchemy URL of the history; none there means no trials.
        moment: with its time zone.

    Raises:
        HistoryError: the history is there and cannot be read.
    """
    history = open_for_reading(db, Path())
    if history is None:
        return []
    with history, history.queries.snapshot() as connection:
        query = select(Trial.id).join(Session, Session.id == Trial.session_id)
        ids = list(connection.scalars(query.where(Session.started_at >= moment).order_by(Trial.id)))
        rows = history.queries.trials(ids) if ids else {}
    return [row.record for row in rows.values()]


def sessions_of(db: str) -> list[SessionRow]:
    """Return the sessions of a history, oldest first; none where there is no history.

    Raises:
        HistoryError: the history is there and cannot be read.
    """
    history = open_for_reading(db, Path())
    if history is None:
        return []
    with history:
        return history.queries.sessions()


def seconds_by_phase(trials: Iterable[TrialRecord]) -> dict[str, float]:
    """Return the wall seconds that trials spent in each phase, most first."""
    total: Counter[str] = Counter()
    for trial in trials:
        total.update(trial.phases)
    return {phase: round(seconds, 2) for phase, seconds in total.most_common()}
