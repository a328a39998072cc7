"""Units and directions, as a history keeps them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import event

from harness.cases import METRICS
from harness.history.declarations import declare_metrics
from harness.history.store import History

if TYPE_CHECKING:
    from pathlib import Path


def declared(path: Path) -> dict[str, tuple[str, str]]:
    """Return what the database at ``path`` says of each metric."""
    with closing(sqlite3.connect(path)) as connection:
        return {name: (unit, direction) for name, unit, direction in connection.execute("SELECT * FROM metric")}


def change(path: Path, statement: str) -> None:
    """Do to the database at ``path`` what another harness might have done."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_new_history_knows_every_metric(tmp_path: Path) -> None:
    """Unit and direction of all metrics are there before the first trial is."""
    History.open(tmp_path / "history.db").close()
    expected = {metric.name: (metric.unit, metric.direction) for metric in METRICS.values()}
    assert declared(tmp_path / "history.db") == expected


def test_what_another_harness_declared_is_brought_up_to_date(tmp_path: Path) -> None:
    """A unit that differs is replaced, a metric that is lacking is added, and one that only others know stays."""
    path = tmp_path / "history.db"
    History.open(path).close()
    change(path, "UPDATE metric SET unit = 's' WHERE name = 'latency_host'")
    change(path, "DELETE FROM metric WHERE name = 'engine_bytes'")
    change(path, "INSERT INTO metric VALUES ('novelty', 'K', 'lower')")
    History.open(path, read_only=True).close()
    assert declared(path)["latency_host"] == ("s", "lower")
    History.open(path).close()
    rows = declared(path)
    assert (rows["latency_host"], rows["engine_bytes"], rows["novelty"]) == (
        ("ms", "lower"),
        ("B", "lower"),
        ("K", "lower"),
    )


def test_declaring_again_writes_nothing(history: History) -> None:
    """Opening a history that is up to date takes no write lock."""
    statements: list[str] = []
    event.listen(
        history._engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    declare_metrics(history._engine)
    assert [statement.split()[0] for statement in statements if statement != "BEGIN"] == ["SELECT"]
