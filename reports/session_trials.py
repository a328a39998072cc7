"""What a session ran, trial by trial, and what the gate had to say of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from harness.history.tables import Finding, Subject, Trial, Verdict
from reports import text
from reports.current import metric_of
from reports.linked import Linked, case_link, engine_link, environment_link
from reports.links import layers_file, verdict_file
from reports.standing import STANDINGS, judge_trial, severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.current import CurrentCase
    from reports.detail_reading import Details, NotableVerdict
    from reports.pages import SubjectView
    from reports.reading import TrialBrief
    from reports.site import Site
    from reports.standing import Standing

_LONGEST_MESSAGE = 600


@dataclass(frozen=True)
class TrialRow:
    """One trial of a session: how it stands, and what was said of it."""

    standing: Standing
    case: Linked
    environment: Linked
    subject: SubjectView
    said: str
    quality: str
    engine: Linked
    layers: Linked


@dataclass(frozen=True)
class WordRow:
    """A word of the gate on one series; ``case`` leads to the page of the verdict, or of the case if there is none."""

    standing: Standing
    case: Linked
    series: str
    subject: SubjectView
    value: str
    baseline: str
    change: str
    interval: str
    reason: str


def trial_rows(site: Site, details: Details, session: str, trials: Sequence[TrialBrief]) -> tuple[TrialRow, ...]:
    """Return the first trials of a session, the worst first, in two statements."""
    current = {(case.case_id, case.environment): case for case in site.cases}
    said, statuses = _read(site, session)
    rows = []
    for trial in trials:
        outcomes = {"any": "failed"} if trial.failed else {}
        outcomes |= {"regression": "failed"} if trial.regressed else {}
        key = (trial.case_id, trial.environment, trial.subject)
        build = details.build_of.get(trial.id, "")
        rows.append(
            TrialRow(
                standing=judge_trial(trial.outcome, outcomes, statuses.get(key, ())),
                case=_case(site, current.get((trial.case_id, trial.environment)), trial.case_id),
                environment=environment_link(site, trial.environment),
                subject=site.names.subjects[trial.subject],
                said=text.plain(said.get(trial.id, ""), _LONGEST_MESSAGE),
                quality=text.plain(trial.quality, 20),
                engine=engine_link(site, build),
                layers=_layers(site, details, current, trial),
            )
        )
    return tuple(sorted(rows, key=lambda row: severity(row.standing)))


def word_rows(site: Site, words: Iterable[NotableVerdict]) -> tuple[WordRow, ...]:
    """Return the notable words on series, the gravest first and then the largest change."""
    current = {(case.case_id, case.environment): case for case in site.cases}
    ordered = sorted(words, key=lambda word: (severity(STANDINGS[word.status]), -abs(word.effect or 0.0)))
    rows = []
    for word in ordered:
        row = site.reading.joined[word.series_id]
        metric = metric_of(row.metric)
        ends = [text.change(end, word.scale, metric.unit) for end in (word.low, word.high) if end is not None]
        page = site.links.to(verdict_file(word.trial_id, row.case_id, row.metric, row.point))
        case = _case(site, current.get((row.case_id, row.environment_hash)), row.case_id)
        rows.append(
            WordRow(
                standing=STANDINGS[word.status],
                case=Linked(case.text, page or case.href),
                series=text.plain(metric.title, 80) + (f" at {text.point(row.point)}" if row.point else ""),
                subject=site.names.subjects[word.subject],
                value=text.quantity(word.value, metric.unit),
                baseline=text.quantity(word.baseline, metric.unit),
                change=text.ABSENT if word.effect is None else text.change(word.effect, word.scale, metric.unit),
                interval=" … ".join(ends) if len(ends) == 2 else text.ABSENT,
                reason=text.sentence(word.reason),
            )
        )
    return tuple(rows)


def _case(site: Site, case: CurrentCase | None, name: str) -> Linked:
    return case_link(site, case) if case else Linked(text.plain(name, 160))


def _layers(site: Site, details: Details, current: Mapping[tuple[str, str], CurrentCase], trial: TrialBrief) -> Linked:
    """Return a link to the layers of a trial, which only the newest one of a case has."""
    case = current.get((trial.case_id, trial.environment))
    if case is None or trial.id not in details.layered:
        return Linked("")
    name = layers_file(case.case_id, case.version, case.environment, trial.subject)
    return Linked("layers", site.links.to(name))


def _read(site: Site, session: str) -> tuple[Mapping[int, str], Mapping[tuple[str, str, str], list[str]]]:
    """Return what each trial's failed stages said, and the last words on its gated series by what identifies it."""
    series = {key: row for key, row in site.reading.joined.items() if metric_of(row.metric).gated}
    messages = (
        select(Trial.id, Finding.stage, func.substr(Finding.message, 1, _LONGEST_MESSAGE))
        .join(Finding, Finding.trial_id == Trial.id)
        .where(Trial.session_id == session, Trial.ordinal == 0, Finding.outcome == "failed")
        .order_by(Finding.id)
    )
    words = (
        select(Verdict.series_id, Subject.subject_hash, Verdict.status)
        .join(Trial, Trial.id == Verdict.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.session_id == session)
        .order_by(Verdict.id)
    )
    said: dict[int, str] = {}
    statuses: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    with site.history.queries.snapshot() as connection:
        for trial, stage, message in connection.execute(messages):
            said.setdefault(trial, f"{stage}: {message}" if message else str(stage))
        last = {(series_id, subject): status for series_id, subject, status in connection.execute(words)}
    for (series_id, subject), status in last.items():
        if series_id in series:
            row = series[series_id]
            statuses[row.case_id, row.environment_hash, subject].append(status)
    return said, statuses
