from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.commands.ci_history import copy, latest_session, main, restore
from harness.errors import HistoryError
from harness.history.store import History
from tests.history.building import remember, session, trial

if TYPE_CHECKING:
    from pathlib import Path


def stored(path: Path, *numbers: int) -> Path:
    """Make a history with these sessions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with History.open(path) as history:
        for number in numbers:
            remember(history, trial(number))
            history.finish_session(session(number).id)
    return path


def test_a_run_works_on_a_copy(tmp_path: Path) -> None:
    """What a session adds is in the working history alone, until it is given back."""
    kept, working = stored(tmp_path / "kept" / "history.db", 1), tmp_path / "work" / "history.db"
    assert restore(kept, working) == session(1).id
    stored(working, 2)
    assert (latest_session(kept), latest_session(working)) == (session(1).id, session(2).id)
    assert main(["keep", str(working), str(kept)]) == 0
    assert latest_session(kept) == session(2).id


def test_nothing_is_left_of_an_earlier_run(tmp_path: Path) -> None:
    """Where no history was kept yet, that of an earlier run in the same folder is no baseline."""
    working = stored(tmp_path / "history.db", 1)
    assert restore(tmp_path / "kept.db", working) == ""
    assert latest_session(working) == ""


def test_what_only_the_log_has_is_copied(tmp_path: Path) -> None:
    """A session that was killed leaves commits in the write-ahead log, which are part of the copy."""
    source = tmp_path / "source.db"
    with closing(sqlite3.connect(source)) as writer:
        writer.execute("pragma journal_mode=wal")
        writer.execute("create table t (x)")
        writer.execute("insert into t values (1)")
        writer.commit()
        assert (tmp_path / "source.db-wal").stat().st_size > 0
        copy(source, tmp_path / "copied.db")
    with closing(sqlite3.connect(tmp_path / "copied.db")) as reader:
        assert reader.execute("select x from t").fetchall() == [(1,)]


def test_the_latest_session_is_the_one_of_the_queries(tmp_path: Path) -> None:
    """It is the one that started last, not the one that was stored last, as for ``trt-harness gate``."""
    path = stored(tmp_path / "history.db", 2, 3, 1)
    with History.open(path, read_only=True) as history:
        assert latest_session(path) == history.queries.session("latest").record.id == session(3).id
    assert latest_session(stored(tmp_path / "empty.db")) == ""


def test_a_damaged_history_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text says what to do, the exit code is 2, and nothing half-written is left."""
    (tmp_path / "history.db").write_bytes(b"no database " * 1000)
    with pytest.raises(HistoryError, match="remove it"):
        copy(tmp_path / "history.db", tmp_path / "work.db")
    assert main(["restore", str(tmp_path / "history.db"), str(tmp_path / "work.db")]) == 2
    assert "cannot be copied" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["history.db"]
