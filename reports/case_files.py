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
from reports.renamed_page import renamed_file
from reports.render import render
from reports.site import SiteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.history.decisions import Decision
    from harness.history.rows import SeriesRow
    from reports.case_history import CaseKey
    from reports.site import Site


def case_files(site: Site) -> Iterator[SiteFile]:
    """Yield a page for each case on each machine, with all its series over the sessions that are shown."""
    extents = read_extents(site.history)
    for source in _sources(site, extents):
        yield SiteFile(case_file(*source.key), _state(source, site), partial(_content, source, site))
        if source.former:
            for key in extents:
                if key[0] in source.former and key[2] == source.case.environment:
                    yield renamed_file(site, key, source.key)


def _sources(site: Site, extents: Mapping[CaseKey, Extent]) -> Iterator[CaseSource]:
    decisions = site.history.queries.decisions()
    baselines = {baseline.id: baseline for baseline in site.history.queries.named_baselines()}
    series: dict[CaseKey, list[SeriesRow]] = defaultdict(list)
    for row in site.reading.series:
        series[row.case_id, row.case_version, row.environment_hash].append(row)
    runs = site.reading.runs
    ran: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trial in site.reading.trials:
        ran[trial.case_id, trial.environment].add(trial.session_id)
    for case in site.cases:
        key = (case.case_id, case.version, case.environment)
        former = site.reading.renamings.former(case.case_id, case.environment)
        names = (case.case_id, *former)
        extent = Extent.together([extents.get((name, *key[1:]), Extent()) for name in names])
        own = ran[case.case_id, case.environment]
        yield CaseSource(
            case=case,
            former=former,
            series=series[key],
            parts={part: row.id for row in series[key] for part in runs.parts(row.id)},
            sessions=[row for row in site.reading.sessions if row.record.id in own],
            extent=extent,
            decisions=[decision for decision in decisions if _concerns(decision, names)],
            baselines=[baselines[number] for number in extent.pins],
        )


def _content(source: CaseSource, site: Site) -> str:
    page = case_page(source, read_case(site.history, source), site)
    return render(page, "case.html.j2", site.navigation)


def _concerns(decision: Decision, names: Sequence[str]) -> bool:
    """Whether a decision may be about a case, given by all its names.

    Of those that withdraw others nobody knows before the others are met.
    """
    about = any(decision.is_about(name, decision.metric) or decision.is_about(name, "*") for name in names)
    return decision.action == "withdraw" or about or decision.new_name in names


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
        source.former,
        site.reading.renamings.told_of_awaited(case.case_id, case.environment),
        source.decisions,
        source.baselines,
    )
    return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()[:16]
