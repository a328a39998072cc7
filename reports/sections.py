"""The parts of a report: each says which files it has, and how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.index_page import index_page
from reports.links import INDEX
from reports.model_page import model_page
from reports.outputs import output_files
from reports.render import render
from reports.site import SiteFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reports.site import Site


def model_files(site: Site) -> Iterator[SiteFile]:
    """Yield a page for each model."""

    def content(model: str, name: str) -> str:
        own = [case for case in site.cases if case.model == model]
        page = model_page(model, own, site.reading, site.names, title=site.title, written=site.written, file_name=name)
        return render(page, "model.html.j2", site.navigation)

    for model, name in site.models.items():
        yield SiteFile(name, "", lambda model=model, name=name: content(model, name))  # type: ignore[misc]


def index_files(site: Site) -> Iterator[SiteFile]:
    """Yield the first page."""

    def content() -> str:
        page = index_page(site.cases, site.models, site.reading, site.names, title=site.title, written=site.written)
        return render(page, "index.html.j2", site.navigation)

    yield SiteFile(INDEX, "", content)


# In the order in which they are written: the first page is the last, so that what it links to is there.
SECTIONS: tuple[Callable[[Site], Iterator[SiteFile]], ...] = (model_files, output_files, index_files)
