"""The schema's version: made new, checked, and brought up to date."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from harness.errors import HistoryError
from harness.history.location import enable_write_ahead_log, writer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from harness.history.location import Location

MIGRATIONS = Path(__file__).parent / "migrations"
# Where Alembic keeps the revision of a database.
_VERSION_TABLE = "alembic_version"


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
                _upgrade(connection)
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
        _upgrade(connection)
    return backup


def head() -> str:
    """Return the revision that this harness writes."""
    return _revisions()[-1]


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
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    revision: str | None = None
    if _VERSION_TABLE in tables:
        revision = connection.scalar(text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608 - a constant
    if revision is None:
        others = [name for name in tables if name != _VERSION_TABLE]
        if others:
            raise HistoryError(
                f"{location} is a database of something else (it has a table {others[0]!r}); give another file: --db"
            )
        return None
    if revision not in _revisions():
        raise HistoryError(
            f"the history {location} was made by a newer harness (schema {revision}, this one knows up to {head()}); "
            "install that version, or write elsewhere with --db"
        )
    return revision


def _revisions() -> list[str]:
    """Return every revision, the newest last: what the names of its files begin with."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    revisions = sorted(file.name.partition("_")[0] for file in files)
    assert revisions, "the package was built without its migrations"
    return revisions


def _upgrade(connection: Connection) -> None:
    # Needed once in the life of a database, and a tenth of a second to import.
    from harness.history.migrating import upgrade

    upgrade(connection, MIGRATIONS)
