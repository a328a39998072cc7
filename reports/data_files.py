"""The data of a report as files of their own: rows of the documented views, as CSV and JSON.

A cell of a CSV file that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises ("CSV
Injection"); numbers are left as they are. JSON has every value as it is.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import func, select

from harness.history.records import Outcome, stable_hash
from harness.history.tables import ChangePoint, Level, Measurement, Trial, Verdict
from harness.history.views import VIEWS
from harness.verdicts.gate import Status
from reports.site import SiteFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.history.rows import SessionRow
    from reports.site import Site

Row = dict[str, Any]

LATEST, CHANGES, SESSIONS = "data-latest", "data-changes", "data-sessions"
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_STATUSES: tuple[Status, ...] = get_args(Status)
# What is told of a session; a column may be added, but is never renamed or removed without a new major version.
SESSION_COLUMNS = (
    *("session_id", "started_at", "finished_at", "status", "commit", "branch", "dirty", "harness_version", "command"),
    *(f"trials_{outcome}" for outcome in _OUTCOMES),
    *(f"series_{status}" for status in _STATUSES),
)
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")


def data_files(site: Site) -> Iterator[SiteFile]:
    """Yield the newest run of each series, the lasting changes of level, and the sessions, each as CSV and JSON."""
    queries = site.history.queries
    stored, own = _stored(site), stable_hash([_session(row) for row in site.reading.sessions])
    sources: tuple[tuple[str, str, Sequence[str], Callable[[], list[Row]]], ...] = (
        (LATEST, stored, tuple(VIEWS["latest"].columns), lambda: queries.view("latest")),
        (CHANGES, stored, tuple(VIEWS["change_points"].columns), lambda: queries.view("change_points")),
        (SESSIONS, own, SESSION_COLUMNS, lambda: [_session(row) for row in reversed(site.reading.sessions)]),
    )
    for name, state, columns, read in sources:
        rows = cache(read)
        yield SiteFile(f"{name}.csv", state, lambda rows=rows, own=columns: as_csv(rows(), own))  # type: ignore[misc]
        yield SiteFile(f"{name}.json", state, lambda rows=rows: as_json(rows()))  # type: ignore[misc]


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as CSV (RFC 4180, but for line ends: a newline) with a header; None is an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(row[column]) for column in columns] for row in rows)
    return buffer.getvalue()


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a JSON list, a row a line; numbers that JSON lacks, NaN and infinities, are text."""
    lines = (json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def harmless(value: Any) -> Any:
    """Return a value as a CSV file may have it: what a spreadsheet would run gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.match(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _session(row: SessionRow) -> Row:
    record = row.record
    return {
        "session_id": record.id,
        "started_at": record.started_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "status": row.status,
        "commit": record.commit,
        "branch": record.branch,
        "dirty": record.dirty,
        "harness_version": record.harness_version,
        "command": record.command,
        **{f"trials_{outcome}": row.outcomes.get(outcome, 0) for outcome in _OUTCOMES},
        **{f"series_{status}": row.verdicts.get(status, 0) for status in _STATUSES},
    }


def _stored(site: Site) -> str:
    """Return a digest of all that the views read: their tables only grow, and sessions say when they have ended."""
    with site.history.queries.snapshot() as connection:
        newest = [
            *(connection.scalar(select(func.max(table.id))) for table in (Trial, Measurement, Verdict, ChangePoint)),
            connection.scalar(select(func.max(ChangePoint.found_at))),
            connection.scalar(select(func.count()).select_from(Level)),
        ]
    ended = [(row.record.id, row.status, row.finished_at) for row in site.reading.sessions]
    return stable_hash([newest, ended])
