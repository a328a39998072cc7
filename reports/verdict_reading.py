"""What the pages of verdicts are made from: which verdicts have one, and the evidence of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select

from harness.history import reading
from harness.history.tables import Engine, Measurement, Subject, Trial
from harness.history.tables import Verdict as VerdictTable
from harness.history.what_changed import differences, facts_of_trials
from reports.current import metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np

    from harness.history.queries import Queries
    from harness.history.rows import Difference, SeriesRow
    from harness.verdicts.gate import Verdict
    from reports.reading import Reading, Run

WORDS = ("regressed", "improved", "inconclusive", "missing", "quarantined")
MOST_VERDICTS = 200
# So many are looked at for the most important ones among them.
_LOOKED_AT = 2000
_BAD = ("regressed", "quarantined")
# The gate takes improved runs into a baseline, but what they lie beside is the level before.
_MOVED = ("regressed", "improved")

# Made once: for two hundred pages, making them takes longer than running them.
_TRIALS = (
    select(
        *(Trial.id, Trial.session_id, Trial.ordinal, Trial.quality, Trial.engine_id, Trial.conditions),
        *(Subject.subject_hash, Measurement.value),
    )
    .select_from(Measurement)
    .join(Trial, Trial.id == Measurement.trial_id)
    .join(Subject, Subject.id == Trial.subject_id)
    .where(
        Measurement.series_id.in_(bindparam("series", expanding=True)),
        or_(Trial.session_id == bindparam("now"), Trial.session_id == bindparam("before")),
    )
    .order_by(Trial.id)
)
_SAMPLES = select(Measurement.trial_id, Measurement.samples).where(
    Measurement.series_id.in_(bindparam("series", expanding=True)),
    or_(Measurement.trial_id == bindparam("now"), Measurement.trial_id == bindparam("before")),
)


@dataclass(frozen=True)
class Told:
    """One verdict, the last word on its series in its session.

    Attributes:
        trial_id: the trial that it is on.
        session_id: of that trial, as are the next three.
        subject: its hash.
        engine: hash of its engine's build; empty where it has none.
        quality: whether its timings can be trusted.
        series: what was judged.
        verdict: the word, with its numbers.
        cause: what the change goes with; empty where nobody asked.
        details: what the cause rests on, and how many trials are behind the word.
    """

    trial_id: int
    session_id: str
    subject: str
    engine: str
    quality: str
    series: SeriesRow
    verdict: Verdict
    cause: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class DecidingTrial:
    """One trial of the session: its value, and why it did not count (empty if it did)."""

    value: float
    left_out: str


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        baseline: the runs that it was held against, oldest first; those before it that were fit and good.
        certain: whether their median is the verdict's baseline, so that they are the very runs of it.
        trials: the first trial of the session and those that followed it up.
        good_session: session of the last run of the baseline that was not itself called moved; empty if there is none.
        samples: raw samples in the metric's unit: of the trial, and of that last good run; None where none were kept.
        conditions: of the two trials, likewise.
        differences: what else is not the same in the two.
    """

    baseline: Sequence[Run]
    certain: bool
    trials: Sequence[DecidingTrial]
    good_session: str
    samples: tuple[np.ndarray | None, np.ndarray | None]
    conditions: tuple[Mapping[str, Any], Mapping[str, Any]]
    differences: Sequence[Difference]


def told_verdicts(queries: Queries, shown: Reading) -> list[Told]:
    """Return the newest 200 verdicts that need a page, those on gated metrics before others of the same session."""
    query = (
        select(
            *(Trial.id, Trial.session_id, Subject.subject_hash, Engine.build_hash, Trial.quality),
            *(VerdictTable.series_id, VerdictTable.cause, VerdictTable.cause_details, *reading.VERDICT_COLUMNS),
        )
        .select_from(VerdictTable)
        .join(Trial, Trial.id == VerdictTable.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .outerjoin(Engine, Engine.id == Trial.engine_id)
        .where(VerdictTable.status.in_(WORDS), ~reading.taken_back())
        .order_by(Trial.id.desc(), VerdictTable.id)
        .limit(_LOOKED_AT)
    )
    places = {row.record.id: place for place, row in enumerate(shown.sessions)}
    known = {trial.session_id for trial in shown.trials}
    with queries.snapshot() as connection:
        rows: Iterable[Any] = connection.execute(query).all()
    told = [
        Told(row[0], row[1], row[2], row[3] or "", row[4], shown.joined[row[5]], verdict, row[6], row[7])
        for row in rows
        if row[1] in known and (verdict := reading.verdict(row[8:])) is not None
    ]
    told.sort(key=lambda each: (-places[each.session_id], not metric_of(each.series.metric).gated))
    return told[:MOST_VERDICTS]


def baseline_of(told: Told, shown: Reading) -> list[Run]:
    """Return the runs of a series that the gate would have compared with, oldest first.

    The history keeps how many they were and their median, not which; these are the newest before the session that were
    fit and good, at the same pace and under the same runtime.
    """
    records = {row.record.id: row.record for row in shown.sessions}
    pace = records[told.session_id].settings.get("pace")
    runtime = shown.subjects[told.subject].runtime
    timed = metric_of(told.series.metric).timed
    before = []
    for run in shown.runs.get(told.series.id, ()):
        if run.session_id == told.session_id:
            break
        alike = shown.subjects[run.subject].runtime == runtime and records[run.session_id].settings.get("pace") == pace
        fit = not timed or run.quality == "ok"
        if alike and fit and run.status not in _BAD and not math.isnan(run.value):
            before.append(run)
    return before[-told.verdict.n :] if told.verdict.n else []


def evidence_of(told: Told, baseline: Sequence[Run], queries: Queries, shown: Reading) -> Evidence:
    """Read what a verdict rests on, in three statements."""
    timed = metric_of(told.series.metric).timed
    good = next((run for run in reversed(baseline) if run.status not in _MOVED), None)
    series = shown.runs.parts(told.series.id)
    with queries.snapshot() as connection:
        sessions = {"now": told.session_id, "before": good.session_id if good else ""}
        rows: Sequence[Any] = connection.execute(_TRIALS, {"series": series, **sessions}).all()
        first = next((row for row in rows if row.id == told.trial_id), None)
        last_good = next((row for row in rows if good and _is_first(row, good)), None)
        good_id = last_good.id if last_good else 0
        kept: Iterable[Any] = connection.execute(_SAMPLES, {"series": series, "now": told.trial_id, "before": good_id})
        samples: dict[int, np.ndarray | None] = {row.trial_id: row.samples for row in kept}
        facts = facts_of_trials(connection, {told.trial_id, good_id}) if good_id else {}
    return Evidence(
        baseline=baseline,
        certain=_is_median(told.verdict, [run.value for run in baseline]),
        trials=[
            DecidingTrial(reading.number(row.value), row.quality if timed and row.quality != "ok" else "")
            for row in rows
            if first and _of_one_engine(row, first)
        ],
        good_session=good.session_id if good and last_good else "",
        samples=(samples.get(told.trial_id), samples.get(good_id)),
        conditions=(first.conditions if first else {}, last_good.conditions if last_good else {}),
        differences=differences(facts[good_id], facts[told.trial_id]) if good_id else (),
    )


def _is_first(row: Any, run: Run) -> bool:
    return bool(row.session_id == run.session_id and row.subject_hash == run.subject and row.ordinal == 0)


def _of_one_engine(row: Any, first: Any) -> bool:
    """Tell whether a trial followed up the first one, rather than ran another subject or a further build."""
    return all(getattr(row, name) == getattr(first, name) for name in ("session_id", "subject_hash", "engine_id"))


def _is_median(verdict: Verdict, values: Sequence[float]) -> bool:
    """Tell whether the values are as many as the verdict's baseline has, and have its median."""
    if verdict.baseline is None or len(values) != verdict.n or not values:
        return False
    ordered = sorted(values)
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    middle = low if low == high else (low + high) / 2
    return math.isclose(middle, verdict.baseline, rel_tol=1e-9, abs_tol=1e-12)
