"""Where a history lies, and a SQLAlchemy engine for it; everything that is particular to SQLite is here."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError

from harness.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

# Another writer is done in milliseconds; one that holds the lock for this long is stuck.
_BUSY_SECONDS = 30.0
_EXAMPLES = "a path (.trt-harness/history.db), sqlite:///relative/path.db or sqlite:////absolute/path.db"
_WRITES = "harness_writes"


@dataclass(frozen=True)
class Location:
    """A database.

    Attributes:
        url: for SQLAlchemy.
        path: of the file, where it is SQLite; None elsewhere.
    """

    url: URL
    path: Path | None

    def __str__(self) -> str:
        """What an error calls it: the path, or the URL without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    @property
    def holds_nothing(self) -> bool:
        """Whether it is a file that does not exist, or an empty one as SQLite leaves behind before its first commit."""
        return self.path is not None and (not self.path.exists() or self.path.stat().st_size == 0)

    @classmethod
    def of(cls, url_or_path: str | os.PathLike[str]) -> Location:
        """Read a path or a URL.

        Raises:
            HistoryError: it is neither, or names a database in memory, which no other process could read.
        """
        text = os.fspath(url_or_path)
        if "://" not in text:
            path = Path(text)
            return cls(URL.create("sqlite", database=str(path)), path)
        try:
            url = make_url(text)
            url.get_dialect()
        except (ArgumentError, NoSuchModuleError):
            raise HistoryError(f"{text!r} is no place for a history; give {_EXAMPLES}") from None
        if url.get_backend_name() != "sqlite":
            return cls(url, None)
        if url.database in {None, "", ":memory:"}:
            raise HistoryError(f"{text!r} names no file, and workers could not see it; give {_EXAMPLES}")
        return cls(url, Path(str(url.database)))


def connect(location: Location, *, read_only: bool) -> Engine:
    """Make an engine for a location; the folder of a SQLite file is made if it is to be written.

    Raises:
        HistoryError: the folder cannot be made, the file is missing and read only, or the database's driver is missing.
    """
    if location.path is None:
        try:
            return sqlalchemy.create_engine(location.url)
        except ModuleNotFoundError as error:
            raise HistoryError(
                f"{location} needs the Python package {error.name!r}; install it beside the harness"
            ) from None
    path = location.path
    if path.is_dir():
        raise HistoryError(f"{path} is a folder, not a history; give {_EXAMPLES}")
    if read_only:
        if location.holds_nothing:
            raise HistoryError(f"there is no history at {path} yet; a session makes one: pytest suites/ --db {path}")
        return _sqlite_engine(_read_only_uri(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(
            f"cannot make the folder of the history {path}: {error.strerror}; choose another: --db"
        ) from None
    if path.exists() and not os.access(path, os.W_OK):
        raise HistoryError(f"the history {path} is read-only; make it writable, or write elsewhere with --db")
    if not os.access(path.parent, os.W_OK):
        raise HistoryError(
            f"the folder of the history {path} is read-only, and SQLite keeps its journal there; make it writable, or "
            "write elsewhere with --db"
        )
    return _sqlite_engine(path.absolute().as_uri())


def writer(engine: Engine) -> Engine:
    """Return a twin of ``engine``, on the same pool, whose transactions take the write lock at their start.

    A plain ``BEGIN`` takes it at the first write, and fails at once, whatever the timeout, if anyone wrote since the
    transaction's first read: 993 of 1600 transactions of eight processes did.
    """
    return engine.execution_options(**{_WRITES: True})


def enable_write_ahead_log(engine: Engine) -> None:
    """Let readers read while one process writes; a file keeps this setting, and SQLite allows it no other way."""
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            # This one statement does not wait for other processes, whatever the timeout.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
        finally:
            raw.close()


@contextmanager
def translated(location: Location) -> Iterator[None]:
    """Turn the database's errors into ones that say what to do.

    Raises:
        HistoryError: in place of any error of SQLAlchemy, sqlite3 or the file system.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise HistoryError(_advice(location, str(cause))) from error


def _advice(location: Location, cause: str) -> str:
    for symptom, advice in (
        ("not a database", f"{location} is not a SQLite database; give another file with --db"),
        ("malformed", f"the history {location} is corrupt; restore a copy, or start anew with --db"),
        (
            "readonly",
            f"the history {location} is read-only; make it and its folder writable, or write elsewhere with --db",
        ),
        ("unable to open", f"cannot open the history {location}; is its folder there, and may this user write to it?"),
        ("locked", f"the history {location} was locked by another process for {_BUSY_SECONDS:g} s; end that one"),
        ("is full", f"no room is left on the disk of the history {location}"),
    ):
        if symptom in cause:
            return f"{advice} ({cause})"
    return f"the history {location} failed: {cause}"


def _read_only_uri(path: Path) -> str:
    # Reading a file in WAL mode makes two more beside it, except where SQLite is told that nobody writes: right for a
    # folder in which nobody can.
    nobody_writes = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?{'immutable=1' if nobody_writes else 'mode=ro'}"


def _sqlite_engine(uri: str) -> Engine:
    def open_file() -> sqlite3.Connection:
        # isolation_level None keeps sqlite3 from starting transactions of its own; begin() below starts them.
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)

    engine = sqlalchemy.create_engine("sqlite://", creator=open_file, poolclass=sqlalchemy.pool.QueuePool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        # KiB, taken as needed. SQLite's own 2 MB do not hold the pages of one series among a million measurements.
        connection.execute("PRAGMA cache_size = -65536")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
