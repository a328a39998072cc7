"""From the history to what is compared: the values of one part of it, and how its cases ended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import JSON, select, type_coerce

from harness.cases import metric_named
from harness.cases.operator import OPERATORS, PASSES
from harness.history import reading
from harness.history.records import EnvironmentRecord
from harness.history.tables import Case, Environment, Session, Subject, Trial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from harness.commands.compare_sides import StoredSide
    from harness.history.queries import Queries
    from harness.history.records import FindingRecord


class Place(NamedTuple):
    """Where a case ran.

    Attributes:
        case: its id.
        subject: what the session called it.
        environment: hash of the machine.
    """

    case: str
    subject: str
    environment: str


class SeriesKey(NamedTuple):
    """What has to be equal for two values to be compared.

    Attributes:
        place: where it was measured.
        version: hash of the case's id and version.
        metric: its name.
        point: the point's label.
        pace: of the session; empty for what no clock measures.
    """

    place: Place
    version: str
    metric: str
    point: str
    pace: str


class Ending(NamedTuple):
    """How a case ended that did not pass: the reason, and whether that is a failure rather than how things are."""

    reason: str
    broken: bool


@dataclass(frozen=True)
class Part:
    """What a part of the history has.

    Attributes:
        values: by series, by session, in the order of commits; in the metric's unit.
        endings: how each case ended in the newest session; None where it passed. That its session called something a
            regression does not count: a comparison decides for itself.
        software: runtime and version of each subject.
        environments: by hash.
    """

    values: dict[SeriesKey, dict[str, list[float]]] = field(default_factory=dict)
    endings: dict[Place, Ending | None] = field(default_factory=dict)
    software: dict[str, None] = field(default_factory=dict)
    environments: dict[str, EnvironmentRecord] = field(default_factory=dict)


def read_part(queries: Queries, side: StoredSide, metrics: Collection[str]) -> Part:
    """Read what one side has of the metrics; timings only where the machine was fit to take them.

    Args:
        queries: of the history.
        side: which trials are meant.
        metrics: by their names.
    """
    trials = _trials_of(side)
    if set(metrics) != {PASSES}:
        # They have a comparison of their own, exact and case by case: trt-harness operators --against.
        trials = trials.where(Case.model != OPERATORS)
    part = Part()
    with queries.snapshot() as connection:
        rows: Iterable[Any] = connection.execute(trials).all()
        chosen = trials.with_only_columns(Trial.id).order_by(None).subquery()
        values = reading.values_of(connection, chosen)
        findings = reading.findings_of(connection, chosen)
    newest: dict[Place, str] = {}
    for row in rows:
        place = Place(row.case, row.subject_label, row.identity_hash)
        part.environments[row.identity_hash] = EnvironmentRecord(name=row.environment, identity=row.identity)
        part.software[f"{row.runtime} {row.version}".strip()] = None
        # Later trials of a case in a session only time it again: that these end well mends nothing.
        if newest.get(place) != row.session_id or row.outcome != "ok":
            newest[place] = row.session_id
            part.endings[place] = _ending(row.outcome, row.message, findings.get(row.id, ()))
        for (metric, point), value in values.get(row.id, {}).items():
            if metric not in metrics:
                continue
            timed = metric_named(metric).timed
            if timed and row.quality != "ok":
                continue
            key = SeriesKey(place, row.case_hash, metric, point, (row.pace or "") if timed else "")
            part.values.setdefault(key, defaultdict(list))[row.session_id].append(value)
    return part


def _trials_of(side: StoredSide) -> Any:
    query = (
        select(
            *(Trial.id, Trial.session_id, Trial.outcome, Trial.message, Trial.quality, Trial.subject_label),
            *(Case.name.label("case"), Case.case_hash),
            *(Environment.identity_hash, Environment.name.label("environment"), Environment.identity),
            *(Subject.runtime, Subject.version),
            type_coerce(Session.settings, JSON)["pace"].as_string().label("pace"),
        )
        .select_from(Trial)
        .join(Session, Session.id == Trial.session_id)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .order_by(Trial.id)
    )
    if side.sessions is not None:
        query = query.where(Trial.session_id.in_(side.sessions))
    for column, value in (
        (Trial.subject_label, side.subject_label),
        (Subject.subject_hash, side.subject_hash),
        (Environment.identity_hash, side.environment_hash),
    ):
        if value is not None:
            query = query.where(column == value)
    return query


def _ending(outcome: str, message: str, findings: Sequence[FindingRecord]) -> Ending | None:
    failed = [finding for finding in findings if finding.outcome == "failed"]
    if outcome == "ok" or (failed and all(finding.stage == "regression" for finding in failed)):
        return None
    return Ending(message.splitlines()[0] if message else outcome.replace("_", " "), outcome != "unsupported")
