"""The schema's version: made new, checked, and brought up to date."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from harness.errors import HistoryError
from harness.history.location import enable_write_ahead_log, writer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from harness.history.location import Location

MIGRATIONS = Path(__file__).parent / "migrations"


def settle(engine: Engine, location: Location, *, read_only: bool, upgrade: bool) -> Path | None:
    """Leave the database with the newest schema: make it if there is none, upgrade it if that was asked for.

    Returns:
        The backup made before an upgrade, else None.

    Raises:
        HistoryError: the schema is newer than this harness, or older and ``upgrade`` was not asked for; or the database
            holds something else.
    """
    with engine.connect() as connection:
        revision = _revision(connection, location)
    if revision is None and read_only:
        raise HistoryError(f"{location} holds no history yet; a session makes one: pytest suites/ --db {location}")
    if revision is None:
        enable_write_ahead_log(engine)
        with writer(engine).begin() as connection:
            # Another process may have made it since.
            if _revision(connection, location) is None:
                command.upgrade(_config(connection), "head")
        return None
    if revision == head():
        return None
    if not upgrade:
        raise HistoryError(
            f"the history {location} was made by an older harness (schema {revision}, this one has {head()}); bring it "
            "up to date, with a backup beside it: trt-harness doctor --upgrade-history"
        )
    if read_only:
        raise HistoryError(f"the history {location} cannot be upgraded while it is opened for reading only")
    backup = back_up(location, revision)
    with writer(engine).begin() as connection:
        command.upgrade(_config(connection), "head")
    return backup


def head() -> str:
    """Return the revision that this harness writes."""
    newest: str | None = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert newest is not None, "the package was built without its migrations"
    return newest


def back_up(location: Location, revision: str) -> Path | None:
    """Copy a SQLite database, consistently even while others write, and return the copy's path; None elsewhere."""
    if location.path is None:
        return None
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = location.path.with_name(f"{location.path.name}.schema-{revision}.{stamp}.backup")
    source, copy = sqlite3.connect(location.path), sqlite3.connect(path)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    return path


def _revision(connection: Connection, location: Location) -> str | None:
    """Return the schema's revision, None for an empty database; refuse what this harness cannot have made."""
    revision: str | None = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        tables = inspect(connection).get_table_names()
        if tables:
            raise HistoryError(
                f"{location} is a database of something else (it has a table {tables[0]!r}); give another file: --db"
            )
        return None
    known = {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}
    if revision not in known:
        raise HistoryError(
            f"the history {location} was made by a newer harness (schema {revision}, this one knows up to {head()}); "
            "install that version, or write elsewhere with --db"
        )
    return revision


def _config(connection: Connection | None) -> Config:
    config = Config()
    # A '%' in a path would start an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
