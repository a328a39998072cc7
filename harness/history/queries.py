"""What the history is asked; the answers are the frozen rows of ``harness.history.rows``.

Each question takes a few statements, however many rows it brings back. The order of runs is the order in which they
were committed, which is the order of trial ids: clocks are set back, commits are not.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from harness.cases import metric_named
from harness.errors import HistoryError, unknown_value
from harness.history import reading, series_reading
from harness.history.baselines import AFTER_ALL, Choice, baseline_runs
from harness.history.identity import series_fingerprint
from harness.history.location import translated
from harness.history.named_baselines import named_baselines
from harness.history.policies import read_decisions
from harness.history.rows import (
    ChangeRow,
    MatrixCell,
    PastRun,
    SeriesPoint,
    SeriesRow,
    SeriesVerdict,
    SessionRow,
    TrialRow,
)
from harness.history.tables import Case, Environment, Finding, Measurement, Series, Session, Subject, Trial
from harness.history.tables import Engine as EngineTable
from harness.history.views import rows_of_view
from harness.history.what_changed import read_change_points
from harness.verdicts.baseline import Lineage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from sqlalchemy import Connection, Engine

    from harness.history.decisions import Decision
    from harness.history.location import Location
    from harness.history.named_baselines import NamedBaseline
    from harness.history.records import EnvironmentRecord, LayerRecord, SubjectRecord

__all__ = ["MatrixCell", "Queries", "SeriesPoint", "SeriesRow", "SeriesVerdict", "SessionRow", "TrialRow"]


class Queries:
    """Every question that sessions, the shell and reports ask; it only reads."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self._engine = engine
        self._location = location

    @property
    def database(self) -> str:
        """Where the history is, to be shown."""
        return str(self._location)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read in one transaction, so that what others commit meanwhile is seen wholly or not at all."""
        with translated(self._location), self._engine.connect() as connection:
            yield connection

    def baseline_values(
        self,
        case_id: str,
        case_version: int,
        environment_hash: str,
        metric: str,
        point: str,
        *,
        last: int = 20,
        before_session: str | None = None,
        any_quality: bool = False,
        pace: str | None = None,
        runtime: str | None = None,
        lineage: Lineage | None = None,
        named: int | None = None,
        former_names: Iterable[str] = (),
    ) -> list[float]:
        """Return the baseline of a series, the newest run last, in the metric's unit.

        Those are its last ``last`` good runs, of which ``harness.verdicts.baseline.choose`` says what is good, or the
        members of a named baseline.

        Args:
            case_id: with the next four, what identifies a series; see ``series_fingerprint``.
            case_version: as above.
            environment_hash: as above.
            metric: as above.
            point: as above.
            last: how many runs at most.
            before_session: take only what was committed before the first trial of this session, and none of its own.
            any_quality: whether runs of a contended or unstable machine count too, for what no clock measures.
            pace: take only sessions of this pace; of any if None.
            runtime: take only runs under this runtime, whatever its version; under any if None. The series of a case
                is one, whoever ran it, but TensorRT is no baseline for onnxruntime, nor one of its providers for the
                other.
            lineage: take only runs of what the checkout under test descends from; by default of any.
            named: number of the named baseline whose members are taken, whatever became of the series since.
            former_names: what the case was called before it was renamed; its runs of then are runs of the series.
        """
        fingerprints = [
            series_fingerprint(name, case_version, environment_hash, metric, point) for name in (case_id, *former_names)
        ]
        with self.snapshot() as connection:
            choice = Choice(
                last=last,
                before=_first_trial(connection, before_session),
                lineage=lineage or Lineage(),
                any_quality=any_quality,
                pace=pace,
                runtime=runtime,
                named=named,
            )
            return [run.value for run in baseline_runs(connection, fingerprints, metric_named(metric), choice)]

    def decisions(self) -> list[Decision]:
        """Return every decision, withdrawn ones and withdrawals included, in the order in which they were made."""
        with self.snapshot() as connection:
            return read_decisions(connection)

    def named_baselines(self) -> list[NamedBaseline]:
        """Return every revision of every named baseline, in the order in which they were made."""
        with self.snapshot() as connection:
            return named_baselines(connection)

    def case_names(self) -> list[str]:
        """Return the name of every case that ever ran, in the order in which they were first seen."""
        with self.snapshot() as connection:
            return list(dict.fromkeys(connection.scalars(select(Case.name).order_by(Case.id))))

    def last_start(self, *, but: str) -> datetime | None:
        """Return when the newest session but one started, UTC; None if there is no other."""
        with self.snapshot() as connection:
            return connection.scalar(
                select(Session.started_at).where(Session.id != but).order_by(Session.started_at.desc())
            )

    def session(self, session_id: str = "latest") -> SessionRow:
        """Return a session by its id, or the one that was started last.

        Raises:
            HistoryError: there is no session, or none of that id.
        """
        newest_first = select(Session.id).order_by(Session.started_at.desc(), Session.id)
        with self.snapshot() as connection:
            if session_id == "latest":
                found = connection.scalar(newest_first.limit(1))
                if found is None:
                    raise HistoryError("the history holds no session yet; run one: pytest suites/")
                session_id = found
            rows = reading.sessions(connection, session_id)
            if not rows:
                known = list(connection.scalars(newest_first.limit(10)))
                raise HistoryError(unknown_value("session of this history", session_id, known))
        return rows[0]

    def sessions(self) -> list[SessionRow]:
        """Return every session, in the order of their start."""
        with self.snapshot() as connection:
            return reading.sessions(connection, None)

    def finished_case_ids(self, session_id: str, *, subject_hash: str | None = None) -> set[str]:
        """Return the cases of which a session has a first trial, however it ended; with one subject if it is given."""
        query = select(Case.name).join(Trial, Trial.case_id == Case.id)
        query = query.where(Trial.session_id == session_id, Trial.ordinal == 0).distinct()
        if subject_hash is not None:
            query = query.join(Subject, Subject.id == Trial.subject_id).where(Subject.subject_hash == subject_hash)
        with self.snapshot() as connection:
            return set(connection.scalars(query))

    def recorded_findings(self, session_id: str) -> dict[tuple[str, str], dict[str, tuple[str, str]]]:
        """Return how the stages of a session's cases ended: by (case, subject's name), by stage: (outcome, message)."""
        query = (
            select(Case.name, Trial.subject_label, Finding.stage, Finding.outcome, Finding.message)
            .select_from(Finding)
            .join(Trial, Trial.id == Finding.trial_id)
            .join(Case, Case.id == Trial.case_id)
            .where(Trial.session_id == session_id, Trial.ordinal == 0)
            .order_by(Finding.id)
        )
        findings: dict[tuple[str, str], dict[str, tuple[str, str]]] = defaultdict(dict)
        with self.snapshot() as connection:
            for case_id, subject, stage, outcome, message in connection.execute(query):
                findings[case_id, subject][stage] = (outcome, message)
        return dict(findings)

    def session_verdicts(self, session_id: str) -> list[SeriesVerdict]:
        """Return the last word on each series of each subject in a session, in the order of the cases."""
        with self.snapshot() as connection:
            return series_reading.session_verdicts(connection, session_id)

    def subjects(self) -> dict[str, SubjectRecord]:
        """Return every subject by its hash, in the order in which they were first seen."""
        with self.snapshot() as connection:
            rows = connection.execute(select(Subject.__table__).order_by(Subject.id))
            return {row.subject_hash: reading.subject(row) for row in rows}

    def environments(self) -> dict[str, EnvironmentRecord]:
        """Return every environment by its hash, in the order in which they were first seen."""
        with self.snapshot() as connection:
            rows = connection.execute(select(Environment.__table__).order_by(Environment.id))
            return {row.identity_hash: reading.environment(row) for row in rows}

    def series_list(self) -> list[SeriesRow]:
        """Return every series, case by case in the order in which they were first seen."""
        with self.snapshot() as connection:
            return series_reading.series_list(connection)

    def series_points(self, series: Iterable[SeriesRow] | None = None) -> dict[int, list[SeriesPoint]]:
        """Return the runs of several series, of all of them by default, oldest first, by ``SeriesRow.id``."""
        ids = None if series is None else [row.id for row in series]
        with self.snapshot() as connection:
            return series_reading.series_points(connection, ids)

    def latest_matrix(self) -> list[MatrixCell]:
        """Return a cell for each case, environment and subject ever tried, case by case in the order first seen."""
        with self.snapshot() as connection:
            return series_reading.latest_matrix(connection)

    def trial(self, trial_id: int) -> TrialRow:
        """Return one trial with everything that was stored of it but raw samples, for which see ``samples``.

        Raises:
            HistoryError: there is no such trial.
        """
        found = self.trials([trial_id])
        if trial_id not in found:
            raise HistoryError(f"the history has no trial {trial_id!r}; `trt-harness query latest` lists the newest")
        return found[trial_id]

    def trials(self, trial_ids: Collection[int]) -> dict[int, TrialRow]:
        """Return several trials by their ids, as ``trial`` does; ids that do not exist are left out."""
        ids = sorted(trial_ids)
        found: dict[int, TrialRow] = {}
        with self.snapshot() as connection:
            for start in range(0, len(ids), reading.IDS_AT_ONCE):
                found.update(reading.trials(connection, ids[start : start + reading.IDS_AT_ONCE]))
        return found

    def past_runs(
        self,
        fingerprints: Sequence[str],
        *,
        runtime: str,
        before_session: str,
        pace: str | None = None,
        last: int = 500,
    ) -> list[PastRun]:
        """Return the last runs of a series that ended well on a fit machine, the newest last, with their engines.

        Unlike a baseline they include confirmations and further builds, and runs that were called regressions.

        Args:
            fingerprints: of the series, then of those that it goes on with under former names.
            runtime: take only runs under this runtime.
            before_session: take none of this session.
            pace: take only sessions of this pace; of any if None.
            last: how many runs at most.
        """
        with self.snapshot() as connection:
            return series_reading.past_runs(
                connection, fingerprints, runtime=runtime, before_session=before_session, pace=pace, last=last
            )

    def layers_of(self, build: str) -> tuple[LayerRecord, ...]:
        """Return the layers of the engine of a build, in their order; none where they were not listed."""
        own = select(EngineTable.id).where(EngineTable.build_hash == build)
        with self.snapshot() as connection:
            return tuple(layer for own_layers in reading.layers(connection, own).values() for layer in own_layers)

    def change_points(self) -> list[ChangeRow]:
        """Return every lasting change of a series' level, the newest first, with what else changed with it."""
        with self.snapshot() as connection:
            return read_change_points(connection)

    def samples(self, trial_id: int, metric: str, point: str) -> np.ndarray | None:
        """Return the raw samples of a measurement, float32 [n] in the metric's unit; None if none were kept."""
        query = (
            select(Measurement.samples)
            .join(Series, Series.id == Measurement.series_id)
            .where(Measurement.trial_id == trial_id, Series.metric == metric, Series.point == point)
        )
        with self.snapshot() as connection:
            return connection.scalar(query)

    def view(
        self, name: str, *, where: Mapping[str, object] | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return rows of one of the documented views, in the view's order, each as values by column.

        Args:
            name: ``latest``, ``trend``, ``regressions``, ``engines``, ``engine_layers`` or ``change_points``.
            where: values that columns must have.
            limit: how many rows at most.

        Raises:
            HistoryError: no such view, or no such column in it.
        """
        query = rows_of_view(name, where=where or {}, limit=limit)
        with self.snapshot() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _first_trial(connection: Connection, session_id: str | None) -> int:
    """Return the number of the first trial of a session; one above all others where it has none."""
    if session_id is None:
        return AFTER_ALL
    first = connection.scalar(select(func.min(Trial.id)).where(Trial.session_id == session_id))
    return AFTER_ALL if first is None else int(first)
