"""What the pages that go into detail need beside a report's reading: a few statements for all of them together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from harness.history.reading import IDS_AT_ONCE
from harness.history.tables import Case, Engine, EngineLayer, Environment, Graph, Subject, TensorError, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from harness.history.rows import MatrixCell
    from reports.current import CurrentCase
    from reports.site import Site

# The words on a series that somebody may want to read about.
NOTABLE = ("regressed", "improved", "inconclusive", "missing", "quarantined")
# How many subjects of a case are gone into beside those of its last session: the newest.
_SUBJECTS = 3
# Beside the engines of the newest trials: so many of those that a verdict or a change speaks of, the newest first.
_MORE_ENGINES = 50


@dataclass(frozen=True, slots=True)
class NotableVerdict:
    """The last word of a session on a series, where it is one of ``NOTABLE``; fields as in ``tables.Verdict``."""

    id: int
    series_id: int
    trial_id: int
    session_id: str
    subject: str
    status: str
    scale: str
    value: float | None
    baseline: float | None
    effect: float | None
    low: float | None
    high: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class EngineUse:
    """A trial that ran an engine; environment and subject by their hashes."""

    trial_id: int
    session_id: str
    started_at: datetime
    case_id: str
    case_version: int
    environment: str
    subject: str
    outcome: str
    quality: str


@dataclass(frozen=True)
class Details:
    """What was read.

    Attributes:
        builds: who ran every engine that has a page, oldest first, by the hash of its build.
        build_of: that hash by trial, for those trials.
        layered: the newest trials that have layers to show: errors of them, or those of their engine.
        listed: those of them whose engine's layers are known.
        graph_of: the hash of the graph by trial, for those of the newest trials whose graph was remembered.
        notable: the notable words on series, by session.
    """

    builds: Mapping[str, tuple[EngineUse, ...]]
    build_of: Mapping[int, str]
    layered: frozenset[int]
    listed: frozenset[int]
    graph_of: Mapping[int, str]
    notable: Mapping[str, Sequence[NotableVerdict]]


def read_details(site: Site) -> Details:
    """Read what the detailed pages share.

    Raises:
        HistoryError: the history cannot be read.
    """
    newest = [cell.trial_id for case in site.cases for cell in newest_cells(site, case)]
    shown = {trial.session_id for trial in site.reading.trials}
    with site.history.queries.snapshot() as connection:
        notable = _notable(connection, shown)
        named = [each.trial_id for words in notable.values() for each in words]
        for changes in site.reading.changes.values():
            named += [trial for change in changes for trial in (change.trial_id, change.previous_trial_id)]
        builds = _builds(connection, newest, sorted(set(named) - set(newest), reverse=True))
        with_errors, listed = _layered(
            connection, [cell.trial_id for own in site.reading.cells.values() for cell in own]
        )
        graphs = select(Trial.id, Graph.graph_hash).join(Graph, Graph.id == Trial.graph_id)
        remembered: Iterable[Any] = connection.execute(graphs.where(Trial.id.in_(newest[:IDS_AT_ONCE])))
        graph_of = {trial: graph for trial, graph in remembered}  # noqa: C416 - rows are no pairs to mypy
    return Details(
        builds=builds,
        build_of={use.trial_id: build for build, uses in builds.items() for use in uses},
        layered=with_errors | listed,
        listed=listed,
        graph_of=graph_of,
        notable=notable,
    )


def newest_cells(site: Site, case: CurrentCase) -> list[MatrixCell]:
    """Return the newest trials of a case under its newest subjects, those of its last session among them."""
    cells = {cell.trial_id: cell for cell in site.reading.cells[case.case_id, case.environment][-_SUBJECTS:]}
    return list((cells | {cell.trial_id: cell for cell in case.cells}).values())


def _notable(connection: Connection, shown: Collection[str]) -> dict[str, list[NotableVerdict]]:
    columns = (
        *(Verdict.id, Verdict.series_id, Verdict.trial_id, Trial.session_id, Subject.subject_hash, Verdict.status),
        *(Verdict.scale, Verdict.value, Verdict.baseline, Verdict.effect, Verdict.low, Verdict.high, Verdict.reason),
    )
    found = (
        select(*columns)
        .join(Trial, Trial.id == Verdict.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Verdict.status.in_(NOTABLE))
        .order_by(Verdict.id)
    )
    # A word is the last one unless a later trial of its session has another; only confirmations are such.
    confirmed = (
        select(Verdict.id, Verdict.series_id, Trial.session_id, Subject.subject_hash)
        .join(Trial, Trial.id == Verdict.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.ordinal > 0)
    )
    last: dict[tuple[int, str, str], int] = {}
    words: Iterable[Any] = connection.execute(confirmed.order_by(Verdict.id))
    for identifier, *key in words:
        last[key[0], key[1], key[2]] = identifier
    kept: dict[tuple[int, str, str], NotableVerdict] = {}
    rows: Iterable[Any] = connection.execute(found)
    for row in rows:
        word = NotableVerdict(*row)
        own = (word.series_id, word.session_id, word.subject)
        if word.session_id in shown and last.get(own, 0) <= word.id:
            kept[own] = word
    by_session: dict[str, list[NotableVerdict]] = defaultdict(list)
    for word in kept.values():
        by_session[word.session_id].append(word)
    return dict(by_session)


def _builds(connection: Connection, newest: Sequence[int], others: Sequence[int]) -> dict[str, tuple[EngineUse, ...]]:
    engines: dict[int, str] = {}
    for wanted, most in ((newest, None), (others, _MORE_ENGINES)):
        query = select(Trial.engine_id, Engine.build_hash).join(Engine, Engine.id == Trial.engine_id)
        query = query.where(Trial.id.in_(wanted[:IDS_AT_ONCE])).order_by(Trial.id.desc()).limit(most)
        for identifier, build in connection.execute(query):
            engines[int(identifier or 0)] = build
    columns = (
        *(Trial.id, Trial.session_id, Trial.started_at, Case.name, Case.version),
        *(Environment.identity_hash, Subject.subject_hash, Trial.outcome, Trial.quality),
    )
    uses = (
        select(Trial.engine_id, *columns)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.engine_id.in_(engines))
        .order_by(Trial.id)
    )
    found: dict[str, list[EngineUse]] = {build: [] for build in engines.values()}
    rows: Iterable[Any] = connection.execute(uses)
    for identifier, *values in rows:
        found[engines[identifier]].append(EngineUse(*values))
    return {build: tuple(own) for build, own in found.items()}


def _layered(connection: Connection, newest: Sequence[int]) -> tuple[frozenset[int], frozenset[int]]:
    """Return the trials that have errors of layers, and those whose engine's layers are known."""
    of_newest = select(Trial.id).where(Trial.id.in_(newest[:IDS_AT_ONCE]))
    errors = exists().where(TensorError.trial_id == Trial.id, TensorError.scope == "layers")
    listed = exists().where(EngineLayer.engine_id == Trial.engine_id)
    return frozenset(connection.scalars(of_newest.where(errors))), frozenset(
        connection.scalars(of_newest.where(listed))
    )
