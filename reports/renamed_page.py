"""What stands at the address of a case that has another name by now: that name, and a link to its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import text
from reports.linked import Linked
from reports.links import case_file
from reports.render import render
from reports.site import SiteFile, digest

if TYPE_CHECKING:
    from reports.case_history import CaseKey
    from reports.site import Site


@dataclass(frozen=True)
class RenamedPage:
    """The page: what the case was called, and the page of what it is called now."""

    title: str
    written: str
    former: str
    now: Linked


def renamed_file(site: Site, former: CaseKey, now: CaseKey) -> SiteFile:
    """Return the file at the address that the page of a case had under its former name."""
    name = case_file(*now)

    def content() -> str:
        called = text.plain(former[0], 160), Linked(text.plain(now[0], 160), site.links.to(name))
        return render(RenamedPage(site.title, site.written, *called), "renamed.html.j2", site.navigation)

    return SiteFile(case_file(*former), digest(site.title, former[0], name), content)
