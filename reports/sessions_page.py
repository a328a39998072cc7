"""The list of sessions, and the page of each: what it ran, how that ended, and what was said of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.commands.extent import Extent
from harness.history.records import stable_hash
from reports import text
from reports.data_files import CHANGES, LATEST, SESSIONS
from reports.linked import Linked, environment_link, index_link, session_link
from reports.links import SESSIONS as LIST
from reports.links import session_file
from reports.names import facts_of, session_views
from reports.pages import Fact
from reports.render import render
from reports.session_trials import TrialRow, WordRow, trial_rows, word_rows
from reports.site import SiteFile
from reports.standing import tally
from reports.unfinished import read_lacking, unfinished_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.history.rows import SessionRow
    from reports.detail_reading import Details
    from reports.pages import SessionView
    from reports.reading import TrialBrief
    from reports.site import Site
    from reports.standing import Standing
    from reports.unfinished import Lacking, UnfinishedSession

_MOST_SESSIONS = 2000


@dataclass(frozen=True)
class ListedSession:
    """One session, as a row of the list."""

    view: SessionView
    link: Linked
    environments: tuple[Linked, ...]


@dataclass(frozen=True)
class SessionsPage:
    """The list of sessions, the newest first; ``data`` are files that hold the data of the whole report."""

    title: str
    written: str
    index: Linked
    sentence: str
    rows: tuple[ListedSession, ...]
    data: tuple[Linked, ...]


@dataclass(frozen=True)
class SessionPage:
    """Everything about one session; ``words`` are what the gate said that is neither a pass nor too early to say.

    ``unfinished`` is there for one that did not come to its end.
    """

    title: str
    written: str
    index: Linked
    list: Linked
    view: SessionView
    unfinished: UnfinishedSession | None
    sentence: str
    environments: tuple[Linked, ...]
    earlier: Linked
    later: Linked
    totals: tuple[tuple[Standing, int], ...]
    words: tuple[WordRow, ...]
    trials: tuple[TrialRow, ...]
    trials_title: str
    facts: tuple[Fact, ...]


def session_files(site: Site, details: Details) -> Iterator[SiteFile]:
    """Yield a page for each session that the report shows trials of, and the list of all."""
    trials: dict[str, list[TrialBrief]] = defaultdict(list)
    for trial in site.reading.trials:
        trials[trial.session_id].append(trial)
    shown = [row for row in site.reading.sessions if row.record.id in trials]
    states = {row.record.id: _state(row, trials.get(row.record.id, ()), site) for row in site.reading.sessions}
    for place, row in enumerate(shown):
        beside = (shown[place - 1] if place else None, shown[place + 1] if place + 1 < len(shown) else None)
        own = trials[row.record.id]
        words = [word.id for word in details.notable.get(row.record.id, ())]
        neighbours = [each.record.id for each in beside if each]
        lacking = read_lacking(site, row)
        yield SiteFile(
            session_file(row.record.id),
            stable_hash([states[row.record.id], words, neighbours, lacking]),
            partial(_content, site, details, row, own, beside=beside, lacking=lacking),
        )
    yield SiteFile(
        LIST,
        stable_hash([*states.values(), site.reading.database]),
        lambda: _list_content(site, trials),
    )


def _state(row: SessionRow, trials: Sequence[TrialBrief], site: Site) -> str:
    return stable_hash([
        *(row.record.id, row.status, row.finished_at, row.outcomes, row.verdicts, site.title),
        [(trial.id, trial.quality, trial.failed, trial.regressed) for trial in trials],
        [(s.label, s.index) for s in (site.names.subjects[key] for key in {trial.subject for trial in trials})],
        sorted({site.names.environments[trial.environment].name for trial in trials}),
    ])  # fmt: skip


def _content(
    site: Site,
    details: Details,
    row: SessionRow,
    trials: Sequence[TrialBrief],
    *,
    beside: tuple[SessionRow | None, SessionRow | None],
    lacking: Lacking | None,
) -> str:
    record = row.record
    earlier, later = (session_link(site, each.record.id) if each else Linked("") for each in beside)
    (view,) = session_views([row], {record.id: trials}, site.names)
    rows = trial_rows(site, details, record.id, trials)
    totals = tuple(tally(each.standing for each in rows))
    page = SessionPage(
        title=site.title,
        written=site.written,
        index=index_link(site),
        list=Linked("Sessions", site.links.to(LIST)),
        view=view,
        unfinished=unfinished_session(site, row, lacking) if lacking else None,
        sentence=_sentence(view, rows, totals),
        environments=_environments(site, trials),
        earlier=earlier,
        later=later,
        totals=totals,
        words=word_rows(site, details.notable.get(record.id, ())),
        trials=rows,
        trials_title=f"{text.count(len(rows), 'trial')}, the worst first; confirmations are part of the verdict",
        facts=(
            Fact("status", text.plain(row.status, 40)),
            Fact("finished", text.moment(row.finished_at)),
            Fact("harness", text.plain(record.harness_version, 40)),
            Fact("commit", text.plain(record.commit or text.ABSENT, 60)),
            *(Fact(f"setting {fact.name}", fact.value) for fact in facts_of(record.settings)),
        ),
    )
    return render(page, "session.html.j2", site.navigation)


def _list_content(site: Site, trials: Mapping[str, Sequence[TrialBrief]]) -> str:
    newest = list(reversed(site.reading.sessions))[:_MOST_SESSIONS]
    everything = text.count(len(site.reading.sessions), "session")
    listed = f", of which the newest {_MOST_SESSIONS:,} are listed" if len(site.reading.sessions) > len(newest) else ""
    page = SessionsPage(
        title=site.title,
        written=site.written,
        index=index_link(site),
        sentence=f"{everything} in {text.plain(site.reading.database, 300)}{listed}.",
        rows=tuple(
            ListedSession(
                view=view,
                link=session_link(site, row.record.id),
                environments=_environments(site, trials.get(row.record.id, ())),
            )
            for row, view in zip(newest, session_views(newest, trials, site.names), strict=True)
        ),
        data=tuple(
            Linked(f"{words}, as {form.upper()}", site.links.to(f"{name}.{form}"))
            for name, words in (
                (LATEST, "newest run of each series"), (CHANGES, "lasting changes"), (SESSIONS, "sessions"),
            )
            for form in ("csv", "json")
        ),
    )  # fmt: skip
    return render(page, "sessions.html.j2", site.navigation)


def _environments(site: Site, trials: Sequence[TrialBrief]) -> tuple[Linked, ...]:
    return tuple(environment_link(site, key) for key in dict.fromkeys(trial.environment for trial in trials))


def _sentence(view: SessionView, rows: Sequence[TrialRow], totals: Sequence[tuple[Standing, int]]) -> str:
    extent = Extent(cases=view.cases, subjects=len(view.subjects), trials=len(rows))
    said = text.listed([f"{number} {standing.label}" for standing, number in totals])
    return f"{extent}: {said}." if rows else "It has no trials that are shown."
