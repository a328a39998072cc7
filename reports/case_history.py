"""What the page of a case takes from the history: of all cases how far each goes, of one case everything."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from harness.history.tables import (
    BaselineMember,
    Case,
    Engine,
    Environment,
    Measurement,
    Subject,
    Trial,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from harness.history.decisions import Decision
    from harness.history.named_baselines import NamedBaseline
    from harness.history.rows import SeriesRow, SessionRow
    from harness.history.store import History
    from reports.current import CurrentCase

# Case id, version of its meaning, hash of the machine.
CaseKey = tuple[str, int, str]

# What is told in full and can have a page of its own; of a pass the numbers are enough.
MARKED = ("regressed", "improved", "inconclusive", "missing", "quarantined")


@dataclass
class Extent:
    """How far the history of one case on one machine goes.

    Attributes:
        newest: number of its newest trial; trials are added and never changed, so this and ``trials`` stand for all.
        trials: how many there are.
        builds: hashes of the builds of its engines.
        pins: numbers of the named baselines that it has trials in.
    """

    newest: int = 0
    trials: int = 0
    builds: list[str] = field(default_factory=list)
    pins: list[int] = field(default_factory=list)

    @classmethod
    def together(cls, extents: Sequence[Extent]) -> Extent:
        """Return how far the history of one case goes that has several names."""
        return cls(
            newest=max((extent.newest for extent in extents), default=0),
            trials=sum(extent.trials for extent in extents),
            builds=list(dict.fromkeys(build for extent in extents for build in extent.builds)),
            pins=sorted({pin for extent in extents for pin in extent.pins}),
        )


@dataclass(frozen=True)
class CaseSource:
    """What the page of a case is made from, but for what it measured, which is read when the page is made.

    Attributes:
        case: how it stands.
        former: what it was called before on this machine.
        series: all of its series.
        parts: the series that each one stored, given by its id, is a part of.
        sessions: that have it, oldest first.
        extent: how far its history goes.
        decisions: that may be about it, and those that withdraw others.
        baselines: the named baselines that it has trials in.
    """

    case: CurrentCase
    former: Sequence[str]
    series: Sequence[SeriesRow]
    parts: Mapping[int, int]
    sessions: Sequence[SessionRow]
    extent: Extent
    decisions: Sequence[Decision]
    baselines: Sequence[NamedBaseline]

    @property
    def key(self) -> CaseKey:
        """The case and its machine."""
        return self.case.case_id, self.case.version, self.case.environment


@dataclass(frozen=True, slots=True)
class CaseTrial:
    """One trial of a case.

    Attributes:
        id: its number in the history.
        session: id of its session.
        subject: hash of the software under test.
        ordinal: 0 for the first of its session, 1 … for confirmations and further builds.
        started_at: UTC.
        outcome: how it ended.
        quality: whether its timings can be trusted.
        conditions: of the machine, as the worker read them.
        build: hash of its engine's build; empty where it has no engine.
        tactics: equal for builds that chose the same tactics; empty likewise.
    """

    id: int
    session: str
    subject: str
    ordinal: int
    started_at: datetime
    outcome: str
    quality: str
    conditions: Mapping[str, Any]
    build: str
    tactics: str


class Judged(NamedTuple):
    """What a page tells of a verdict on one trial; fields as in ``harness.verdicts.gate.Verdict``.

    There are as many as points in all charts of a report, so it has what is drawn and no more.
    """

    status: str
    scale: str
    k: int
    value: float | None
    baseline: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CaseHistory:
    """Everything that one case on one machine left behind, confirmations and further builds included.

    Attributes:
        trials: oldest first.
        values: by series id and trial id, in the metric's unit; NaN where it was measured as such.
        verdicts: by series id and trial id.
    """

    trials: Sequence[CaseTrial]
    values: Mapping[int, Mapping[int, float]]
    verdicts: Mapping[int, Mapping[int, Judged]]


def read_extents(history: History) -> Mapping[CaseKey, Extent]:
    """Return how far each case of the history goes, in three statements."""
    key = (Case.name, Case.version, Environment.identity_hash)
    trials = (
        select(*key, Engine.build_hash, func.count(Trial.id), func.max(Trial.id))
        .select_from(Trial)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .outerjoin(Engine, Engine.id == Trial.engine_id)
        .group_by(Trial.case_id, Trial.environment_id, Trial.engine_id)
        .order_by(func.min(Trial.id))
    )
    pinned = (
        select(*key, BaselineMember.baseline_id)
        .select_from(BaselineMember)
        .join(Trial, Trial.id == BaselineMember.trial_id)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .distinct()
        .order_by(BaselineMember.baseline_id)
    )
    extents: dict[CaseKey, Extent] = defaultdict(Extent)
    with history.queries.snapshot() as connection:
        for name, version, machine, build, count, newest in connection.execute(trials):
            extent = extents[name, version, machine]
            extent.trials += count
            extent.newest = max(extent.newest, newest)
            if build is not None:
                extent.builds.append(build)
        for name, version, machine, baseline in connection.execute(pinned):
            extents[name, version, machine].pins.append(baseline)
    return dict(extents)


def read_case(history: History, source: CaseSource) -> CaseHistory:
    """Return what a case left behind in the sessions that are shown, under all its names, in three statements."""
    name, version, machine = source.key
    parts = source.parts
    trials = (
        select(
            *(Trial.id, Trial.session_id, Subject.subject_hash, Trial.ordinal, Trial.started_at, Trial.outcome),
            *(
                Trial.quality,
                Trial.conditions,
                func.coalesce(Engine.build_hash, ""),
                func.coalesce(Engine.fingerprint, ""),
            ),
        )
        .select_from(Trial)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .outerjoin(Engine, Engine.id == Trial.engine_id)
        .where(Case.name.in_([name, *source.former]), Case.version == version, Environment.identity_hash == machine)
        .order_by(Trial.id)
    )
    values = select(Measurement.series_id, Measurement.trial_id, Measurement.value)
    verdicts = select(Verdict.series_id, Verdict.trial_id, *(getattr(Verdict, name) for name in Judged._fields))
    shown = {row.record.id for row in source.sessions}
    measured: dict[int, dict[int, float]] = defaultdict(dict)
    judged: dict[int, dict[int, Judged]] = defaultdict(dict)
    with history.queries.snapshot() as connection:
        rows: list[Any] = list(connection.execute(trials))
        own = [CaseTrial(*row) for row in rows if row[1] in shown]
        for series_id, trial, value in connection.execute(values.where(Measurement.series_id.in_(parts))):
            measured[parts[series_id]][trial] = math.nan if value is None else value
        for row in connection.execute(verdicts.where(Verdict.series_id.in_(parts)).order_by(Verdict.trial_id)):
            judged[parts[row[0]]][row[1]] = Judged(*row[2:])
    return CaseHistory(own, dict(measured), dict(judged))
