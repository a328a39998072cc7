"""The first page: whether anything is wrong, what, and then every case of every machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from reports import text
from reports.attention import attention_of
from reports.decided import decisions_view
from reports.links import session_file
from reports.matrix import in_order, matrices_of
from reports.names import session_views
from reports.overview import Overview
from reports.standing import STANDINGS, tally
from reports.unfinished import unfinished_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.attention import Attention
    from reports.current import CurrentCase
    from reports.decided import DecisionView
    from reports.matrix import Matrix
    from reports.pages import SessionView
    from reports.site import Site
    from reports.standing import Standing
    from reports.unfinished import Unfinished

_SESSIONS_LISTED = 20


@dataclass(frozen=True)
class IndexPage:
    """The first page of a report; ``models``, ``precisions`` and ``profiles`` are what there is to filter by."""

    title: str
    written: str
    database: str
    headline: str
    tone: str
    tone_symbol: str
    totals: tuple[tuple[Standing, int], ...]
    attention: tuple[Attention, ...]
    unfinished: tuple[Unfinished, ...]
    matrices: tuple[Matrix, ...]
    models: tuple[str, ...]
    precisions: tuple[str, ...]
    profiles: tuple[str, ...]
    decisions: tuple[DecisionView, ...]
    sessions: tuple[SessionView, ...]
    session_links: Mapping[str, str]
    sessions_in_all: int
    legend: tuple[Standing, ...]


def index_page(site: Site, now: datetime | None = None) -> IndexPage:
    """Return the first page of a report.

    Args:
        site: what it is made from.
        now: the time that the ends of quarantines are counted from; by default the present, UTC.
    """
    overview = Overview.of(site)
    cases = site.cases
    newest_first = list(reversed(site.reading.sessions))[:_SESSIONS_LISTED]
    unfinished = unfinished_of(overview)
    tone, symbol, headline = _headline(cases, unfinished)
    return IndexPage(
        title=site.title,
        written=site.written,
        database=text.plain(site.reading.database, 300),
        headline=headline,
        tone=tone,
        tone_symbol=symbol,
        totals=tuple(tally(case.standing for case in cases)),
        attention=attention_of(overview),
        unfinished=unfinished,
        matrices=matrices_of(overview),
        models=tuple(text.plain(model, 120) for model in sorted({case.model for case in cases})),
        precisions=tuple(text.plain(precision, 60) for precision in in_order(case.precision for case in cases)),
        profiles=tuple(text.plain(profile, 80) for profile in sorted({case.profile for case in cases})),
        decisions=decisions_view(site.history.queries.decisions(), now or datetime.now(timezone.utc)),
        sessions=session_views(newest_first, overview.trials, site.names),
        session_links={
            text.plain(row.record.id, 40): site.links.to(session_file(row.record.id)) for row in newest_first
        },
        sessions_in_all=len(site.reading.sessions),
        legend=tuple(STANDINGS.values()),
    )


def _headline(cases: Sequence[CurrentCase], unfinished: Sequence[Unfinished]) -> tuple[str, str, str]:
    """Return the tone, its symbol and the sentence that says in five seconds whether anything is wrong."""
    if not cases:
        return "empty", "○", "The history has no results yet."
    counts = tally(case.standing for case in cases)
    wrong = [(standing, number) for standing, number in counts if standing.attention]
    if wrong:
        said = text.listed([f"{number} {standing.label}" for standing, number in wrong])
        number = sum(number for _, number in wrong)
        return (
            wrong[0][0].key,
            wrong[0][0].symbol,
            f"{number} of {text.count(len(cases), 'case')} {'needs' if number == 1 else 'need'} attention: {said}.",
        )
    said = text.listed([f"{number} {standing.label}" for standing, number in counts])
    if unfinished:
        return "missing", STANDINGS["missing"].symbol, f"Nothing failed, but the last session did not finish: {said}."
    unjudged = sum(number for standing, number in counts if standing.key in ("insufficient", "unjudged"))
    if unjudged:
        return (
            "insufficient",
            STANDINGS["insufficient"].symbol,
            f"Nothing failed, but {unjudged} of {text.count(len(cases), 'case')} cannot be judged yet: {said}.",
        )
    return "pass", STANDINGS["pass"].symbol, f"Nothing needs attention: of {text.count(len(cases), 'case')}, {said}."
