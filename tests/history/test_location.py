"""Where a history may lie, and what is said when it may not."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import HistoryError
from harness.history import location
from harness.history.location import Location
from harness.history.store import History
from tests.history.building import remember, session, trial

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.mark.parametrize(
    ("place", "path"),
    [
        pytest.param("history.db", "history.db", id="a relative path"),
        pytest.param("/data/history.db", "/data/history.db", id="an absolute path"),
        pytest.param(Path("a") / "b.db", "a/b.db", id="a Path"),
        pytest.param("sqlite:///a/b.db", "a/b.db", id="a relative SQLite URL"),
        pytest.param("sqlite:////a/b.db", "/a/b.db", id="an absolute SQLite URL"),
    ],
)
def test_paths_and_urls_are_understood(place: str | Path, path: str) -> None:
    """A history is named by a path or by an SQLAlchemy URL."""
    assert Location.of(place).path == Path(path)


def test_other_databases_are_left_to_sqlalchemy() -> None:
    """A server has no path, and its password is not shown."""
    server = Location.of("postgresql://me:secret@host/history")
    assert server.path is None
    assert str(server) == "postgresql://me:***@host/history"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("sqllite:///history.db", id="a misspelt scheme"),
        pytest.param("http://host/history", id="a scheme that is no database"),
        pytest.param("sqlite://", id="a database in memory"),
        pytest.param("sqlite:///:memory:", id="a database in memory by its name"),
        pytest.param("://", id="no scheme at all"),
    ],
)
def test_places_that_cannot_hold_a_history_are_refused(place: str) -> None:
    """The error repeats what was given and shows what can be."""
    with pytest.raises(HistoryError, match=r"sqlite:////absolute/path\.db") as caught:
        History.open(place)
    assert repr(place) in str(caught.value)


def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose driver is not installed is an error that says which package is missing."""

    def without_driver(*_arguments: object) -> None:
        raise ModuleNotFoundError(name="psycopg2")

    monkeypatch.setattr(location.sqlalchemy, "create_engine", without_driver)
    with pytest.raises(HistoryError, match="needs the Python package 'psycopg2'"):
        History.open("postgresql://host/history")


def test_new_database_and_its_folders_are_made(tmp_path: Path) -> None:
    """Opening what is not there makes it, in WAL mode, with foreign keys enforced."""
    path = tmp_path / "new" / "folder" / "history.db"
    with History.open(f"sqlite:///{path}") as history, history._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_names_that_mean_something_in_urls_are_only_names(tmp_path: Path) -> None:
    """A path with a space, a question mark, a hash and a percent sign is opened as it is."""
    path = tmp_path / "50% of a#b ?mode=ro.db"
    with History.open(path) as history:
        remember(history, trial(1))
    assert path.stat().st_size > 0
    with History.open(path, read_only=True) as history:
        assert history.session().record == session(1)


@pytest.mark.parametrize("make", [lambda _: None, Path.touch], ids=["missing file", "empty file"])
def test_nothing_cannot_be_read(tmp_path: Path, make: object) -> None:
    """Reading a history that is not there says how to make one, and makes none."""
    path = tmp_path / "folder" / "history.db"
    path.parent.mkdir()
    assert callable(make)
    make(path)
    with pytest.raises(HistoryError, match=r"no history at .*pytest suites/"):
        History.open(path, read_only=True)
    assert not path.exists() or path.stat().st_size == 0


def test_reading_only_cannot_write(tmp_path: Path) -> None:
    """A history opened for reading refuses to store anything."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        remember(history, trial(1))
    with History.open(path, read_only=True) as history:
        assert len(history.queries.sessions()) == 1
        with pytest.raises(HistoryError, match="read-only"):
            history.start_session(session(2))


def test_folder_is_no_history(tmp_path: Path) -> None:
    """A folder in place of a file is named as such."""
    with pytest.raises(HistoryError, match="is a folder"):
        History.open(tmp_path)


def test_file_in_place_of_a_folder(tmp_path: Path) -> None:
    """A path that leads through a file says that its folder cannot be made."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(HistoryError, match="cannot make the folder"):
        History.open(tmp_path / "file" / "history.db")


@pytest.mark.parametrize("read_only", [False, True], ids=["to be written", "to be read"])
def test_file_that_is_no_database(tmp_path: Path, read_only: bool) -> None:
    """Any other file is refused, and left as it is."""
    path = tmp_path / "history.db"
    path.write_bytes(b"these bytes are not a database " * 100)
    with pytest.raises(HistoryError, match="not a SQLite database"):
        History.open(path, read_only=read_only)
    assert path.read_bytes() == b"these bytes are not a database " * 100


def test_corrupt_database(tmp_path: Path) -> None:
    """A database whose pages were overwritten is an error that says so, when the damage is met."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        remember(history, *(trial(number) for number in range(20)))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="is corrupt; restore a copy"), History.open(path) as history:
        history.queries.series_points()


def test_database_of_something_else(tmp_path: Path) -> None:
    """A SQLite database that holds other tables is not written into."""
    path = tmp_path / "addresses.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE address (street TEXT)")
    with pytest.raises(HistoryError, match=r"something else.*'address'"):
        History.open(path)


def test_lock_that_is_never_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits in vain says for what."""
    monkeypatch.setattr(location, "_BUSY_SECONDS", 0.05)
    path = tmp_path / "history.db"
    with History.open(path) as history, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="locked by another process"):
            history.start_session(session(1))
        other.execute("ROLLBACK")


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """Return a folder that other users may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def _open_as_nobody(path: str, *, read_only: bool, answer: multiprocessing.SimpleQueue[str]) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    try:
        with History.open(path, read_only=read_only) as history:
            answer.put(f"{len(history.queries.sessions())} sessions")
    except HistoryError as error:
        answer.put(str(error))


def as_nobody(path: Path, *, read_only: bool) -> str:
    """Open a history as a user for whom permissions count, and return what came of it."""
    processes = multiprocessing.get_context("spawn")
    answer: multiprocessing.SimpleQueue[str] = processes.SimpleQueue()
    arguments = {"read_only": read_only, "answer": answer}
    process = processes.Process(target=_open_as_nobody, args=(str(path),), kwargs=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    return answer.get()


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "expected"),
    [
        pytest.param(0o444, 0o777, "is read-only; make it writable", id="a file that may not be written"),
        pytest.param(0o666, 0o555, "the folder of the history", id="a folder that may not be written"),
    ],
)
def test_read_only_history(shared_folder: Path, file_mode: int, folder_mode: int, expected: str) -> None:
    """What may not be written is refused for writing with the reason, and can still be read."""
    path = shared_folder / "history.db"
    with History.open(path) as history:
        remember(history, trial(1))
    path.chmod(file_mode)
    shared_folder.chmod(folder_mode)
    assert expected in as_nobody(path, read_only=False)
    assert as_nobody(path, read_only=True) == "1 sessions"


def test_file_that_may_not_be_read(shared_folder: Path) -> None:
    """A history of somebody else's is an error, not a stack trace."""
    path = shared_folder / "history.db"
    History.open(path).close()
    path.chmod(0o600)
    if os.geteuid() != 0:
        path.chmod(0o000)
    assert "history.db" in as_nobody(path, read_only=True)
