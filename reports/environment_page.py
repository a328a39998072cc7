"""The page of one machine: what it is, what changed on it and when, the cases that run there, and its sessions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.records import stable_hash
from harness.history.what_changed import facts_of_trials
from reports import text
from reports.current import sentence_of
from reports.linked import Linked, case_link, index_link, session_link
from reports.links import environment_file
from reports.names import facts_of, session_views
from reports.render import render
from reports.site import SiteFile
from reports.standing import severity, tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.current import CurrentCase
    from reports.detail_reading import Details
    from reports.pages import Fact, SessionView
    from reports.reading import TrialBrief
    from reports.site import Site
    from reports.standing import Standing

# What trials tell that is no fact of the machine, or changes with each engine.
_NOT_OF_A_MACHINE = frozenset({"runtime", "commit", "branch", "harness", "build options", "engine"})


@dataclass(frozen=True)
class FactChange:
    """A fact of the machine, or of the software on it, that is another one since a session."""

    since: str
    session: Linked
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class EnvironmentCase:
    """A case that ran there."""

    standing: Standing
    label: str
    case: Linked
    sentence: str


@dataclass(frozen=True)
class EnvironmentSession:
    """A session that ran there, counted over this machine alone."""

    view: SessionView
    link: Linked


@dataclass(frozen=True)
class EnvironmentPage:
    """Everything about one machine."""

    title: str
    written: str
    index: Linked
    name: str
    hash: str
    totals: tuple[tuple[Standing, int], ...]
    identity: tuple[Fact, ...]
    facts: tuple[Fact, ...]
    changes: tuple[FactChange, ...]
    cases: tuple[EnvironmentCase, ...]
    sessions: tuple[EnvironmentSession, ...]


def environment_files(site: Site, details: Details) -> Iterator[SiteFile]:  # noqa: ARG001 - as its siblings are called
    """Yield a page for each machine that the report shows trials of."""
    trials: dict[str, list[TrialBrief]] = defaultdict(list)
    for trial in site.reading.trials:
        trials[trial.environment].append(trial)
    sessions = {row.record.id: (row.status, row.finished_at) for row in site.reading.sessions}
    for environment, own in trials.items():
        cases = [case for case in site.cases if case.environment == environment]
        state = stable_hash(
            [
                *(environment, site.title, site.names.environments[environment].name),
                [(trial.id, trial.quality, trial.failed, trial.regressed) for trial in own],
                [(key, sessions[key]) for key in dict.fromkeys(trial.session_id for trial in own)],
                [(case.case_id, case.version, case.standing.key, case.label) for case in cases],
                sorted(
                    (site.names.subjects[key].label, site.names.subjects[key].index)
                    for key in {trial.subject for trial in own}
                ),
            ]
        )
        yield SiteFile(
            environment_file(environment),
            state,
            lambda key=environment, own=own, cases=cases: _content(site, key, own, cases),  # type: ignore[misc]
        )  # fmt: skip


def changes_of_facts(
    runs: Sequence[tuple[str, Mapping[str, frozenset[str]]]],
) -> list[tuple[str, str, frozenset[str], frozenset[str]]]:
    """Return which facts changed from one session that knows them to the next one: (session, name, before, after).

    Args:
        runs: by session, oldest first, each fact's values; several where a session had several subjects.
    """
    last: dict[str, frozenset[str]] = {}
    changes = []
    for session, facts in runs:
        for name, values in facts.items():
            if name in last and last[name] != values:
                changes.append((session, name, last[name], values))
            last[name] = values
    return changes


def _content(site: Site, environment: str, trials: Sequence[TrialBrief], cases: Sequence[CurrentCase]) -> str:
    record = site.reading.environments[environment]
    by_session: dict[str, list[TrialBrief]] = defaultdict(list)
    for trial in trials:
        by_session[trial.session_id].append(trial)
    sessions = [row for row in reversed(site.reading.sessions) if row.record.id in by_session]
    page = EnvironmentPage(
        title=site.title,
        written=site.written,
        index=index_link(site),
        name=site.names.environments[environment].name,
        hash=text.plain(environment, 64),
        totals=tuple(tally(case.standing for case in cases)),
        identity=facts_of(record.identity),
        facts=facts_of(record.facts),
        changes=_changes(site, trials),
        cases=tuple(
            EnvironmentCase(case.standing, case.label, case_link(site, case), text.plain(sentence_of(case), 400))
            for case in sorted(cases, key=lambda case: severity(case.standing))
        ),
        sessions=tuple(
            EnvironmentSession(view, session_link(site, row.record.id))
            for row, view in zip(sessions, session_views(sessions, by_session, site.names), strict=True)
        ),
    )  # fmt: skip
    return render(page, "environment.html.j2", site.navigation)


def _changes(site: Site, trials: Sequence[TrialBrief]) -> tuple[FactChange, ...]:
    """Return what changed on the machine, the newest first, as the first trials of its sessions tell it."""
    first: dict[tuple[str, str], TrialBrief] = {}
    for trial in trials:
        first.setdefault((trial.session_id, trial.subject), trial)
    with site.history.queries.snapshot() as connection:
        told = facts_of_trials(connection, [trial.id for trial in first.values()])
    known: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (session, subject), trial in first.items():
        record = site.reading.subjects[subject]
        known[session][record.runtime].add(record.version)
        for name, value in told[trial.id].items():
            if name not in _NOT_OF_A_MACHINE and value:
                known[session][name].add(value)
    rows = {row.record.id: row for row in site.reading.sessions}
    runs = [(key, {name: frozenset(values) for name, values in known[key].items()}) for key in rows if key in known]
    return tuple(
        FactChange(
            since=text.moment(rows[session].record.started_at),
            session=session_link(site, session),
            name=text.plain(name, 60),
            before=text.plain(", ".join(sorted(before)), 200),
            after=text.plain(", ".join(sorted(after)), 200),
        )
        for session, name, before, after in reversed(changes_of_facts(runs))
    )
