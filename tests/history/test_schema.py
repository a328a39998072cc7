"""The schema: what the migrations make, and databases of other versions."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from harness.errors import HistoryError
from harness.history import schema
from harness.history.location import Location, connect, writer
from harness.history.migrating import upgrade
from harness.history.records import stable_hash
from harness.history.store import History
from harness.history.tables import Base
from tests.history.building import full_trial, remember, session, trial

if TYPE_CHECKING:
    from pathlib import Path

LATER = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "9999", {head!r}


def upgrade():
    with op.batch_alter_table("session") as table:
        table.add_column(sa.Column("mood", sa.Text(), nullable=True))
    {then}
"""


def later_harness(monkeypatch: pytest.MonkeyPatch, folder: Path, *, then: str = "") -> None:
    """Make this harness one whose migrations have a step more."""
    head = schema.head()
    migrations = folder / "migrations 100%"
    shutil.copytree(schema.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    (migrations / "versions" / "9999_later.py").write_text(LATER.format(head=head, then=then))
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)


def columns(path: Path, table: str) -> list[str]:
    """Return the names of a table's columns."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_migrations_make_the_tables_that_the_code_uses(history: History) -> None:
    """Alembic finds no difference between a migrated database and the declared tables, types and indexes included."""
    with history._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_files_of_migrations_are_named_after_their_revisions() -> None:
    """A history is opened without Alembic, which is slow to import: the names tell the same revisions in its order."""
    in_order = [script.revision for script in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()][::-1]
    named = sorted(file.name.split("_")[0] for file in (schema.MIGRATIONS / "versions").glob("0*.py"))
    assert named == in_order
    assert schema.head() == in_order[-1]


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    """A database of a later harness is neither read nor written."""
    path = tmp_path / "history.db"
    History.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0042'")
    for read_only in (False, True):
        with pytest.raises(HistoryError, match=r"made by a newer harness \(schema 0042"):
            History.open(path, read_only=read_only)


def test_older_schema_is_upgraded_on_request_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older database is refused until an upgrade is asked for, which keeps the data and leaves a backup."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        remember(history, trial(1))
    head = schema.head()
    later_harness(monkeypatch, tmp_path)
    for read_only in (False, True):
        with pytest.raises(HistoryError, match=r"made by an older harness.*trt-harness doctor --upgrade-history"):
            History.open(path, read_only=read_only)
    assert "mood" not in columns(path, "session")
    with pytest.raises(HistoryError, match="opened for reading only"):
        History.open(path, read_only=True, upgrade=True)
    with History.open(path, upgrade=True) as history:
        assert history.session().record == session(1)
        backup = history.backup
    assert "mood" in columns(path, "session")
    assert backup is not None
    assert f"schema-{head}" in backup.name
    assert "mood" not in columns(backup, "session")
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM trial").fetchone() == (1,)


def first_schema(path: Path) -> int:
    """Make a database of the first schema with the build of ``full_trial`` in it, as its harness wrote it."""
    engine = connect(Location.of(path), read_only=False)
    with writer(engine).begin() as connection:
        upgrade(connection, schema.MIGRATIONS, "0001")
    engine.dispose()
    record = full_trial(1).engine
    assert record is not None
    told = {
        "fingerprint": record.fingerprint,
        "bytes": record.bytes,
        "build_seconds": record.build_seconds,
        "options": record.options,
        "type_shares": record.type_shares,
        "layers": record.layers,
        "warnings": list(record.warnings),
    }
    row = {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in told.items()}
    row["build_hash"] = stable_hash(told)
    with closing(sqlite3.connect(path)) as connection, connection:
        statement = f"INSERT INTO engine ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608
        return int(connection.execute(statement, list(row.values())).lastrowid or 0)


def test_first_schema_is_upgraded(tmp_path: Path) -> None:
    """Engines of the first schema have no log and no layers until their build is met again, and stay one engine."""
    path = tmp_path / "history.db"
    engine_id = first_schema(path)
    with History.open(path, upgrade=True) as history:
        assert history.backup is not None
        with closing(sqlite3.connect(path)) as connection:
            kept = connection.execute("SELECT id, time_shares, warning_kinds, log FROM engine").fetchall()
        assert kept == [(engine_id, "{}", "{}", None)]
        (trial_id,) = remember(history, full_trial(1))
        assert history.queries.trial(trial_id).record.engine == full_trial(1).engine
        (row, _) = history.queries.view("engine_layers")
        assert row["engine_id"] == engine_id
        with history._engine.connect() as connected:
            assert compare_metadata(MigrationContext.configure(connected), Base.metadata) == []


def test_errors_of_before_their_origins_were_known_have_none(tmp_path: Path) -> None:
    """Tensor errors that schema 0005 stored are read with an empty analysis, and new ones with theirs."""
    path = tmp_path / "history.db"
    engine = connect(Location.of(path), read_only=False)
    with writer(engine).begin() as connection:
        upgrade(connection, schema.MIGRATIONS, "0005")
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(
            "INSERT INTO tensor_error (trial_id, scope, position, tensor, operator, point, errors, tolerance) "
            "VALUES (99, 'layers', 0, 'y', 'Conv', 'batch1', '{}', '{}')"
        )
    with History.open(path, upgrade=True) as history:
        (trial_id,) = remember(history, full_trial(1))
        assert history.queries.trial(trial_id).record.tensor_errors == full_trial(1).tensor_errors
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT analysis FROM tensor_error WHERE trial_id = 99").fetchall()
    assert kept == [("{}",)]


def test_trials_of_before_graphs_were_remembered_have_none(tmp_path: Path) -> None:
    """A trial that schema 0006 stored is read without a graph, and a new one of the same engine with its own."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        remember(history, replace(full_trial(1), graph=None))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA legacy_alter_table = ON")
        # Back to schema 0006, which is this one without what 0007 added.
        statement = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'trial'"
        (made,) = connection.execute(statement).fetchone()
        before = re.sub(r",\s*graph_id INTEGER CONSTRAINT \w+ REFERENCES graph \(id\)", "", made)
        assert before != made
        kept = ", ".join(name for name in columns(path, "trial") if name != "graph_id")
        connection.executescript(
            f"ALTER TABLE trial RENAME TO trial_now; {before}; INSERT INTO trial SELECT {kept} FROM trial_now; "  # noqa: S608
            "DROP TABLE trial_now; DROP TABLE graph; UPDATE alembic_version SET version_num = '0006'"
        )
    with History.open(path, upgrade=True) as history:
        (trial_id,) = remember(history, full_trial(2))
        read = history.queries.trials([trial_id - 1, trial_id])
        assert [row.record.graph for row in read.values()] == [None, full_trial(2).graph]
        assert read[trial_id - 1].record.engine == full_trial(1).engine


def test_failed_upgrade_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way leaves the database as it was."""
    path = tmp_path / "history.db"
    History.open(path).close()
    later_harness(monkeypatch, tmp_path, then="op.execute('SELECT nonsense FROM nowhere')")
    with pytest.raises(HistoryError, match="nowhere"):
        History.open(path, upgrade=True)
    assert "mood" not in columns(path, "session")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() != ("9999",)


def test_current_schema_needs_no_upgrade(tmp_path: Path) -> None:
    """Asking for an upgrade of what is up to date does nothing and leaves no backup."""
    path = tmp_path / "history.db"
    History.open(path).close()
    with History.open(path, upgrade=True) as history:
        assert history.backup is None
    assert [each.name for each in tmp_path.iterdir()] == ["history.db"]


def test_migrations_are_part_of_the_package() -> None:
    """What Alembic runs is beside the code, and importable, so that a wheel has it."""
    assert (schema.MIGRATIONS / "env.py").is_file()
    assert (schema.MIGRATIONS / "versions" / "__init__.py").is_file()
