"""The small files beside the pages, for READMEs, feed readers and pull requests."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.commands.gate import assess
from harness.commands.gate_markdown import gate_markdown
from harness.commands.gate_reading import read_session
from reports.badge import badge
from reports.feed import feed, moved_series
from reports.links import BADGE, FEED, INDEX, SUMMARY
from reports.site import SiteFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.site import Site


def output_files(site: Site) -> Iterator[SiteFile]:
    """Yield a badge, and where there is a session a feed of what moved and the gate's summary of the last one."""
    drawing = str(badge(case.standing for case in site.cases))
    yield SiteFile(BADGE, _digest(drawing), lambda: drawing)
    if not site.reading.sessions:
        return
    # Its links depend on which pages there are; with a hundred entries at most it is quickly written anew.
    yield SiteFile(FEED, "", lambda: feed(moved_series(site.history.queries), site))
    yield SiteFile(SUMMARY, _summary_state(site), lambda: _summary(site))


def _summary(site: Site) -> str:
    session = read_session(site.history.queries, site.reading.sessions[-1].record.id)
    return gate_markdown(assess(session), report_url=INDEX)


def _summary_state(site: Site) -> str:
    decisions = [asdict(decision) for decision in site.history.queries.decisions()]
    # Which cases a session lacks depends on those before it, whose number tells whether any was added.
    return _digest(repr((len(site.reading.sessions), site.reading.sessions[-1], decisions)))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()[:32]
