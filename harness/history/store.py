"""The history as an object: opened, written to by sessions, and asked through ``History.queries``."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from harness.errors import HistoryError, unknown_value
from harness.history import schema
from harness.history.declarations import declare_metrics
from harness.history.engines import engine_id
from harness.history.graphs import graph_id
from harness.history.identity import series_fingerprint
from harness.history.location import Location, connect, translated, writer
from harness.history.named_baselines import add_baseline
from harness.history.policies import add_decision
from harness.history.queries import Queries
from harness.history.tables import (
    Base,
    Case,
    Environment,
    Finding,
    Measurement,
    Series,
    Session,
    Subject,
    TensorError,
    Trial,
    Verdict,
)
from harness.verdicts.gate import adjust

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy import Connection
    from sqlalchemy import Engine as DatabaseEngine

    from harness.history.decisions import Decision
    from harness.history.named_baselines import NamedBaseline
    from harness.history.records import SessionRecord, TrialRecord
    from harness.history.rows import SessionRow


class History:
    """A history database, open; a context manager that closes it.

    Any number of processes may have the same one open. Each write is one transaction that holds the write lock from its
    start, so writers wait for each other, readers for nobody, and a process that is killed loses what it had not
    committed and no more.

    Attributes:
        queries: what it can be asked.
        backup: the copy that was made before an upgrade, where one was made when it was opened.
    """

    def __init__(self, engine: DatabaseEngine, location: Location, backup: Path | None = None) -> None:
        self._engine = engine
        self._writer = writer(engine)
        self._location = location
        self.queries = Queries(engine, location)
        self.backup = backup

    @classmethod
    def open(cls, url_or_path: str | os.PathLike[str], *, read_only: bool = False, upgrade: bool = False) -> History:
        """Open a history; make it, and its folder, if there is none and it may be written to.

        Args:
            url_or_path: a path, or an SQLAlchemy URL such as ``sqlite:////absolute/path.db``.
            read_only: refuse to change anything; the file must exist.
            upgrade: bring an older schema up to date, after a backup beside the file.

        Raises:
            HistoryError: it cannot be opened, is read-only, corrupt, no history, or of a newer or older schema; the
                text says which and what to do.
        """
        location = Location.of(url_or_path)
        with translated(location):
            engine = connect(location, read_only=read_only)
        try:
            with translated(location):
                backup = schema.settle(engine, location, read_only=read_only, upgrade=upgrade)
                if not read_only:
                    declare_metrics(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, location, backup)

    def close(self) -> None:
        """Give back its connections; closing twice is allowed."""
        self._engine.dispose()

    @property
    def url(self) -> str:
        """What opens it again in another process, with its password if it has one: to be handed on, never shown."""
        return self._location.url.render_as_string(hide_password=False)

    def __enter__(self) -> History:  # noqa: PYI034 - Self is new in Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"History({str(self._location)!r})"

    def start_session(self, record: SessionRecord) -> None:
        """Store a session as ``running``; one that is there already, to be resumed, is set running again."""
        with self._transaction() as connection:
            resumed = update(Session).where(Session.id == record.id).values(status="running", finished_at=None)
            if connection.execute(resumed).rowcount == 0:
                connection.execute(insert(Session).values(**_columns_of(record), status="running", finished_at=None))

    def finish_session(self, session_id: str, status: str = "finished", *, at: datetime | None = None) -> None:
        """Store how a session ended, and when: now, or for one that is stored again later ``at`` (UTC).

        Raises:
            HistoryError: there is no such session.
        """
        ended = {"status": status, "finished_at": at or datetime.now(timezone.utc)}
        with self._transaction() as connection:
            if connection.execute(update(Session).where(Session.id == session_id).values(**ended)).rowcount == 0:
                raise self._unknown_session(connection, session_id)

    def add_trial(self, record: TrialRecord) -> int:
        """Store a trial with all that belongs to it, in one commit, and return its id.

        Environment, subject, case, series, engine and graph are found by their hashes, or made.

        Raises:
            HistoryError: the trial's session was never started, or two of its measurements are of the same series.
        """
        with self._transaction() as connection:
            if connection.scalar(select(Session.id).where(Session.id == record.session)) is None:
                raise self._unknown_session(connection, record.session)
            trial_id = _insert_trial(connection, record)
            _insert_measurements(connection, record, trial_id)
            for table, records in ((TensorError, record.tensor_errors), (Finding, record.findings)):
                _insert_all(connection, table, [{"trial_id": trial_id, **_columns_of(each)} for each in records])
        return trial_id

    def adjust_verdicts(self, session_id: str) -> None:
        """Store, with the last word on each series of a session, its q among all of them; see ``gate.adjust``."""
        words = self.queries.session_verdicts(session_id)
        adjusted = adjust([word.verdict for word in words])
        with self._transaction() as connection:
            for word, verdict in zip(words, adjusted, strict=True):
                same = (Verdict.trial_id == word.trial_id, Verdict.series_id == word.series.id)
                connection.execute(update(Verdict).where(*same).values(q=verdict.q))

    def find_change_points(self, session_id: str) -> int:
        """Find since when the series of a session's cases lie where they lie; return how many changes are news.

        See ``harness.history.change_points``.
        """
        from harness.history.change_points import update_change_points  # scipy, which few who open a history need

        with self._transaction() as connection:
            return update_change_points(connection, session_id)

    def decide(self, decision: Decision, levels: Collection[tuple[int, int]] = ()) -> int:
        """Store a decision and return its number.

        Args:
            decision: what was decided, by whom and why.
            levels: of an acknowledgement, (series, trial) where each new level begins.
        """
        with self._transaction() as connection:
            return add_decision(connection, decision, levels)

    def pin(self, baseline: NamedBaseline, trial_ids: Collection[int]) -> int:
        """Store a revision of a named baseline with the trials that it consists of, and return its number."""
        with self._transaction() as connection:
            return add_baseline(connection, baseline, trial_ids)

    def finished_case_ids(self, session_id: str, *, subject_hash: str | None = None) -> set[str]:
        """Return the cases that a session need not run again; see ``Queries.finished_case_ids``."""
        return self.queries.finished_case_ids(session_id, subject_hash=subject_hash)

    def session(self, session_id: str = "latest") -> SessionRow:
        """Return a session by its id, or the one started last; see ``Queries.session``."""
        return self.queries.session(session_id)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with translated(self._location), self._writer.begin() as connection:
            yield connection

    @staticmethod
    def _unknown_session(connection: Connection, session_id: str) -> HistoryError:
        known = connection.scalars(select(Session.id).order_by(Session.started_at.desc()).limit(10))
        return HistoryError(unknown_value("session of this history", session_id, known))


def _insert_trial(connection: Connection, record: TrialRecord) -> int:
    environment = {
        "name": record.environment.name,
        "identity": record.environment.identity,
        "facts": record.environment.facts,
    }
    case = {
        "name": record.case_id,
        "version": record.case_version,
        "model": record.model,
        "precision": record.precision,
        "profile": record.profile,
    }
    return _insert(
        connection,
        Trial,
        session_id=record.session,
        environment_id=_find_or_insert(connection, Environment, "identity_hash", record.environment.hash, environment),
        subject_id=_find_or_insert(
            connection, Subject, "subject_hash", record.subject.hash, _columns_of(record.subject)
        ),
        case_id=_find_or_insert(connection, Case, "case_hash", record.case_hash, case),
        engine_id=None if record.engine is None else engine_id(connection, record.engine),
        subject_label=record.subject.name,
        ordinal=record.index,
        started_at=record.started_at,
        outcome=record.outcome,
        message=record.message,
        quality=record.quality,
        conditions=record.conditions,
        phases=record.phases,
        graph_id=None if record.graph is None else graph_id(connection, record.graph),
    )


def _insert_measurements(connection: Connection, record: TrialRecord, trial_id: int) -> None:
    keys = [(each.metric, each.point) for each in record.measurements]
    keys += [(each.metric, each.point) for each in record.verdicts]
    series = _series_ids(connection, record, keys)
    measured = [
        {
            "trial_id": trial_id,
            "series_id": series[each.metric, each.point],
            "value": each.value,
            "sample_count": 0 if each.samples is None else len(each.samples),
            "samples": each.samples,
        }
        for each in record.measurements
    ]
    judged = [
        {
            "trial_id": trial_id,
            "series_id": series[each.metric, each.point],
            **asdict(each.verdict),
            "cause": each.cause,
            "cause_details": each.cause_details,
        }
        for each in record.verdicts
    ]
    _insert_all(connection, Measurement, measured)
    _insert_all(connection, Verdict, judged)


def _series_ids(
    connection: Connection, record: TrialRecord, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    environment_hash = record.environment.hash
    fingerprints = {
        series_fingerprint(record.case_id, record.case_version, environment_hash, metric, point): (metric, point)
        for metric, point in keys
    }
    found = select(Series.fingerprint, Series.id).where(Series.fingerprint.in_(fingerprints))
    known = {row.fingerprint: row.id for row in connection.execute(found)}
    missing = [fingerprint for fingerprint in fingerprints if fingerprint not in known]
    if missing:
        case_id = connection.scalar(select(Case.id).where(Case.case_hash == record.case_hash))
        environment_id = connection.scalar(select(Environment.id).where(Environment.identity_hash == environment_hash))
        for fingerprint in missing:
            metric, point = fingerprints[fingerprint]
            known[fingerprint] = _insert(
                connection,
                Series,
                fingerprint=fingerprint,
                case_id=case_id,
                environment_id=environment_id,
                metric=metric,
                point=point,
            )
    return {key: known[fingerprint] for fingerprint, key in fingerprints.items()}


def _find_or_insert(connection: Connection, table: type[Base], key: str, value: str, columns: Mapping[str, Any]) -> int:
    stored = table.__table__.c
    found = connection.scalar(select(stored.id).where(stored[key] == value))
    return int(found) if found is not None else _insert(connection, table, **{key: value}, **columns)


def _insert(connection: Connection, table: type[Base], **columns: Any) -> int:
    key = connection.execute(insert(table).values(**columns)).inserted_primary_key
    assert key is not None, "every table has a primary key"
    return int(key[0])


def _insert_all(connection: Connection, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _columns_of(record: Any) -> dict[str, Any]:
    return dict(vars(record))
