"""An Atom feed of what moved: an entry for each case that a session found regressed or improved.

The format is RFC 4287, the form of its ids RFC 4151.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sqlalchemy import select

from harness.cases.metric import METRICS
from harness.history import reading
from harness.history.tables import Case, Environment, Series, Subject, Trial
from harness.history.tables import Verdict as VerdictTable
from reports import text
from reports.current import describe_change
from reports.links import FEED, INDEX, case_file, verdict_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from harness.history.queries import Queries
    from harness.verdicts.gate import Verdict
    from reports.site import Site

MOST_ENTRIES = 100
_NAMESPACE = "http://www.w3.org/2005/Atom"
# Ids must never change, wherever a report is put: the authority is a name that can belong to nobody (RFC 2606).
_AUTHORITY = "tag:trt-harness.invalid,2026:"
_MOST_CHANGES = 12


@dataclass(frozen=True)
class Moved:
    """A series that a session found elsewhere than it was."""

    trial_id: int
    session_id: str
    started_at: datetime
    case_id: str
    case_version: int
    environment: str
    environment_hash: str
    subject_hash: str
    metric: str
    point: str
    verdict: Verdict

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells its entry from others: of the history, not of the database, whose numbers a merge changes."""
        case = (self.case_id, str(self.case_version), self.environment_hash)
        return (self.session_id, *case, self.subject_hash, self.verdict.status)


def moved_series(queries: Queries, *, most: int = MOST_ENTRIES) -> list[list[Moved]]:
    """Return what moved by case, session and word: the newest first, in each the largest change first.

    Args:
        queries: of the history.
        most: how many groups at most.

    Raises:
        HistoryError: the history cannot be read.
    """
    query = (
        select(
            *(Trial.id, Trial.session_id, Trial.started_at, Case.name.label("case"), Case.version),
            *(Environment.name.label("machine"), Environment.identity_hash, Subject.subject_hash),
            *(Series.metric, Series.point, *reading.VERDICT_COLUMNS),
        )
        .select_from(VerdictTable)
        .join(Trial, Trial.id == VerdictTable.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .join(Series, Series.id == VerdictTable.series_id)
        .join(Case, Case.id == Series.case_id)
        .join(Environment, Environment.id == Series.environment_id)
        .where(
            VerdictTable.status.in_(("regressed", "improved")),
            ~reading.taken_back(),
            Series.metric.in_([name for name, metric in METRICS.items() if metric.gated]),
        )
        # A case has tens of series, so that this reads more than it shows, and not all that ever moved.
        .order_by(Trial.id.desc(), VerdictTable.status, VerdictTable.id)
        .limit(50 * most)
    )
    with queries.snapshot() as connection:
        rows: Iterable[Any] = connection.execute(query)
        found = [
            Moved(
                trial_id=row.id,
                session_id=row.session_id,
                started_at=row.started_at,
                case_id=row.case,
                case_version=row.version,
                environment=row.machine,
                environment_hash=row.identity_hash,
                subject_hash=row.subject_hash,
                metric=row.metric,
                point=row.point,
                verdict=verdict,
            )
            for row in rows
            if (verdict := reading.verdict(row[10:])) is not None
        ]
    # By what an entry's id is made from: the words of one session may be on several trials of a case.
    groups: dict[tuple[str, ...], list[Moved]] = defaultdict(list)
    for each in found:
        groups[each.identity].append(each)
    return [sorted(group, key=lambda each: -abs(each.verdict.effect or 0.0)) for group in [*groups.values()][:most]]


def feed(groups: Sequence[Sequence[Moved]], site: Site) -> str:
    """Return the feed as XML.

    Args:
        groups: from ``moved_series``.
        site: the report that its links lead into; they are relative to the feed's own address.
    """
    # ElementTree would make up a prefix for the namespace; written as an attribute it is the default one.
    root = Element("feed", {"xmlns": _NAMESPACE, "xml:lang": "en"})
    title = f"{text.plain(site.title, 120)}: what moved"
    newest = groups[0][0].started_at if groups else site.reading.sessions[-1].record.started_at
    _add(root, "id", f"{_AUTHORITY}{_digest(site.reading.sessions[0].record.id)}")
    _add(root, "title", title)
    _add(root, "updated", newest.isoformat())
    SubElement(_add(root, "author"), "name").text = "trt-harness"
    SubElement(root, "link", {"rel": "self", "href": FEED})
    SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": INDEX})
    for group in groups:
        _add_entry(root, group, site)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _add_entry(root: Element, group: Sequence[Moved], site: Site) -> None:
    first = group[0]
    entry = _add(root, "entry")
    _add(entry, "id", f"{_AUTHORITY}{text.slug(first.session_id)}/{_digest(*first.identity)}")
    case, machine = text.plain(first.case_id, 120), text.plain(first.environment, 80)
    more = f" and {text.count(len(group) - 1, 'more series', 'more series')}" if len(group) > 1 else ""
    changed = describe_change(first.metric, first.point, first.verdict)
    _add(entry, "title", f"{case} {first.verdict.status}: {changed}{more}")
    _add(entry, "updated", first.started_at.isoformat())
    SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": _address(first, site)})
    SubElement(entry, "category", {"term": first.verdict.status})
    subject = site.names.subjects.get(first.subject_hash)
    software = f"{subject.label} " if subject else ""
    session = f"session {text.plain(first.session_id, 40)}"
    told = [
        f"{case} {first.verdict.status} in {session} of {text.moment(first.started_at)} UTC, {software}on {machine}.",
        *(f"{describe_change(each.metric, each.point, each.verdict)}." for each in group[:_MOST_CHANGES]),
        *([f"And {len(group) - _MOST_CHANGES} more."] if len(group) > _MOST_CHANGES else []),
    ]
    _add(entry, "summary", "\n".join(told)).set("type", "text")


def _address(moved: Moved, site: Site) -> str:
    """Return the page that tells most of what the report has."""
    # An entry keeps the name of its case that it was written with; the pages have that of today.
    name = site.reading.renamings.name(moved.case_id, moved.environment_hash)
    model = next((case.model for case in site.cases if case.case_id == name), "")
    names = (
        verdict_file(moved.trial_id, name, moved.metric, moved.point),
        case_file(name, moved.case_version, moved.environment_hash),
        site.models.get(model, ""),
    )
    return next((site.links.to(name) for name in names if name and site.links.to(name)), INDEX)


def _add(parent: Element, name: str, content: str | None = None) -> Element:
    element = SubElement(parent, name)
    element.text = content
    return element


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:24]
