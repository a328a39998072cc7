"""How decisions are stored and read; what they mean is in ``harness.history.decisions``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from harness.history.decisions import Decision
from harness.history.tables import Level, Policy, Trial

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection


def read_decisions(connection: Connection) -> list[Decision]:
    """Return every decision, withdrawn ones and withdrawals included, in the order in which they were made."""
    return [_decision(row._asdict()) for row in connection.execute(select(Policy.__table__).order_by(Policy.id))]


def add_decision(connection: Connection, decision: Decision, levels: Collection[tuple[int, int]]) -> int:
    """Store a decision and return its number.

    Args:
        connection: to the history, in a transaction that writes.
        decision: what was decided; ``newest_trial`` is added to the parameters of an acknowledgement.
        levels: of an acknowledgement, (series, trial) where each new level begins.
    """
    columns = {**vars(decision), "parameters": dict(decision.parameters)}
    for name in ("id", "case", "metric", "point"):
        del columns[name]
    if decision.action == "ack":
        columns["parameters"]["newest_trial"] = connection.scalar(select(func.max(Trial.id))) or 0
    patterns = {"case_pattern": decision.case, "metric_pattern": decision.metric, "point_pattern": decision.point}
    key = connection.execute(insert(Policy).values(**columns, **patterns)).inserted_primary_key
    assert key is not None, "every table has a primary key"
    rows = [{"series_id": series, "trial_id": trial, "policy_id": int(key[0])} for series, trial in levels]
    if rows:
        connection.execute(insert(Level), rows)
    return int(key[0])


def _decision(columns: dict[str, Any]) -> Decision:
    patterns = {name: columns.pop(f"{name}_pattern") for name in ("case", "metric", "point")}
    return Decision(**columns, **patterns)
