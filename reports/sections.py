"""The parts of a report: each says which files it has, and how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.case_files import case_files
from reports.data_files import data_files
from reports.details import detail_files
from reports.index_page import index_page
from reports.links import INDEX
from reports.model_page import model_page
from reports.outputs import output_files
from reports.render import render
from reports.site import SiteFile, digest
from reports.verdict_page import verdict_files
from reports.versions_page import versions_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reports.site import Site


def model_files(site: Site) -> Iterator[SiteFile]:
    """Yield a page for each model."""

    def content(model: str, name: str) -> str:
        own = [case for case in site.cases if case.model == model]
        page = model_page(
            model,
            own,
            site.reading,
            site.names,
            title=site.title,
            written=site.written,
            file_name=name,
            links=site.links,
            verdicts=site.verdicts,
        )
        return render(page, "model.html.j2", site.navigation)

    for model, name in site.models.items():
        own = [case for case in site.cases if case.model == model]
        awaited = [site.reading.renamings.told_of_awaited(case.case_id, case.environment) for case in own]
        state = digest(site.names.state, *(site.state_of(case) for case in own), *awaited)
        yield SiteFile(name, state, lambda model=model, name=name: content(model, name))  # type: ignore[misc]


def index_files(site: Site) -> Iterator[SiteFile]:
    """Yield the first page."""
    # It says how long quarantines still last, so it is written each time.
    yield SiteFile(INDEX, "", lambda: render(index_page(site), "index.html.j2", site.navigation))


# In the order in which they are written: the first page is the last, so that what it links to is there.
SECTIONS: tuple[Callable[[Site], Iterator[SiteFile]], ...] = (
    case_files,
    detail_files,
    data_files,
    verdict_files,
    versions_files,
    model_files,
    output_files,
    index_files,
)
