from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import UsageError
from harness.history.store import History
from reports import helpers
from reports.helping import main
from reports.links import INDEX
from reports.write import FileWriter, site_of, write_report
from tests.reports.sample_history import HistoryBuilder, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Return a history of several models and sessions."""
    with History.open(tmp_path_factory.mktemp("shared") / "history.db") as history:
        fill(HistoryBuilder(history))
        yield history


@pytest.fixture
def always_helped(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """Have two helpers write every report, and return their processes, as they are started."""
    started: list[subprocess.Popen[str]] = []
    start = helpers._start

    def noted() -> subprocess.Popen[str]:
        started.append(start())
        return started[-1]

    monkeypatch.setattr(helpers, "_start", noted)
    monkeypatch.setattr("reports.write.helpers_for", lambda _: 2)
    return started


def setup_of(history: History, folder: Path, **changes: Any) -> dict[str, Any]:
    """Return what a helper is told first."""
    folder.mkdir(exist_ok=True)
    given = {"history": history.url, "title": "Report", "last": 200, "written": "2026-01-01 00:00"}
    return {**given, "destination": str(folder), **changes}


def lacking(history: History, folder: Path) -> set[str]:
    """Return the names of the report's files that are not there."""
    names = FileWriter(site_of(history, title="Report"), folder).names
    return set(names) - {path.name for path in folder.iterdir()}


def content(folder: Path) -> dict[str, str]:
    """Return the text of each file, without the moment at which it was written."""
    return {
        path.name: "\n".join(line for line in path.read_text("utf-8").splitlines() if "Written 20" not in line)
        for path in sorted(folder.iterdir())
    }


def test_helpers_write_what_one_process_writes(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and the list of them are the same with two helpers as without, and none of them outlives the report."""
    shared = write_report(stored, tmp_path / "shared").parent
    assert [process.returncode is not None for process in always_helped] == [True, True]
    monkeypatch.setattr("reports.write.helpers_for", lambda _: 0)
    alone = write_report(stored, tmp_path / "alone").parent
    assert len(always_helped) == 2
    assert content(shared) == content(alone)


def test_where_there_was_a_report_a_helper_reads_ahead(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them is at work before the process that started it has read the history; without a former report none."""
    monkeypatch.setattr("reports.write.helpers_for", lambda files: 2 if files else 0)
    at_reading: list[int] = []

    def noted(*arguments: Any, **options: Any) -> Any:
        at_reading.append(len(always_helped))
        return site_of(*arguments, **options)

    monkeypatch.setattr("reports.write.site_of", noted)
    for _ in range(2):
        always_helped.clear()
        write_report(stored, tmp_path / "report")
    assert at_reading == [0, 1]


def test_a_helper_writes_what_it_is_told(stored: History, tmp_path: Path) -> None:
    """It answers with the state of each file, and writes no other."""
    setup = setup_of(stored, tmp_path / "report")
    answers = io.StringIO()
    main(io.StringIO(f'{json.dumps(setup)}\n["sessions.html"]\n["badge.svg", "feed.xml"]\n'), answers)
    first, *rest = map(json.loads, answers.getvalue().splitlines())
    seen = site_of(stored, title=setup["title"], written=setup["written"])
    assert first == {"digest": FileWriter(seen, tmp_path / "report").digest}
    assert [list(each) for each in rest] == [["sessions.html"], ["badge.svg", "feed.xml"]]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["badge.svg", "feed.xml", "sessions.html"]


def test_a_helper_that_sees_another_report_says_so(stored: History, tmp_path: Path) -> None:
    """What it sees has another digest, so that it is given no part of it to write."""
    said = []
    for last in (200, 1):
        answers = io.StringIO()
        main(io.StringIO(json.dumps(setup_of(stored, tmp_path / "report", last=last)) + "\n"), answers)
        said.append(json.loads(answers.getvalue())["digest"])
    assert said[0] != said[1]


def test_a_report_of_another_state_is_not_shared(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where helpers see another report than the one being written, it is written without them, and whole."""
    monkeypatch.setattr(FileWriter, "digest", property(lambda _: "what nobody else sees"))
    folder = write_report(stored, tmp_path / "report").parent
    assert len(always_helped) == 2
    assert lacking(stored, folder) == set()


def test_what_a_killed_helper_had_taken_is_written_all_the_same(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper that dies at its work costs time, and no file."""
    tell = helpers._tell

    def deadly(process: subprocess.Popen[str], what: object) -> None:
        if isinstance(what, list):
            os.kill(process.pid, signal.SIGKILL)
        tell(process, what)

    monkeypatch.setattr(helpers, "_tell", deadly)
    folder = write_report(stored, tmp_path / "report").parent
    assert {process.returncode for process in always_helped} == {-signal.SIGKILL}
    assert lacking(stored, folder) == set()


def test_a_helper_that_is_not_ready_is_not_waited_for(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper that never gets to its first file is ended with the report."""
    start = subprocess.Popen
    idle = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    monkeypatch.setattr(helpers.subprocess, "Popen", lambda _, **options: start(idle, **options))
    folder = write_report(stored, tmp_path / "report").parent
    assert {process.returncode for process in always_helped} == {-signal.SIGKILL}
    assert lacking(stored, folder) == set()


def test_a_full_disk_is_said(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is that of the process which was asked, and no helper is left behind."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reports.write.replace_file", full)
    with pytest.raises(UsageError, match=r"cannot be written.*No space left"):
        write_report(stored, tmp_path / "report")
    assert len(always_helped) == 2
    assert all(process.returncode is not None for process in always_helped)


def test_a_failure_ends_the_helpers(
    stored: History, tmp_path: Path, always_helped: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the writing, Ctrl-C among it, no process is left behind."""

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(FileWriter, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report(stored, tmp_path / "report")
    assert len(always_helped) == 2
    assert all(process.returncode is not None for process in always_helped)
    assert not (tmp_path / "report" / INDEX).exists()


@pytest.mark.parametrize(
    ("files", "processors", "expected"),
    [(99, 8, 0), (100, 8, 1), (100, 1, 0), (900, 2, 1), (250, 8, 2), (900, 64, 3)],
    ids=["too few files", "enough for one", "one processor", "two processors", "enough for two", "never more than 3"],
)
def test_helpers_have_to_be_worth_it(
    monkeypatch: pytest.MonkeyPatch, files: int, processors: int, expected: int
) -> None:
    """Each needs a processor of its own and a hundred files."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert helpers.helpers_for(files) == expected


def test_helpers_use_the_same_code() -> None:
    """They run under this interpreter and find this checkout, wherever they are started."""
    process = helpers._start()
    stdout, _ = process.communicate("")
    assert process.args == [sys.executable, "-m", "reports.helping"]
    assert stdout == ""
