"""The page of one engine: what it is, what it computes in, its layers, what its build said, and who ran it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.records import stable_hash
from reports import text
from reports.build_log import BuildLog, read_log
from reports.detail_reading import newest_cells
from reports.engine_layers import EngineLayerTable, layer_table, slowest_table
from reports.engine_view import EngineRoom, engine_view
from reports.linked import Linked, environment_link, index_link, session_link
from reports.links import case_file, engine_file, layers_file
from reports.render import render
from reports.site import SiteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.history.records import TrialRecord
    from reports.detail_reading import Details, EngineUse
    from reports.pages import EngineView, SubjectView
    from reports.site import Site

_MOST_TRIALS = 100
# How many layers are listed of an engine whose layers have a page of their own.
_SLOWEST = 20


@dataclass(frozen=True)
class EngineTrialRow:
    """A trial that ran the engine."""

    started: str
    session: Linked
    case: Linked
    environment: Linked
    subject: SubjectView
    outcome: str
    quality: str


@dataclass(frozen=True)
class EnginePage:
    """Everything about one engine; ``layers_page`` shows all of its layers, with their errors, where it has a page."""

    title: str
    written: str
    index: Linked
    name: str
    case: Linked
    environment: Linked
    subject: SubjectView
    layers_page: Linked
    engine: EngineView
    layers: EngineLayerTable
    log: BuildLog
    trials: tuple[EngineTrialRow, ...]
    trials_title: str


def engine_files(site: Site, details: Details) -> Iterator[SiteFile]:
    """Yield a page for each engine of the newest trials, and of trials that a verdict or a change speaks of."""
    pages = _pages_of_layers(site, details)
    for build, uses in details.builds.items():
        shown = uses[-_MOST_TRIALS:]
        own = {use.subject: site.names.subjects[use.subject] for use in shown}
        yield SiteFile(
            engine_file(build),
            # What is added to an engine later, as the times of its layers, comes with another trial of it.
            stable_hash([
                *(build, site.title, len(uses), [use.trial_id for use in shown]),
                [(subject.label, subject.index) for subject in own.values()],
                sorted({site.names.environments[use.environment].name for use in shown}),
                pages.get(build),
            ]),
            lambda build=build, uses=uses: _content(site, build, uses, pages.get(build, "")),  # type: ignore[misc]
        )  # fmt: skip


def _pages_of_layers(site: Site, details: Details) -> dict[str, str]:
    """Return the file of the page that has an engine's layers, by its build; of most engines there is none."""
    return {
        details.build_of[cell.trial_id]: layers_file(case.case_id, case.version, case.environment, cell.subject_hash)
        for case in site.cases
        for cell in newest_cells(site, case)
        if cell.trial_id in details.listed and cell.trial_id in details.build_of
    }


def _content(site: Site, build: str, uses: Sequence[EngineUse], page_of_layers: str) -> str:
    record = _record(site, uses[-1].trial_id)
    engine = record.engine
    assert engine is not None, "a build is found through the trials that have it"
    rows = [_trial_row(site, use) for use in reversed(uses[-_MOST_TRIALS:])]
    everything = text.count(len(uses), "trial")
    layers_page = site.links.to(page_of_layers) if page_of_layers else ""
    page = EnginePage(
        title=site.title,
        written=site.written,
        index=index_link(site),
        name=text.plain(build[:10], 10),
        case=rows[0].case,
        environment=environment_link(site, record.environment.hash),
        subject=site.names.subjects[record.subject.hash],
        layers_page=Linked("all of its layers, with their errors", layers_page),
        engine=engine_view(engine, record.conditions, EngineRoom(0, 1)),
        layers=slowest_table(engine.layer_list, _SLOWEST)
        if layers_page and len(engine.layer_list) > _SLOWEST
        else layer_table(engine.layer_list, record.tensor_errors),
        log=read_log(engine.log),
        trials=tuple(rows),
        trials_title=f"The {_MOST_TRIALS} newest of {everything} that ran it"
        if len(uses) > _MOST_TRIALS
        else f"{everything} ran it",
    )
    return render(page, "engine.html.j2", site.navigation)


def _record(site: Site, trial: int) -> TrialRecord:
    known = site.reading.details.get(trial)
    return known if known is not None else site.history.queries.trial(trial).record


def _trial_row(site: Site, use: EngineUse) -> EngineTrialRow:
    name = site.reading.renamings.name(use.case_id, use.environment)
    page = site.links.to(case_file(name, use.case_version, use.environment))
    return EngineTrialRow(
        started=text.moment(use.started_at),
        session=session_link(site, use.session_id),
        case=Linked(text.plain(use.case_id, 160), page),
        environment=environment_link(site, use.environment),
        subject=site.names.subjects[use.subject],
        outcome=text.plain(use.outcome.replace("_", " "), 20),
        quality=text.plain(use.quality, 20),
    )
