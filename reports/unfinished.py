"""The last session of each machine, where it did not come to its end: the words are the gate's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.commands.gate import told_of_unfinished
from reports import text
from reports.links import session_file

if TYPE_CHECKING:
    from reports.overview import Overview


@dataclass(frozen=True)
class Unfinished:
    """A session that did not finish: what is said of it, its page if there is one, and its machine."""

    sentence: str
    href: str
    machine: str


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
