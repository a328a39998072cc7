"""Sessions that did not come to their end: the words, and which cases they lack, are the gate's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.commands.gate import told_of_unfinished
from harness.commands.vanished_reading import lacking_cases
from reports import text
from reports.linked import session_link
from reports.links import session_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.history.rows import SessionRow
    from reports.linked import Linked
    from reports.overview import Overview
    from reports.site import Site

# Of a suite that was ended soon after it began, hundreds of cases are lacking.
_MOST_CASES = 60


@dataclass(frozen=True)
class Unfinished:
    """A session that did not finish: what is said of it, its page if there is one, and its machine."""

    sentence: str
    href: str
    machine: str


@dataclass(frozen=True)
class Lacking:
    """What a session lacks: cases by the id of the session that had them last, and what all of it is known from.

    Attributes:
        cases: as the gate calls them, each with the id of a session.
        previous: the newest session that it is held against; None where there is none.
        narrowed: how cases were left out on purpose, so that nothing is known; empty if they were not.
    """

    cases: Mapping[str, str]
    previous: str | None
    narrowed: str


@dataclass(frozen=True)
class LackingCases:
    """Cases that a session was asked for and has not, and the session that had them last; ``more`` have no room."""

    had_by: Linked
    cases: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class UnfinishedSession:
    """What the page of a session that did not finish says of that; ``remark`` where there is no case to be named."""

    sentence: str
    remark: str
    lacking: tuple[LackingCases, ...]


def unfinished_of(overview: Overview) -> tuple[Unfinished, ...]:
    """Return the machines' last sessions that did not finish, so that what they lack is no news and no pass either."""
    site = overview.site
    found = []
    for environment in dict.fromkeys(case.environment for case in site.cases):
        session = overview.last_session(environment)
        told = told_of_unfinished(session.record.id, session.status) if session else ""
        if session and told:
            href = site.links.to(session_file(session.record.id))
            found.append(Unfinished(text.plain(told, 200), href, site.names.environments[environment].name))
    return tuple(found)


def read_lacking(site: Site, row: SessionRow) -> Lacking | None:
    """Return what a session lacks; None for one that finished.

    Nobody asks git here, so that a session is held against those of every branch.
    """
    if row.status == "finished":
        return None
    with site.history.queries.snapshot() as connection:
        previous, cases = lacking_cases(connection, row, lambda _: None)
    return Lacking(cases, previous, str(row.record.settings.get("narrowed") or ""))


def unfinished_session(site: Site, row: SessionRow, lacking: Lacking) -> UnfinishedSession:
    """Return what is said of a session that did not finish and of what it lacks."""
    had_by: dict[str, list[str]] = defaultdict(list)
    for case, session in lacking.cases.items():
        had_by[session].append(text.plain(case, 200))
    told = told_of_unfinished(row.record.id, row.status)
    return UnfinishedSession(
        sentence=text.plain(f"{told[:1].upper()}{told[1:]}.", 200),
        remark=_remark(lacking),
        lacking=tuple(
            LackingCases(session_link(site, session), tuple(cases[:_MOST_CASES]), max(len(cases) - _MOST_CASES, 0))
            for session, cases in had_by.items()
        ),
    )


def _remark(lacking: Lacking) -> str:
    if lacking.narrowed:
        return f"What it lacks is not known: cases were left out by {text.plain(lacking.narrowed, 100)}."
    if lacking.previous is None:
        return "What it lacks is not known: no earlier session that finished was asked for the like."
    return "" if lacking.cases else "It has every case of the finished sessions before it that it was asked for."
