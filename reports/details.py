"""The pages that go into detail, all from one reading: layers, engines, sessions, machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.detail_reading import read_details
from reports.engine_page import engine_files
from reports.environment_page import environment_files
from reports.layers_page import layers_files
from reports.sessions_page import session_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.site import Site, SiteFile


def detail_files(site: Site) -> Iterator[SiteFile]:
    """Yield the pages of layers, of engines, of sessions with their list, and of machines."""
    details = read_details(site)
    for files in (layers_files, engine_files, session_files, environment_files):
        yield from files(site, details)
