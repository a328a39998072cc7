"""The page of one verdict: the sentence, the evidence, the likely cause, and what to do about it.

It stands for itself, so that it can be sent as one file.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.history.decisions import in_force, last_day
from reports import text
from reports.current import metric_of
from reports.links import (
    INDEX,
    case_file,
    engine_file,
    environment_file,
    layers_file,
    session_file,
    verdict_file,
)
from reports.render import render
from reports.site import SiteFile
from reports.standing import STANDINGS, Standing
from reports.verdict_parts import ConditionView, LayerView, conditions_part, layer_view, runs_part, samples_part
from reports.verdict_reading import Told, baseline_of, evidence_of
from reports.verdict_words import cause_sentence, commands_of, layers_of, numbers_of, sentence_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

    from harness.history.decisions import Decision
    from harness.history.rows import SessionRow
    from reports.pages import Fact, SubjectView
    from reports.reading import Run
    from reports.site import Site

_MOST_LAYERS = 60


@dataclass(frozen=True)
class OtherView:
    """Another verdict of the same trial."""

    standing: Standing
    title: str
    href: str
    change: str
    interval: str


@dataclass(frozen=True)
class VerdictPage:
    """The page."""

    title: str
    written: str
    standing: Standing
    case_id: str
    series: str
    environment: str
    subject: SubjectView
    session: str
    started: str
    commit: str
    sentence: str
    reason: str
    numbers: tuple[Fact, ...]
    runs: Markup
    runs_sentence: str
    samples: Markup
    samples_sentence: str
    cause: str
    layers: tuple[LayerView, ...]
    layers_left_out: int
    good_session: str
    differences: tuple[str, ...]
    others: tuple[OtherView, ...]
    conditions: tuple[ConditionView, ...]
    commands: tuple[Fact, ...]
    decisions: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def verdict_files(site: Site) -> Iterator[SiteFile]:
    """Yield a page for each of the newest verdicts that somebody may want to look into."""
    told = site.told
    if not told:
        return
    decisions = in_force(site.history.queries.decisions())
    of_trial: dict[int, list[Told]] = defaultdict(list)
    for each in told:
        of_trial[each.trial_id].append(each)
    of_case: dict[tuple[str, str], list[int]] = defaultdict(list)
    for trial in site.reading.trials:
        of_case[trial.case_id, trial.environment].append(trial.id)
    for each in told:
        siblings = [other for other in of_trial[each.trial_id] if other is not each]
        own = [decision for decision in decisions if decision.is_about(each.series.case_id, each.series.metric)]
        yield SiteFile(
            name_of(each),
            _state(each, siblings, _before(each, of_case), own, site),
            lambda each=each, siblings=siblings, own=own: render(  # type: ignore[misc]
                verdict_page(each, siblings, baseline_of(each, site.reading), own, site),
                "verdict.html.j2",
                site.navigation,
            ),
        )


def _before(told: Told, of_case: Mapping[tuple[str, str], Sequence[int]]) -> Sequence[int]:
    """Return the trials of the same case before a verdict's, of those that the report shows."""
    own = of_case.get((told.series.case_id, told.series.environment_hash), ())
    return [trial for trial in own if trial < told.trial_id]


def name_of(told: Told) -> str:
    """Return the file of a verdict."""
    return verdict_file(told.trial_id, told.series.case_id, told.series.metric, told.series.point)


def verdict_page(
    told: Told, siblings: Sequence[Told], baseline: Sequence[Run], decisions: Sequence[Decision], site: Site
) -> VerdictPage:
    """Return the page of a verdict.

    Args:
        told: the verdict.
        siblings: the others of the same trial that have a page.
        baseline: the runs that it was held against.
        decisions: those in force that are about its series.
        site: the report.
    """
    evidence = evidence_of(told, baseline, site.history.queries, site.reading)
    session = next(row for row in site.reading.sessions if row.record.id == told.session_id)
    runs, runs_sentence = runs_part(told, evidence)
    samples, samples_sentence = samples_part(told, evidence)
    layers = layers_of(told.details)
    return VerdictPage(
        title=site.title,
        written=site.written,
        standing=STANDINGS[told.verdict.status],
        case_id=text.plain(told.series.case_id, 160),
        series=_series_title(told),
        environment=site.names.environments[told.series.environment_hash].name,
        subject=site.names.subjects[told.subject],
        session=text.plain(told.session_id, 40),
        started=text.moment(session.record.started_at),
        commit=_commit(session),
        sentence=sentence_of(told),
        reason=text.sentence(told.verdict.reason, 1500),
        numbers=numbers_of(told),
        runs=runs,
        runs_sentence=runs_sentence,
        samples=samples,
        samples_sentence=samples_sentence,
        cause=cause_sentence(told) if told.cause else "",
        layers=tuple(layer_view(layer) for layer in layers[:_MOST_LAYERS]),
        layers_left_out=max(len(layers) - _MOST_LAYERS, 0),
        good_session=text.plain(evidence.good_session, 40),
        differences=tuple(text.plain(str(difference), 300) for difference in evidence.differences),
        others=tuple(_other(other, site) for other in siblings),
        conditions=conditions_part(evidence.conditions),
        commands=commands_of(told, session),
        decisions=tuple(_decision(decision) for decision in decisions),
        links=tuple((site.links.to(name), title) for name, title in _related(told, site) if site.links.to(name)),
    )


def _state(
    told: Told, siblings: Sequence[Told], before: Sequence[int], decisions: Sequence[Decision], site: Site
) -> str:
    """Digest what the page is made from; ids of trials stand for the runs before it, since none is ever changed."""
    subject = site.names.subjects[told.subject]
    parts = repr(
        (
            site.title,
            _identified(told),
            [_identified(other) for other in siblings],
            before,
            [asdict(decision) for decision in decisions],
            (subject.index, subject.label, site.names.environments[told.series.environment_hash].name),
        )
    )
    return hashlib.sha256(parts.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _identified(told: Told) -> tuple[Any, ...]:
    return told.trial_id, told.series.id, told.verdict, told.cause, told.engine


def _related(told: Told, site: Site) -> list[tuple[str, str]]:
    """Return the files that lead on, with what they show; the report may lack some."""
    series = told.series
    where = (series.case_id, series.case_version, series.environment_hash)
    pages = [
        (case_file(*where), "the case over time"),
        (site.models.get(series.model, ""), "the model"),
        (layers_file(*where, told.subject), "its layers"),
        (session_file(told.session_id), "the session"),
        (engine_file(told.engine) if told.engine else "", "the engine"),
        (environment_file(series.environment_hash), "the machine"),
        (INDEX, "all cases"),
    ]
    return [(name, title) for name, title in pages if name]


def _series_title(told: Told) -> str:
    point = f" at {text.point(told.series.point)}" if told.series.point else ""
    return f"{text.plain(metric_of(told.series.metric).title, 80)}{point}"


def _commit(session: SessionRow) -> str:
    record = session.record
    if not record.commit:
        return ""
    changed = " with local changes" if record.dirty else ""
    return f"{text.plain(record.commit, 10).partition('…')[0]}{changed}"


def _other(other: Told, site: Site) -> OtherView:
    verdict, unit = other.verdict, metric_of(other.series.metric).unit
    ends = (verdict.low, verdict.high)
    return OtherView(
        standing=STANDINGS[verdict.status],
        title=_series_title(other),
        href=site.links.to(name_of(other)),
        change=text.ABSENT if verdict.effect is None else text.change(verdict.effect, verdict.scale, unit),
        interval=text.ABSENT
        if None in ends
        else " … ".join(text.change(end, verdict.scale, unit) for end in ends if end is not None),
    )


def _decision(decision: Decision) -> str:
    words = {"ack": "Acknowledged", "quarantine": "In quarantine", "drop": "Dropped", "alias": "Renamed"}
    until = f" up to {last_day(decision.until)}" if decision.until else ""
    session = decision.parameters.get("session")
    where = f" in session {session}" if decision.action == "ack" and session else ""
    return text.plain(f"{words.get(decision.action, decision.action)}{where}{until}: {decision.describe()}", 400)
