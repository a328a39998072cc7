"""What a report takes from the history: few statements, and of every machine the last sessions only.

What only the pages of a model show, runs over time and trials in full, is read when such a page is made, a model at
a time: a report that rewrites one page of a hundred reads the trials of one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from harness.addresses import without_password
from harness.cases.operator import OPERATORS
from harness.history.tables import Case, Environment, Finding, Measurement, Series, Subject, Trial
from reports.lazy import GroupedMapping
from reports.renamings import Rename, Renamings, of_present_series
from reports.runs import MeasuredTrial, Run, SeriesRuns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from harness.history.queries import Queries
    from harness.history.records import EnvironmentRecord, SubjectRecord, TrialRecord
    from harness.history.rows import ChangeRow, MatrixCell, SeriesRow, SessionRow
    from harness.history.store import History

__all__ = ["Reading", "Run", "SampleSummary", "TrialBrief", "read", "summarise"]

SAMPLES_FOR_P90, SAMPLES_FOR_P99 = 64, 662
# Trials in full are large: layers, errors, logs. Pages are made model by model, so that few models are needed at once.
_MODELS_IN_FULL = 4
# Of a machine with more sessions than are shown, at least nine tenths of as many as may be shown are.
_STEPS = 10


@dataclass(frozen=True, slots=True)
class TrialBrief:
    """The first trial of a case in a session.

    ``failed`` speaks of every stage but the regression; ``former`` is what the case was called then, if otherwise.
    """

    id: int
    session_id: str
    case_id: str
    model: str
    environment: str
    subject: str
    outcome: str
    quality: str
    failed: bool
    regressed: bool
    former: str = ""


@dataclass(frozen=True)
class SampleSummary:
    """Raw samples of one measurement, reduced.

    Attributes:
        count: how many there are.
        spread: 1.4826 times the median absolute deviation, over the median: for Gaussian samples, their relative
            standard deviation.
        p90: 90th percentile in the metric's unit; None where the samples are too few for it.
        p99: 99th percentile, likewise.
    """

    count: int
    spread: float
    p90: float | None
    p99: float | None


@dataclass(frozen=True)
class Reading:
    """The part of a history that a report shows.

    Attributes:
        database: where it came from.
        sessions: every session that has a case to show, oldest first.
        subjects: by hash, in the order first seen.
        environments: likewise.
        trials: the first trials of each machine's last sessions, oldest first.
        renamings: which cases go on under another name: everything here has the present one.
        renames: when they had the former ones, by (case id, environment hash).
        series: every series; what it was under a former name of its case is a part of it.
        joined: the series that each one stored, given by its id, is a part of.
        runs: their values by series id, oldest first; read a model at a time, see ``SeriesRuns``.
        cells: of each (case id, environment hash) in those sessions, the newest first trial per subject, oldest first.
        details: of each cell's trial, everything but raw samples, by trial id; read a model at a time.
        samples: of each cell's measurements that have raw samples, by (trial id, metric, point); likewise.
        changes: where levels changed, the newest first, by series id.
        states: a digest for each (case id, environment hash): as long as it is the same, so is what is stored of the
            case's trials in the sessions shown, of their verdicts, and of the changes of its series.
    """

    database: str
    sessions: Sequence[SessionRow]
    subjects: Mapping[str, SubjectRecord]
    environments: Mapping[str, EnvironmentRecord]
    trials: Sequence[TrialBrief]
    renamings: Renamings
    renames: Mapping[tuple[str, str], Sequence[Rename]]
    series: Sequence[SeriesRow]
    joined: Mapping[int, SeriesRow]
    runs: SeriesRuns
    cells: Mapping[tuple[str, str], Sequence[MatrixCell]]
    details: Mapping[int, TrialRecord]
    samples: Mapping[tuple[int, str, str], SampleSummary]
    changes: Mapping[int, Sequence[ChangeRow]]
    states: Mapping[tuple[str, str], str]


def read(history: History, *, last: int = 200) -> Reading:
    """Read what a report shows, of each machine the last ``last`` sessions, in a fixed number of statements.

    Raises:
        HistoryError: the database cannot be read.
    """
    queries = history.queries
    sessions = _with_cases(queries)
    matrix = queries.latest_matrix()
    renamings = Renamings.of(matrix, queries.decisions())
    # The statements below are of use to reports only, so they are here, and borrow a connection.
    with queries.snapshot() as connection:
        shown = _last_sessions(connection, [session.record.id for session in sessions], last)
        # A session may be running: trials that it commits from here on are not among these, and on no page.
        trials, measured = _trials(connection, shown, renamings)
    chosen = set(shown)
    cells = [renamings.cell(cell) for cell in matrix if cell.session_id in chosen and cell.model != OPERATORS]
    joined = renamings.joined([series for series in queries.series_list() if series.model != OPERATORS])
    series = list({row.id: row for row in joined.values()}.values())
    changes = of_present_series(queries.change_points(), joined)
    models = {cell.trial_id: cell.model for cell in cells}
    of_model: dict[str, list[int]] = defaultdict(list)
    for trial_id, model in models.items():
        of_model[model].append(trial_id)
    return Reading(
        database=_shown_location(queries.database),
        sessions=sessions,
        subjects=queries.subjects(),
        environments=queries.environments(),
        trials=trials,
        renamings=renamings,
        renames=renamings.renames(trials),
        series=series,
        joined=joined,
        runs=SeriesRuns(queries, joined, measured),
        cells=_by_case(cells),
        details=GroupedMapping(
            of_model,
            models.get,
            lambda model: {key: row.record for key, row in queries.trials(of_model[model]).items()},
            most_kept=_MODELS_IN_FULL,
        ),
        samples=GroupedMapping(
            of_model, lambda key: models.get(key[0]), lambda model: _samples(queries, of_model[model])
        ),
        changes=_by_series(changes),
        states=_states(measured, sessions, changes),
    )


def summarise(samples: np.ndarray) -> SampleSummary | None:
    """Reduce raw samples, float [n] in the metric's unit; None if none of them is finite.

    A percentile is given where MLPerf's early-stopping bound allows it: 64 samples for the 90th, 662 for the 99th.
    """
    finite = samples[np.isfinite(samples)].astype(np.float64)
    if not len(finite):
        return None
    middle = float(np.median(finite))
    deviation = 1.4826 * float(np.median(np.abs(finite - middle)))
    return SampleSummary(
        count=len(finite),
        spread=deviation / abs(middle) if middle else 0.0,
        p90=float(np.percentile(finite, 90)) if len(finite) >= SAMPLES_FOR_P90 else None,
        p99=float(np.percentile(finite, 99)) if len(finite) >= SAMPLES_FOR_P99 else None,
    )


def _with_cases(queries: Queries) -> list[SessionRow]:
    """Return the sessions that have a case to show: comparisons and those of operators alone have none."""
    query = (
        select(Trial.session_id)
        .join(Case, Case.id == Trial.case_id)
        .where(Trial.ordinal == 0, Case.model != OPERATORS)
        .distinct()
    )
    with queries.snapshot() as connection:
        own = set(connection.scalars(query))
    return [_shown(session) for session in queries.sessions() if session.record.id in own]


def _shown(session: SessionRow) -> SessionRow:
    """Return a session as readers of a report may see it: older ones have stored the password of their database."""
    record = session.record
    settings = {name: without_password(value) if name == "db" else value for name, value in record.settings.items()}
    return replace(session, record=replace(record, command=without_password(record.command), settings=settings))


def _shown_location(database: str) -> str:
    """Return where a history is as one says it here: a path below the working folder without that folder."""
    with contextlib.suppress(ValueError):
        return str(Path(database).relative_to(Path.cwd()))
    return database


def _last_sessions(connection: Connection, in_order: Sequence[str], last: int) -> list[str]:
    machines: dict[int, set[str]] = defaultdict(set)
    for environment, session in connection.execute(select(Trial.environment_id, Trial.session_id).distinct()):
        machines[environment].add(session)
    chosen: set[str] = set()
    # The oldest leave several at a time: if each new session pushed out one, it would change every page.
    step = max(last // _STEPS, 1)
    for own in machines.values():
        ran = [key for key in in_order if key in own]
        chosen.update(ran[max(-(-(len(ran) - last) // step) * step, 0) :])
    return [key for key in in_order if key in chosen]


def _trials(
    connection: Connection, shown: Sequence[str], renamings: Renamings
) -> tuple[list[TrialBrief], dict[int, MeasuredTrial]]:
    """Return the first trials in brief, and what the runs of all trials, confirmations included, have in common."""
    failing = select(Finding.trial_id).where(Finding.outcome == "failed")
    failed = set(connection.scalars(failing.where(Finding.stage != "regression")))
    regressed = set(connection.scalars(failing.where(Finding.stage == "regression")))
    # Operators have a table of their own, trt-harness operators: a thousand cases are no page of a report.
    of_models = select(Case.id, Case.name, Case.model).where(Case.model != OPERATORS)
    cases = {row[0]: row[1:] for row in connection.execute(of_models)}
    environments = dict(connection.execute(select(Environment.id, Environment.identity_hash)).all())
    subjects = dict(connection.execute(select(Subject.id, Subject.subject_hash)).all())
    query = select(
        *(Trial.id, Trial.session_id, Trial.case_id, Trial.environment_id, Trial.subject_id),
        *(Trial.outcome, Trial.quality, Trial.ordinal),
    ).order_by(Trial.id)
    broken = ("failed", "crashed", "timed_out")
    # Each text is kept once, however many trials have it: a query makes a new one for each row.
    places = {session: place for place, session in enumerate(shown)}
    texts: dict[str, str] = {session: session for session in shown}
    briefs: list[TrialBrief] = []
    measured: dict[int, MeasuredTrial] = {}
    leads: dict[tuple[str, str, int, int], int] = {}
    for key, session, case, environment, subject, outcome, quality, ordinal in connection.execute(query).all():
        if session not in places or case not in cases:
            continue
        word = texts.setdefault(quality, quality)
        name, model = cases[case]
        where = (name, environments[environment])
        former = ""
        if now := renamings.present.get(where):
            former, name, model = name, now.case_id, now.model
            where = (name, where[1])
        slot = (session, name, environment, subject)
        if ordinal == 0:
            # Of a case that a resumed session ran again, the later trial counts.
            measured.pop(leads.get(slot, 0), None)
            leads[slot] = key
        lead = leads.get(slot, 0)
        measured[key] = MeasuredTrial(places[session], texts[session], where, subjects[subject], word, lead)
        if ordinal == 0:
            ended = texts.setdefault(outcome, outcome)
            briefs.append(
                TrialBrief(
                    *(key, texts[session], name, model, where[1], subjects[subject], ended, word),
                    # A trial whose only failed stage is the regression is slower, not broken.
                    failed=key in failed or (outcome in broken and key not in regressed),
                    regressed=key in regressed,
                    former=former,
                )
            )
    return briefs, measured


def _states(
    measured: Mapping[int, MeasuredTrial], sessions: Sequence[SessionRow], changes: Sequence[ChangeRow]
) -> dict[tuple[str, str], str]:
    """Digest what is stored of each case on each machine.

    A trial and its verdicts are never changed once they are committed, but for a verdict's q, which is stored as its
    session ends: so their ids, and how and when their sessions ended, stand for all of it.
    """
    ends = {row.record.id: f"{row.status} {row.finished_at}" for row in sessions}
    digests: dict[tuple[str, str], hashlib._Hash] = defaultdict(hashlib.sha256)
    for key, trial in measured.items():
        digests[trial.case].update(f"{key} {trial.session_id} {ends.get(trial.session_id)}\n".encode())
    for change in changes:
        digests[change.series.case_id, change.series.environment_hash].update(repr(change).encode())
    return {case: digest.hexdigest()[:16] for case, digest in digests.items()}


def _samples(queries: Queries, trials: Sequence[int]) -> dict[tuple[int, str, str], SampleSummary]:
    query = (
        select(Measurement.trial_id, Series.metric, Series.point, Measurement.samples)
        .join(Series, Series.id == Measurement.series_id)
        .where(Measurement.trial_id.in_(trials), Measurement.samples.is_not(None))
    )
    with queries.snapshot() as connection:
        summaries = {(row[0], row[1], row[2]): summarise(row[3]) for row in connection.execute(query)}
    return {key: summary for key, summary in summaries.items() if summary is not None}


def _by_series(changes: Sequence[ChangeRow]) -> dict[int, list[ChangeRow]]:
    grouped: dict[int, list[ChangeRow]] = defaultdict(list)
    for change in changes:
        grouped[change.series.id].append(change)
    return dict(grouped)


def _by_case(cells: Sequence[MatrixCell]) -> dict[tuple[str, str], list[MatrixCell]]:
    """Group cells by case and machine, oldest first; of a case in several versions only the newest version counts.

    So does, of a case that was renamed, only the newest trial of a subject under any of its names.
    """
    grouped: dict[tuple[str, str], list[MatrixCell]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: cell.trial_id):
        grouped[cell.case_id, cell.environment_hash].append(cell)
    newest = {key: own[-1].case_version for key, own in grouped.items()}
    last = {key: {cell.subject_hash: cell.trial_id for cell in own} for key, own in grouped.items()}
    in_order = dict.fromkeys((cell.case_id, cell.environment_hash) for cell in cells)
    return {
        key: [
            cell
            for cell in grouped[key]
            if cell.case_version == newest[key] and cell.trial_id == last[key][cell.subject_hash]
        ]
        for key in in_order
    }
