"""What a history says of its metrics, for whoever reads it without this package: unit and direction, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from harness.cases import METRICS
from harness.history.location import writer
from harness.history.tables import Metric

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def declare_metrics(engine: Engine) -> None:
    """Store unit and direction of every metric of this harness; those that only others know stay as they are.

    Nothing is written where nothing differs, so that opening a history waits for no other writer.
    """
    with engine.connect() as connection:
        if not _outdated(connection):
            return
    with writer(engine).begin() as connection:
        # Another process may have declared them since.
        if rows := _outdated(connection):
            connection.execute(delete(Metric).where(Metric.name.in_([row["name"] for row in rows])))
            connection.execute(insert(Metric), rows)


def _outdated(connection: Connection) -> list[dict[str, str]]:
    stored = {row.name: (row.unit, row.direction) for row in connection.execute(select(Metric.__table__))}
    return [
        {"name": metric.name, "unit": metric.unit, "direction": metric.direction}
        for metric in METRICS.values()
        if stored.get(metric.name) != (metric.unit, metric.direction)
    ]
