"""The pages of cases over time, as files of a report."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from reports.case_history import CaseSource, Extent, read_case, read_extents
from reports.case_page import case_page
from reports.current import sentence_of
from reports.links import case_file
from reports.render import render
from reports.site import SiteFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.history.decisions import Decision
    from harness.history.rows import SeriesRow
    from reports.case_history import CaseKey
    from reports.current import CurrentCase
    from reports.site import Site


def case_files(site: Site) -> Iterator[SiteFile]:
    """Yield a page for each case on each machine, with all its series over the sessions that are shown."""
    for source in _sources(site):
        yield SiteFile(case_file(*source.key), _state(source, site), partial(_content, source, site))


def _sources(site: Site) -> Iterator[CaseSource]:
    extents = read_extents(site.history)
    decisions = site.history.queries.decisions()
    baselines = {baseline.id: baseline for baseline in site.history.queries.named_baselines()}
    series: dict[CaseKey, list[SeriesRow]] = defaultdict(list)
    for row in site.reading.series:
        series[row.case_id, row.case_version, row.environment_hash].append(row)
    ran: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trial in site.reading.trials:
        ran[trial.case_id, trial.environment].add(trial.session_id)
    for case in site.cases:
        key = (case.case_id, case.version, case.environment)
        extent = extents.get(key, Extent())
        own = ran[case.case_id, case.environment]
        yield CaseSource(
            case=case,
            series=series[key],
            sessions=[row for row in site.reading.sessions if row.record.id in own],
            extent=extent,
            decisions=[decision for decision in decisions if _concerns(decision, case)],
            baselines=[baselines[number] for number in extent.pins],
        )


def _content(source: CaseSource, site: Site) -> str:
    page = case_page(source, read_case(site.history, source), site)
    return render(page, "case.html.j2", site.navigation)


def _concerns(decision: Decision, case: CurrentCase) -> bool:
    """Whether a decision may be about a case; of those that withdraw others nobody knows before the others are met."""
    about = decision.is_about(case.case_id, decision.metric) or decision.is_about(case.case_id, "*")
    return decision.action == "withdraw" or about or decision.new_name == case.case_id


def _state(source: CaseSource, site: Site) -> str:
    """Digest what the page is made from; the number of trials stands for them, since none is ever changed."""
    case, extent = source.case, source.extent
    parts = (
        site.title,
        (case.standing.key, case.label, sentence_of(case)),
        site.names.environments[case.environment],
        [(view.index, view.label) for view in site.names.subjects.values()],
        (extent.newest, extent.trials),
        [(row.record.id, row.record.started_at, row.record.commit) for row in source.sessions],
        [site.reading.changes.get(row.id, ()) for row in source.series],
        source.decisions,
        source.baselines,
    )
    return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()[:16]
