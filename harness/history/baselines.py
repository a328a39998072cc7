"""The runs that a series can be compared with, read from the history for ``harness.verdicts.baseline`` to choose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, String, and_, bindparam, case, false, or_, select, true, type_coerce
from sqlalchemy.orm import aliased

from harness.history.tables import (
    BaselineMember,
    Level,
    Measurement,
    Policy,
    Series,
    Session,
    Subject,
    Trial,
)
from harness.history.tables import Verdict as VerdictTable
from harness.verdicts.baseline import Level as KnownLevel
from harness.verdicts.baseline import Lineage, Run, choose, level_in_force

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

    from harness.cases.metric import Metric

# Above any trial's id.
AFTER_ALL = 2**62
# Below any trial's id.
_NONE = -1


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which runs of a series make its baseline; see ``harness.verdicts.baseline.choose``.

    Attributes:
        last: how many runs at most, where no baseline is named.
        before: number of the first trial that is not looked at.
        lineage: what the checkout under test descends from.
        any_quality: whether runs of a busy machine count too.
        pace: take only runs of this pace; of any if None.
        runtime: take only runs under this runtime, whatever its version; under any if None.
        named: id of a named baseline, whose members are taken and nothing else; None where none is named.
    """

    last: int = 20
    before: int = AFTER_ALL
    lineage: Lineage = field(default_factory=Lineage)
    any_quality: bool = False
    pace: str | None = None
    runtime: str | None = None
    named: int | None = None

    def takes(self, run: Run) -> bool:
        """Tell whether a run is of the quality and the pace that are asked for."""
        return run.is_comparable(any_quality=self.any_quality, pace=self.pace)


def _alarm_stands() -> ColumnElement[bool]:
    """Say, of a measurement and its verdict, whether it raised an alarm that its session did not clear."""
    later, last = aliased(Trial), aliased(VerdictTable)
    worse = case((last.direction == "lower", last.effect > 0), else_=last.effect < 0)
    last_word = (
        select(or_(last.status.in_(("regressed", "quarantined")), and_(last.status == "inconclusive", worse)))
        .join(later, later.id == last.trial_id)
        .where(
            later.session_id == Trial.session_id,
            later.case_id == Trial.case_id,
            later.subject_id == Trial.subject_id,
            last.series_id == Measurement.series_id,
        )
        .order_by(last.id.desc())
        .limit(1)
        .correlate(Trial, Measurement)
        .scalar_subquery()
    )
    # Only what was screened is ever confirmed, so only then is there more to read than the trial's own verdict.
    return case(
        (VerdictTable.status.in_(("regressed", "quarantined")), true()),
        (VerdictTable.status == "inconclusive", last_word),
        else_=false(),
    )


def _of_the_first_engine() -> ColumnElement[bool]:
    """Say, of a trial, whether it ran the engine of its session's first one rather than a further build."""
    first = aliased(Trial)
    return (
        select(first.id)
        .where(
            first.session_id == Trial.session_id,
            first.case_id == Trial.case_id,
            first.environment_id == Trial.environment_id,
            first.subject_id == Trial.subject_id,
            first.ordinal == 0,
            first.engine_id.is_not_distinct_from(Trial.engine_id),
        )
        .exists()
    )


# Made once, since making them takes longer than running them. Each reads one series, in the order of its index, so that
# no more rows are read than are looked at.
_RUNS = (
    select(
        Measurement.trial_id,
        Trial.session_id,
        Measurement.value,
        Session.commit,
        Session.branch,
        type_coerce(Session.settings, JSON)["pace"].as_string().label("pace"),
        (Trial.ordinal == 0).label("first"),
        (Trial.outcome == "ok").label("ok"),
        (Trial.quality == "ok").label("quiet"),
        _alarm_stands().label("alarm"),
    )
    .join(Trial, Trial.id == Measurement.trial_id)
    .join(Session, Session.id == Trial.session_id)
    .join(Subject, Subject.id == Trial.subject_id)
    .outerjoin(
        VerdictTable,
        and_(VerdictTable.trial_id == Measurement.trial_id, VerdictTable.series_id == Measurement.series_id),
    )
    .where(
        Measurement.series_id
        == select(Series.id).where(Series.fingerprint == bindparam("fingerprint")).scalar_subquery(),
        or_(Subject.runtime == bindparam("runtime", type_=String), bindparam("runtime", type_=String).is_(None)),
        Measurement.trial_id < bindparam("before"),
        Measurement.value.is_not(None),
        or_(Trial.ordinal == 0, and_(Trial.session_id == bindparam("level_session"), _of_the_first_engine())),
        # An alarm that is left out in any case, as a thousand may be in a row, need not be brought here.
        or_(Measurement.trial_id <= bindparam("admitted"), ~_alarm_stands()),
    )
    .order_by(Measurement.trial_id.desc())
)
_MEMBERS = _RUNS.where(
    Measurement.trial_id.in_(select(BaselineMember.trial_id).where(BaselineMember.baseline_id == bindparam("named")))
)
_RUNS_OF_LEVEL = _RUNS.where(Trial.session_id == bindparam("level_session"))
_WITHDRAWAL = aliased(Policy)
_LEVELS = (
    select(Level.trial_id, Policy.parameters, Trial.session_id, Session.commit, Session.branch)
    .join(Policy, Policy.id == Level.policy_id)
    .join(Trial, Trial.id == Level.trial_id)
    .join(Session, Session.id == Trial.session_id)
    .join(Subject, Subject.id == Trial.subject_id)
    .where(
        Level.series_id.in_(select(Series.id).where(Series.fingerprint.in_(bindparam("fingerprints", expanding=True)))),
        or_(Subject.runtime == bindparam("runtime", type_=String), bindparam("runtime", type_=String).is_(None)),
        ~select(_WITHDRAWAL.id).where(_WITHDRAWAL.withdraws == Policy.id).exists(),
    )
)


def baseline_runs(connection: Connection, fingerprints: Sequence[str], metric: Metric, choice: Choice) -> list[Run]:
    """Return the baseline of a series, oldest first.

    Args:
        connection: to the history.
        fingerprints: of the series, then of those that it goes on with under former names.
        metric: what the series measures.
        choice: which runs.
    """
    if choice.named is not None:
        runs = chain.from_iterable(_members(connection, fingerprint, choice) for fingerprint in fingerprints)
        members = [run for run in runs if choice.takes(run)]
        return sorted(members, key=lambda run: run.trial_id)
    level = level_in_force(_levels(connection, fingerprints, choice), choice.lineage, before=choice.before)
    if level is not None:
        level = _measured(connection, fingerprints, level, choice)
    streams = [_runs(connection, fingerprint, choice, level) for fingerprint in fingerprints]
    return choose(
        merge(*streams, key=lambda run: -run.trial_id),
        metric,
        last=choice.last,
        lineage=choice.lineage,
        level=level,
        any_quality=choice.any_quality,
        pace=choice.pace,
    )


def _runs(connection: Connection, fingerprint: str, choice: Choice, level: KnownLevel | None) -> Iterator[Run]:
    with connection.execute(_RUNS, _wanted(fingerprint, choice, level)) as rows:
        yield from (_run(row) for row in rows)


def _members(connection: Connection, fingerprint: str, choice: Choice) -> Iterator[Run]:
    with connection.execute(
        _MEMBERS, _wanted(fingerprint, choice) | {"named": choice.named, "admitted": AFTER_ALL}
    ) as rows:
        yield from (_run(row) for row in rows)


def _levels(connection: Connection, fingerprints: Sequence[str], choice: Choice) -> Iterator[KnownLevel]:
    rows: Iterable[Any] = connection.execute(_LEVELS, {"fingerprints": list(fingerprints), "runtime": choice.runtime})
    for since, parameters, session, commit, branch in rows:
        newest = int(parameters["newest_trial"])
        yield KnownLevel(since=since, session=session, commit=commit, branch=branch, newest=newest)


def _measured(connection: Connection, fingerprints: Sequence[str], level: KnownLevel, choice: Choice) -> KnownLevel:
    """Return the level with what the session that was acknowledged measured."""
    values = []
    for fingerprint in fingerprints:
        runs = map(_run, connection.execute(_RUNS_OF_LEVEL, _wanted(fingerprint, choice, level)))
        values += [run.value for run in runs if run.trial_id >= level.since and choice.takes(run)]
    return replace(level, values=tuple(values))


def _wanted(fingerprint: str, choice: Choice, level: KnownLevel | None = None) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "runtime": choice.runtime,
        "before": choice.before,
        "level_session": level.session if level else None,
        "admitted": _NONE if level is None else level.newest,
    }


def _run(row: Any) -> Run:
    trial_id, session, value, commit, branch, pace, first, ok, quiet, alarm = row
    return Run(
        trial_id=trial_id,
        session=session,
        value=value,
        commit=commit,
        branch=branch,
        pace=pace,
        first=first,
        ok=ok,
        quiet=quiet,
        alarm=alarm,
    )
