"""Words that lead somewhere, if the report has the page: shared by the pages that go into detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import text
from reports.links import INDEX, case_file, engine_file, environment_file, session_file
from reports.model_page import anchor_of

if TYPE_CHECKING:
    from reports.current import CurrentCase
    from reports.site import Site


@dataclass(frozen=True)
class Linked:
    """A text and where it leads; ``href`` is empty where it leads nowhere."""

    text: str
    href: str = ""


def case_link(site: Site, case: CurrentCase, words: str = "") -> Linked:
    """Return a link to the page of a case, or to its section of its model's page where cases have none."""
    own = site.links.to(case_file(case.case_id, case.version, case.environment))
    href = own or site.links.to(site.models[case.model], anchor_of(case, site.names))
    return Linked(words or text.plain(case.case_id, 160), href)


def session_link(site: Site, session: str) -> Linked:
    """Return a link to the page of a session."""
    return Linked(text.plain(session, 40), site.links.to(session_file(session)))


def engine_link(site: Site, build: str) -> Linked:
    """Return a link to the page of an engine, which is called by the first digits of its build; nothing for none."""
    return Linked(text.plain(build[:10], 10), site.links.to(engine_file(build))) if build else Linked("")


def environment_link(site: Site, environment: str) -> Linked:
    """Return a link to the page of a machine."""
    return Linked(site.names.environments[environment].name, site.links.to(environment_file(environment)))


def index_link(site: Site) -> Linked:
    """Return a link to the first page."""
    return Linked(site.title, site.links.to(INDEX))
