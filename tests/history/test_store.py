"""Writing to the history, from one process and from several."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.errors import HistoryError
from harness.history.records import FindingRecord, MeasurementRecord, TrialRecord, VerdictRecord
from harness.history.store import History
from tests.history.building import MACHINE, NEW, NOON, OLD, full_trial, remember, session, trial, verdict

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

# Fork would copy the database connections of this process.
PROCESSES = multiprocessing.get_context("spawn")


def counts(path: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608 - names out of the database


def test_trial_comes_back_as_it_went_in(history: History) -> None:
    """Every field of a trial survives; raw samples are asked for by themselves."""
    (trial_id,) = remember(history, full_trial(1))
    stored = history.queries.trial(trial_id).record
    expected = full_trial(1)
    samples = expected.measurements[0].samples
    assert samples is not None
    without_samples = tuple(
        MeasurementRecord(metric=each.metric, point=each.point, value=each.value) for each in expected.measurements
    )
    assert stored == TrialRecord(**(vars(expected) | {"measurements": without_samples}))
    kept = history.queries.samples(trial_id, "latency_host", "batch4")
    assert kept is not None
    assert kept.tolist() == samples.tolist()
    assert history.queries.samples(trial_id, "engine_bytes", "") is None


def test_what_trials_share_is_stored_once(history: History, tmp_path: Path) -> None:
    """Two trials of a case share its row, and those of environment, subject, series and build."""
    remember(history, full_trial(1), full_trial(2))
    rows = counts(tmp_path / "history.db")
    assert [rows[name] for name in ("case", "environment", "subject", "series", "engine")] == [1, 1, 1, 3, 1]
    assert [rows[name] for name in ("session", "trial", "measurement")] == [2, 2, 6]


def test_subject_is_no_part_of_a_series(history: History, tmp_path: Path) -> None:
    """After an upgrade of the runtime the same series goes on."""
    remember(history, trial(1, subject=OLD), trial(2, subject=NEW))
    rows = counts(tmp_path / "history.db")
    assert (rows["subject"], rows["series"]) == (2, 1)


def test_new_case_version_starts_a_new_series(history: History, tmp_path: Path) -> None:
    """Results of before and after a raised version are not compared."""
    remember(history, trial(1), trial(2, case_version=2))
    rows = counts(tmp_path / "history.db")
    assert (rows["case"], rows["series"]) == (2, 2)


def test_rebuild_with_the_same_tactics_is_another_build(history: History, tmp_path: Path) -> None:
    """Engines of equal fingerprint that took different times to build are two."""
    first, second = full_trial(1), full_trial(2)
    assert second.engine is not None
    rebuilt = type(second.engine)(**(vars(second.engine) | {"build_seconds": 2.0}))
    remember(history, first, TrialRecord(**(vars(second) | {"engine": rebuilt})))
    assert counts(tmp_path / "history.db")["engine"] == 2


def test_trial_of_an_unknown_session_is_refused(history: History, tmp_path: Path) -> None:
    """A session must be started before its trials, and nothing is stored of a trial that was refused."""
    history.start_session(session(1))
    with pytest.raises(HistoryError, match=r"'000000000002' is no session.*Did you mean '000000000001'"):
        history.add_trial(trial(2))
    assert counts(tmp_path / "history.db")["trial"] == 0


def test_failed_trial_leaves_nothing_behind(history: History, tmp_path: Path) -> None:
    """A trial is stored whole or not at all."""
    history.start_session(session(1))
    twice = MeasurementRecord(metric="latency_host", point="", value=1.0)
    with pytest.raises(HistoryError, match="UNIQUE"):
        history.add_trial(trial(1, measurements=(twice, twice)))
    rows = counts(tmp_path / "history.db")
    assert {name for name, count in rows.items() if count} == {"alembic_version", "metric", "session"}


def test_session_runs_until_it_is_finished(history: History) -> None:
    """A session is running, then ends with a word and a time; resumed, it runs again."""
    history.start_session(session(1))
    assert (history.session().status, history.session().finished_at) == ("running", None)
    history.finish_session(session(1).id, "interrupted")
    ended = history.session(session(1).id)
    assert ended.status == "interrupted"
    assert ended.finished_at is not None
    assert ended.finished_at.tzinfo is not None
    history.start_session(session(1))
    assert (history.session().status, history.session().finished_at) == ("running", None)
    assert history.session().record == session(1)


def test_a_session_that_is_stored_again_ended_when_it_ended(history: History) -> None:
    """The time can be given; by default it is now."""
    history.start_session(session(1))
    history.finish_session(session(1).id, at=NOON)
    assert history.session(session(1).id).finished_at == NOON


def test_unknown_session_cannot_be_finished(history: History) -> None:
    """Finishing what never started is an error that lists what did."""
    history.start_session(session(1))
    with pytest.raises(HistoryError, match="Known: 000000000001"):
        history.finish_session("nonsense")


def test_finished_cases_are_those_with_a_first_trial(history: History) -> None:
    """A resumed session need not repeat a case that was tried, however it ended, with that subject."""
    remember(
        history,
        trial(1, model="squeezenet", subject=OLD),
        trial(1, model="resnet50", outcome="crashed"),
        trial(1, model="digits", index=1),
        trial(2, model="encoder"),
    )
    both = {"squeezenet-fp16-batch1x4x16", "resnet50-fp16-batch1x4x16"}
    assert history.finished_case_ids(session(1).id) == both
    assert history.finished_case_ids(session(1).id, subject_hash=OLD.hash) == {"squeezenet-fp16-batch1x4x16"}


def test_adjusted_q_is_stored_with_the_last_words(history: History) -> None:
    """Only the confirmation's verdict counts where there is one, and it gets its q among all series."""
    screened, confirmed = verdict("inconclusive", p=0.04), verdict("regressed", p=0.001, k=5)
    remember(
        history,
        trial(1, word=screened),
        trial(1, word=confirmed, index=4),
        trial(1, model="resnet50", word=verdict("pass", p=0.5)),
    )
    history.adjust_verdicts(session(1).id)
    stored = [record.verdict.q for number in (1, 2, 3) for record in history.queries.trial(number).record.verdicts]
    assert stored == [None, pytest.approx(0.002), pytest.approx(0.5)]


def test_infinite_and_missing_numbers_of_verdicts_survive(history: History) -> None:
    """A verdict on an exact match that was lost comes back with its infinities, and with None where it had none."""
    lost = verdict("regressed", effect=float("-inf"), baseline=float("inf"), low=None, high=None)
    (trial_id,) = remember(history, trial(1, word=lost))
    assert history.queries.trial(trial_id).record.verdicts == (
        VerdictRecord(metric="latency_host", point="batch4", verdict=lost),
    )


def test_relabelled_subject_keeps_the_name_of_its_session(history: History) -> None:
    """The same software under two names is one subject, and each trial tells the name that its session used."""
    renamed = type(NEW)(**(vars(NEW) | {"name": "candidate"}))
    ids = remember(history, trial(1, subject=NEW), trial(2, subject=renamed))
    assert [history.queries.trial(each).record.subject.name for each in ids] == ["onnxruntime", "candidate"]
    assert len(history.queries.subjects()) == 1


def _write_trials(path: str, number: int, count: int) -> None:
    with History.open(path) as history:
        history.start_session(session(number))
        for index in range(count):
            history.add_trial(trial(number, model=f"model{index % 3}", value=1.0 + index, index=index))
        history.finish_session(session(number).id)


def test_sessions_in_four_processes_all_succeed(tmp_path: Path) -> None:
    """Four processes that make one database at once and write 20 trials each lose none, and share what they share."""
    path = tmp_path / "made" / "by" / "any.db"
    processes = [PROCESSES.Process(target=_write_trials, args=(str(path), number, 20)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    rows = counts(path)
    assert (rows["session"], rows["trial"], rows["measurement"]) == (4, 80, 80)
    assert (rows["case"], rows["series"], rows["environment"], rows["subject"]) == (3, 3, 1, 1)


def _write_and_tell(path: str, tell: Connection) -> None:
    with History.open(path) as history:
        history.start_session(session(1))
        for index in range(1000):
            history.add_trial(
                trial(1, model=f"model{index}", findings=(FindingRecord(stage="build", outcome="passed"),))
            )
            tell.send(index)


def test_killed_session_keeps_every_trial_that_it_stored(tmp_path: Path) -> None:
    """After SIGKILL the database opens, holds each committed trial whole, and knows which cases are done."""
    path = tmp_path / "history.db"
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_write_and_tell, args=(str(path), theirs))
    process.start()
    told = [ours.recv() for _ in range(5)]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    while ours.poll():
        told.append(ours.recv())
    with History.open(path) as history:
        finished = history.finished_case_ids(session(1).id)
        assert {f"model{index}-fp16-batch1x4x16" for index in told} <= finished
        assert history.session().status == "running"
    rows = counts(path)
    assert rows["trial"] == rows["measurement"] == rows["finding"] == len(finished)


def test_readers_do_not_wait_for_a_writer(history: History, tmp_path: Path) -> None:
    """While another process holds the write lock, what was committed can be read."""
    remember(history, trial(1))
    with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM measurement")
        values = history.queries.baseline_values(trial(1).case_id, 1, MACHINE.hash, "latency_host", "batch4")
        assert values == [1.0]
        other.execute("ROLLBACK")


def test_history_closes_twice(tmp_path: Path) -> None:
    """Closing gives the file back, and may be repeated."""
    history = History.open(tmp_path / "history.db")
    history.close()
    history.close()
    assert not (tmp_path / "history.db-wal").exists()


def test_history_says_where_it_is(history: History, tmp_path: Path) -> None:
    """Its representation names the file."""
    assert repr(history) == f"History({str(tmp_path / 'history.db')!r})"
