"""What ``harness.history.queries`` answers with: frozen rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from harness.history.records import (
        FindingRecord,
        Outcome,
        Quality,
        SessionRecord,
        TrialRecord,
    )
    from harness.verdicts.gate import Verdict


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session.

    Attributes:
        record: what was stored when it started.
        status: ``running``, or what ``finish_session`` was given, e.g. ``finished`` or ``interrupted``.
        finished_at: UTC; None while it runs, and for ever if it was killed.
        outcomes: how many first trials ended in which way.
        verdicts: how many series ended with which word.
    """

    record: SessionRecord
    status: str
    finished_at: datetime | None
    outcomes: Mapping[str, int]
    verdicts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A case in an environment, by one metric at one point."""

    id: int
    fingerprint: str
    case_id: str
    case_version: int
    model: str
    precision: str
    profile: str
    metric: str
    point: str
    environment: str
    environment_hash: str


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One run of a series.

    Attributes:
        trial_id: of the trial that measured it.
        session_id: of its session.
        subject_hash: key into ``Queries.subjects()``.
        started_at: of the trial; UTC.
        index: 0 for the first trial of the case in its session, 1 … for confirmations.
        outcome: how the trial ended.
        quality: whether its timings can be trusted.
        value: in the metric's unit; NaN if it was measured as such.
        sample_count: how many raw samples are kept, see ``Queries.samples``; 0 where a single number was read.
        verdict: the gate's word; None where none was given.
    """

    trial_id: int
    session_id: str
    subject_hash: str
    started_at: datetime
    index: int
    outcome: Outcome
    quality: Quality
    value: float
    sample_count: int
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """The last word on one series of one subject in one session, and the class of its cause."""

    series: SeriesRow
    session_id: str
    trial_id: int
    subject_hash: str
    verdict: Verdict
    cause: str = ""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """The newest first trial of a case in an environment with a subject, and what its session said in the end.

    Attributes:
        subject_hash: key into ``Queries.subjects()``.
        trial_id: for ``Queries.trials``, with layer errors and all.
        values: by (metric, point), in the metric's unit.
        verdicts: by (metric, point): the last word, so a confirmation's rather than the one that asked for it.
        findings: one per stage.
    """

    case_id: str
    case_version: int
    model: str
    precision: str
    profile: str
    environment: str
    environment_hash: str
    subject_hash: str
    session_id: str
    trial_id: int
    started_at: datetime
    outcome: Outcome
    message: str
    quality: Quality
    values: Mapping[tuple[str, str], float]
    verdicts: Mapping[tuple[str, str], Verdict]
    findings: tuple[FindingRecord, ...]

    @property
    def verdict_counts(self) -> Mapping[str, int]:
        """How many series of the cell ended with which word."""
        return Counter(verdict.status for verdict in self.verdicts.values())


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial, as it was stored."""

    id: int
    record: TrialRecord


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run of a series, with the engine that it ran.

    Attributes:
        session_id: of its session.
        index: 0 for the first trial of the case in its session, 1 … for confirmations and further builds.
        value: in the metric's unit.
        build: tells the engine's build from any other; ``""`` where the trial has no engine.
        fingerprint: equal for builds that chose the same tactics; ``""`` likewise.
    """

    session_id: str
    index: int
    value: float
    build: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is not the same in two runs; an empty text is one that was not known."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before or 'unknown'} → {self.after or 'unknown'}"


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A lasting change of a series' level.

    Attributes:
        series: which series.
        trial_id: the first run at the new level, most likely.
        session_id: of that run, as are the next three.
        started_at: UTC.
        subject: as its session called it.
        subject_hash: key into ``Queries.subjects()``.
        previous_trial_id: the last run that was surely before the change.
        low_trial_id: the first run at which it may have happened.
        high_trial_id: the last one.
        level_before: in the metric's unit.
        level_after: likewise.
        effect: a ratio minus 1 on a ``log`` scale, else a difference in the metric's unit.
        p: two-sided, of no difference between the two levels.
        found_at: UTC, when a session first found it.
        differences: what else changed from the run before to ``high_trial_id``.
        acknowledged: what a person said who accepted the change; empty where nobody did.
    """

    series: SeriesRow
    trial_id: int
    session_id: str
    started_at: datetime
    subject: str
    subject_hash: str
    previous_trial_id: int
    low_trial_id: int
    high_trial_id: int
    level_before: float
    level_after: float
    effect: float
    p: float
    found_at: datetime
    differences: tuple[Difference, ...] = ()
    acknowledged: str = ""
