"""Since when: the change points of a session's series, found anew as it ends and stored where they are news.

A line is what is searched: the first trials of one case on one machine under one subject's name and at one pace, in the
order of their commits. Another subject, and for timings another pace, is another line of the same series, since a
session may alternate between them. What did not end well has no value in it; neither has, for what a clock measures,
what ran on a machine that was not fit for it. Such runs keep their places: the change may have come with one of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, delete, insert, select, type_coerce

from harness.cases.metric import METRICS
from harness.history.tables import ChangePoint, Measurement, Series, Session, Subject, Trial
from harness.verdicts.changes import find_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from harness.cases.metric import Metric

# Of longer lines the newest runs are searched. What was stored of the older half of so many stays as it is: from there
# the runs that a level began with may be out of sight.
LONGEST_LINE = 1000

_Line = tuple[str, str, str | None]
_Row = dict[str, Any]


@dataclass(frozen=True)
class _Run:
    trial_id: int
    ended_well: bool
    fit: bool
    line: _Line


def update_change_points(connection: Connection, session_id: str, now: datetime | None = None) -> int:
    """Search every series of the cases of a session, and store what is not stored; return how many were added.

    A change point that is found again keeps the time when it was first found, even if further runs moved it by a few.
    One that further runs do not bear out is removed. A second call changes nothing.

    Args:
        connection: in a transaction that may write.
        session_id: its cases are searched, each on the machine where it ran.
        now: when those that are new are said to be found; by default, now.
    """
    found_at = now or datetime.now(timezone.utc)
    places = select(Trial.case_id, Trial.environment_id).where(Trial.session_id == session_id, Trial.ordinal == 0)
    return sum(
        _update_case(connection, session_id, case_id, environment_id, found_at)
        for case_id, environment_id in connection.execute(places.distinct()).all()
    )


def _update_case(connection: Connection, session_id: str, case_id: int, environment_id: int, found_at: datetime) -> int:
    runs, of_session = _runs(connection, session_id, case_id, environment_id)
    own = Series.case_id == case_id, Series.environment_id == environment_id
    if not of_session:
        return 0
    rows: Iterable[Any] = connection.execute(select(Series.id, Series.metric).where(*own)).all()
    metrics: dict[int, str] = dict(rows)
    values = _values(connection, metrics, runs[0].trial_id)
    stored = _stored(connection, metrics)
    added = 0
    for series_id, name in metrics.items():
        metric = METRICS.get(name)
        if metric is None:  # of another version of the harness
            continue
        for line in {_line_of(run_line, metric) for run_line in of_session}:
            own_runs = [run for run in runs if _line_of(run.line, metric) == line]
            settled = len(own_runs) // 2 if len(runs) == LONGEST_LINE else 0
            open_to_change = {run.trial_id for run in own_runs[settled:]}
            found = _search(series_id, metric, own_runs, values[series_id])
            added += _replace(
                connection,
                [row for row in stored[series_id] if row["trial_id"] in open_to_change],
                [row for row in found if row["trial_id"] in open_to_change],
                found_at,
            )
    return added


def _runs(connection: Connection, session_id: str, case_id: int, environment_id: int) -> tuple[list[_Run], set[_Line]]:
    """Return the newest first trials of a case, oldest first, and the lines that the session adds to."""
    query = (
        select(
            *(Trial.id, Trial.session_id, Trial.outcome, Trial.quality, Trial.subject_label, Subject.runtime),
            type_coerce(Session.settings, JSON)["pace"].as_string().label("pace"),
        )
        .join(Session, Session.id == Trial.session_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.case_id == case_id, Trial.environment_id == environment_id, Trial.ordinal == 0)
        # A comparison of two subjects repeats a case dozens of times within minutes.
        .where(type_coerce(Session.settings, JSON)["compare"].as_string().is_(None))
        .order_by(Trial.id.desc())
        .limit(LONGEST_LINE)
    )
    runs, of_session = [], set()
    for row in connection.execute(query):
        line = (row.runtime, row.subject_label, row.pace)
        runs.append(_Run(row.id, row.outcome == "ok", row.quality == "ok", line))
        if row.session_id == session_id:
            of_session.add(line)
    return runs[::-1], of_session


def _values(connection: Connection, series: Iterable[int], first: int) -> Mapping[int, Mapping[int, float]]:
    """Return the values of several series from a trial on: by series, by trial."""
    query = select(Measurement.series_id, Measurement.trial_id, Measurement.value).where(
        Measurement.series_id.in_(series), Measurement.trial_id >= first, Measurement.value.is_not(None)
    )
    values: dict[int, dict[int, float]] = defaultdict(dict)
    rows: Iterable[Any] = connection.execute(query)
    for series_id, trial_id, value in rows:
        values[series_id][trial_id] = value
    return values


def _stored(connection: Connection, series: Iterable[int]) -> Mapping[int, list[_Row]]:
    rows: dict[int, list[_Row]] = defaultdict(list)
    query = select(ChangePoint.__table__).where(ChangePoint.series_id.in_(series)).order_by(ChangePoint.trial_id)
    for row in connection.execute(query).mappings():
        rows[row["series_id"]].append(dict(row))
    return rows


def _line_of(line: _Line, metric: Metric) -> _Line:
    runtime, subject, pace = line
    return runtime, subject, pace if metric.timed else None


def _search(series_id: int, metric: Metric, runs: Sequence[_Run], values: Mapping[int, float]) -> list[_Row]:
    changes = find_changes(
        [values.get(run.trial_id) if run.ended_well and (run.fit or not metric.timed) else None for run in runs],
        smallest_effect=metric.smallest_effect,
        scale=metric.scale,
        resolution=metric.resolution,
    )
    return [
        {
            "series_id": series_id,
            "trial_id": runs[change.index].trial_id,
            "low_trial_id": runs[change.low].trial_id,
            "high_trial_id": runs[change.high].trial_id,
            "previous_trial_id": runs[change.low - 1].trial_id,
            "level_before": change.before,
            "level_after": change.after,
            "effect": change.effect,
            "p": change.p,
        }
        for change in changes
    ]


def _replace(connection: Connection, stored: Sequence[_Row], found: Sequence[_Row], found_at: datetime) -> int:
    """Put what was found in the place of what is stored, if it is not the same; return how many are news."""
    if [{name: value for name, value in row.items() if name not in ("id", "found_at")} for row in stored] == found:
        return 0
    connection.execute(delete(ChangePoint).where(ChangePoint.id.in_([row["id"] for row in stored])))
    first = [next((row["found_at"] for row in stored if _may_be_same(row, change)), None) for change in found]
    if found:
        rows = [{**change, "found_at": when or found_at} for change, when in zip(found, first, strict=True)]
        connection.execute(insert(ChangePoint), rows)
    return first.count(None)


def _may_be_same(one: _Row, other: _Row) -> bool:
    """Tell whether two change points of one series, found with different numbers of runs, may be one change."""
    overlap = bool(one["low_trial_id"] <= other["high_trial_id"] and other["low_trial_id"] <= one["high_trial_id"])
    return overlap and (one["effect"] > 0) == (other["effect"] > 0)
