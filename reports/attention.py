"""What needs attention, by cause: where one thing went wrong in thirty cases there is one entry with thirty under it.

Nobody told the report what a cause is. Cases are taken as one where they stand alike on one machine and

- did not run in the same session, or
- fail with the same words, apart from numbers and names of their own, or
- moved in the same kind of metric since the same change, with engines that differ in the same way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from reports import text
from reports.changes import label_of
from reports.current import LATENCIES, furthest_moved, metric_of, sentence_of
from reports.overview import machine_key
from reports.standing import severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.rows import ChangeRow
    from harness.verdicts.gate import Verdict
    from reports.current import CurrentCase
    from reports.overview import Overview
    from reports.standing import Standing

_SPEED = (*LATENCIES, "throughput")
_CAUSES = {
    "same engine": "by the very engines of their baselines",
    "rebuilt, same tactics": "with engines rebuilt of the same tactics",
    "other tactics": "with engines of other tactics",
}
_NAMED_MODELS = 3
# Words on a series that lies elsewhere than its baseline.
_OUTSIDE = ("regressed", "inconclusive")
_Key = tuple[str, ...]


@dataclass(frozen=True)
class AttentionCase:
    """One case of an entry; the last three are what filters look at."""

    name: str
    href: str
    sentence: str
    model: str
    precision: str
    profile: str


@dataclass(frozen=True)
class Attention:
    """Something that somebody should look at: ``sentence`` says what its cases have in common."""

    standing: Standing
    environment: str
    machine: str
    models: str
    sentence: str
    cases: tuple[AttentionCase, ...]


def attention_of(overview: Overview) -> tuple[Attention, ...]:
    """Return what needs attention: the worst first, and of what is as bad, what concerns most cases."""
    wrong = [case for case in overview.site.cases if case.standing.attention]
    causes = _causes(overview, wrong)
    grouped: dict[_Key, list[CurrentCase]] = defaultdict(list)
    for case in wrong:
        grouped[_key(case, overview, causes)].append(case)
    in_order = sorted(grouped.items(), key=lambda item: (severity(item[1][0].standing), -len(item[1])))
    return tuple(_attention(key, cases, overview) for key, cases in in_order)


def _causes(overview: Overview, cases: Iterable[CurrentCase]) -> Mapping[tuple[int, str, str], str]:
    """Return what the gate said a regression goes with: by (trial that was judged, metric, point)."""
    sessions = {case.session.record.id for case in cases if case.standing.key == "regressed"}
    return {
        (verdict.trial_id, verdict.series.metric, verdict.series.point): verdict.cause
        for session in sorted(sessions)
        for verdict in overview.site.history.queries.session_verdicts(session)
    }


def _key(case: CurrentCase, overview: Overview, causes: Mapping[tuple[int, str, str], str]) -> _Key:
    """Return what cases of one cause have in common; the third item says how to speak of them."""
    alike = (case.standing.key, case.environment)
    if case.missing_from:
        return *alike, "missing", case.missing_from.record.id
    moved = furthest_moved(case)
    if moved is None:
        return *alike, "failed", _without_names(sentence_of(case), case)
    (metric, point), verdict = moved
    kind = "speed" if metric in _SPEED else metric
    since = _since(overview.series_of(case, metric, point), verdict, overview)
    cause = causes.get((case.newest.trial_id, metric, point), "") if case.standing.key == "regressed" else ""
    return *alike, "moved", kind, since, cause, case.session.record.id


def _since(series: int | None, verdict: Verdict, overview: Overview) -> str:
    """Say since what a series lies elsewhere: the change of its level, or, before that shows, the other software."""
    if series is None or verdict.status not in _OUTSIDE:
        return ""
    changes = overview.site.reading.changes.get(series, ())
    newest = next((change for change in changes if not change.acknowledged and _explains(change, verdict)), None)
    if newest is not None and newest.differences:
        versions = [each for each in newest.differences if each.name == "runtime" and each.before and each.after]
        # In the words of below, so that cases of one cause are one entry whether or not the level of each was found.
        return f"{versions[0].after} instead of {versions[0].before}" if versions else label_of(newest)
    runs = overview.runs.get(series, ())
    good = [place for place, run in enumerate(runs) if run.status not in _OUTSIDE]
    if not good or good[-1] + 1 == len(runs):
        return ""
    before, then = (overview.site.names.subjects[runs[place].subject].label for place in (good[-1], good[-1] + 1))
    return "" if before == then else f"{then} instead of {before}"


def _explains(change: ChangeRow, verdict: Verdict) -> bool:
    """Tell whether a verdict may be of a change of level: it went the same way, from about where the baseline is."""
    if verdict.effect is None or verdict.baseline is None:
        return True
    passed = abs(verdict.baseline - change.level_before) > abs(verdict.baseline - change.level_after)
    return (change.effect > 0) == (verdict.effect > 0) and not passed


def _without_names(sentence: str, case: CurrentCase) -> str:
    """Return a failure's sentence without what differs from case to case: its names, numbers and quoted texts."""
    for name in sorted((case.case_id, case.model, case.precision, case.profile), key=len, reverse=True):
        sentence = sentence.replace(name, "…")
    # What a layer or a file is called tells cases apart, not causes.
    without_paths = re.sub(r"\S*/\S*", "…", sentence)
    return re.sub(r"\d[\d.,e+-]*", "#", without_paths)[:200]


def _attention(key: _Key, cases: Sequence[CurrentCase], overview: Overview) -> Attention:
    first = cases[0]
    names = overview.site.names
    return Attention(
        standing=first.standing,
        environment=names.environments[first.environment].name,
        machine=machine_key(first.environment),
        models=_models(cases),
        sentence=text.plain(_alone(key, first) if len(cases) == 1 else _together(key, cases), 600),
        cases=tuple(
            AttentionCase(
                name=text.plain(case.case_id, 160),
                href=overview.finding_of(case),
                sentence=text.plain(sentence_of(case), 300),
                model=text.plain(case.model, 120),
                precision=text.plain(case.precision, 60),
                profile=text.plain(case.profile, 80),
            )
            for case in cases
        ),
    )


def _models(cases: Sequence[CurrentCase]) -> str:
    models = [text.plain(model, 60) for model in dict.fromkeys(case.model for case in cases)]
    more = len(models) - _NAMED_MODELS
    named = models if more <= 1 else [*models[:_NAMED_MODELS], f"{more} more models"]
    return text.listed(named)


def _alone(key: _Key, case: CurrentCase) -> str:
    """Say what one case has, and since when."""
    since = key[4] if key[2] == "moved" else ""
    return f"{sentence_of(case)}{f' Since {since}.' if since else ''}"


def _together(key: _Key, cases: Sequence[CurrentCase]) -> str:
    """Say what several cases have in common."""
    first, how = cases[0], key[2]
    if how == "missing" and first.missing_from:
        record = first.missing_from.record
        return f"not run in session {record.id} of {text.moment(record.started_at)} UTC, which asked for them."
    if how == "failed":
        sentence = sentence_of(first)
        return sentence if all(sentence_of(case) == sentence for case in cases) else f"{sentence} And likewise."
    kind, since, cause = key[3:6]
    title = "speed" if kind == "speed" else metric_of(kind).title
    moved = [found[1] for case in cases if (found := furthest_moved(case)) is not None]
    # Latency grows where throughput falls, so that only how far they moved can be said of both.
    shares = [abs(verdict.effect) for verdict in moved if verdict.scale == "log" and verdict.effect is not None]
    amount = ""
    if shares:
        amount = (
            f" by {text.percent(min(shares))} to {text.percent(max(shares))}, median {text.percent(median(shares))}"
        )
    if first.standing.key == "regressed":
        parts = [f"{title}: worse{amount}"]
    else:
        parts = [f"{title}: outside what was expected{amount}, and not confirmed"]
    if since:
        parts.append(f"since {since}")
    if cause in _CAUSES:
        parts.append(_CAUSES[cause])
    return f"{', '.join(parts)}; session {first.session.record.id}."
