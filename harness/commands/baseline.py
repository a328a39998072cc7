"""``trt-harness baseline``: decisions about cases, each checked against the history before it is stored."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from harness.cases import METRICS
from harness.errors import ConfigurationError, unknown_value
from harness.history.decisions import Decision, current_name, end_of_day, in_force
from harness.history.tables import Level, Measurement, Subject, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.history.decisions import Action
    from harness.history.rows import SeriesVerdict
    from harness.history.store import History

# What a person can accept as the new level; a pass changed nothing.
_CHANGES = ("regressed", "improved", "inconclusive", "quarantined")
_MOST_NAMES = 5


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Why a decision was made, and by whom."""

    reason: str
    author: str


def acknowledge(
    history: History, case: str, metric: str, point: str, *, session: str, signature: Signature
) -> tuple[Decision, int]:
    """Accept what changed in a session as the new level of the series that changed; return how many those are.

    Series that passed keep their baseline, whatever the patterns say.

    Args:
        history: open for writing.
        case: pattern of cases, as are ``metric`` and ``point``.
        metric: see ``case``.
        point: see ``case``.
        session: id of the session, or ``latest``.
        signature: who, and why.

    Raises:
        UsageError: there is no such session, case, metric or point, or nothing that can be acknowledged.
    """
    chosen = history.queries.session(session).record
    words = history.queries.session_verdicts(chosen.id)
    where = f"session {chosen.id}"
    words = _matching(words, case, lambda word: word.series.case_id, f"case judged in {where}")
    words = _matching(words, metric, lambda word: word.series.metric, f"metric judged there in {case!r}")
    words = _matching(words, point, lambda word: word.series.point, f"point judged there in {case!r}")
    changed = [word for word in words if word.verdict.status in _CHANGES]
    if not changed:
        counts = Counter(word.verdict.status for word in words)
        told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        raise ConfigurationError(f"nothing changed that could be acknowledged: {where} judged {told} of what matches")
    levels = _levels(history, chosen.id, changed)
    if not levels:
        raise ConfigurationError(
            f"all that changed there in {where} is acknowledged already: trt-harness baseline list"
        )
    parameters = {"session": chosen.id, "series": len(levels)}
    decision = _decision("ack", case, signature, metric=metric, point=point, parameters=parameters)
    history.decide(decision, levels)
    return decision, len(levels)


def quarantine(history: History, case: str, metric: str, *, until: str, signature: Signature) -> Decision:
    """Keep regressions of the series that match from failing, up to and including a day.

    Raises:
        ConfigurationError: no case or metric matches, or the day is over, or none.
    """
    end = end_of_day(until)
    if end <= datetime.now(timezone.utc):
        raise ConfigurationError(f"--until {until}: that day is over; a quarantine ends on a day to come")
    _check_case(history, case)
    if not any(fnmatchcase(name, metric) for name in METRICS):
        raise ConfigurationError(unknown_value("metric", metric, METRICS))
    decision = _decision("quarantine", case, signature, metric=metric, until=end)
    history.decide(decision)
    return decision


def rename(history: History, old: str, new: str, *, signature: Signature) -> tuple[Decision, list[str]]:
    """Carry a case, or all that one ``*`` stands for, over to a new name; return those that carry on.

    Raises:
        ConfigurationError: the history has no such case, or the new name leads back to the old one.
    """
    decision = _decision("alias", old, signature, parameters={"new": new})
    decisions = [*in_force(history.queries.decisions()), decision]
    names = _check_case(history, old)
    if circular := [name for name in names if current_name(name, decisions) in (name, old)]:
        raise ConfigurationError(f"{new!r} leads back to {circular[0]!r}: trt-harness baseline list shows the aliases")
    history.decide(decision)
    return decision, names


def drop(history: History, case: str, *, signature: Signature) -> tuple[Decision, list[str]]:
    """Say that cases were taken out on purpose, so that they are not missing; return their names.

    Raises:
        ConfigurationError: the history has no such case.
    """
    names = _check_case(history, case)
    decision = _decision("drop", case, signature)
    history.decide(decision)
    return decision, names


def withdraw(history: History, number: int, *, signature: Signature) -> Decision:
    """Undo a decision, and return it; both stay in the history.

    Raises:
        ConfigurationError: there is no such decision in force.
    """
    standing = {decision.id: decision for decision in in_force(history.queries.decisions())}
    if number not in standing:
        known = ", ".join(map(str, standing)) or "none"
        raise ConfigurationError(f"{number} is no decision in force; those are: {known}. See trt-harness baseline list")
    history.decide(_decision("withdraw", standing[number].case, signature, withdraws=number))
    return standing[number]


def _decision(action: Action, case: str, signature: Signature, **more: Any) -> Decision:
    return Decision(action=action, case=case, **vars(signature), created_at=datetime.now(timezone.utc), **more)


def _matching(
    words: list[SeriesVerdict], pattern: str, name_of: Callable[[SeriesVerdict], str], what: str
) -> list[SeriesVerdict]:
    found = [word for word in words if fnmatchcase(name_of(word), pattern)]
    if not found:
        raise ConfigurationError(_nothing_matches(pattern, {name_of(word) for word in words}, what))
    return found


def _check_case(history: History, pattern: str) -> list[str]:
    """Return the cases of the history that match; refuse a pattern that none does."""
    known = history.queries.case_names()
    found = [name for name in known if fnmatchcase(name, pattern)]
    if not found:
        raise ConfigurationError(_nothing_matches(pattern, known, "case of this history"))
    return found


def _nothing_matches(pattern: str, known: Iterable[str], what: str) -> str:
    names = sorted(known)
    nearest = difflib.get_close_matches(pattern, names, n=_MOST_NAMES, cutoff=0.0)
    listed = ", ".join(repr(name) for name in nearest) or "there is none"
    more = f" and {len(names) - len(nearest)} more" if len(names) > len(nearest) else ""
    return f"no {what} matches {pattern!r}. The nearest: {listed}{more}"


def _levels(history: History, session: str, changed: list[SeriesVerdict]) -> list[tuple[int, int]]:
    """Return (series, first trial) of the changes of a session, without those that were acknowledged before."""
    first = (
        select(Measurement.series_id, Subject.subject_hash, func.min(Trial.id))
        .join(Trial, Trial.id == Measurement.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .where(Trial.session_id == session)
        .group_by(Measurement.series_id, Subject.subject_hash)
    )
    standing = {decision.id for decision in in_force(history.queries.decisions())}
    with history.queries.snapshot() as connection:
        begins = {(series, subject): trial for series, subject, trial in connection.execute(first)}
        known = connection.execute(select(Level.series_id, Level.trial_id, Level.policy_id)).all()
    acknowledged = {(series, trial) for series, trial, policy in known if policy in standing}
    keys = [(word.series.id, word.subject_hash) for word in changed]
    levels = {(key[0], begins[key]) for key in keys if key in begins}
    return sorted(levels - acknowledged)
