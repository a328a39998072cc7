"""``trt-harness baseline pin`` and ``promote``: which trials a named baseline consists of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from harness.cases import METRICS
from harness.checkout import git
from harness.errors import ConfigurationError
from harness.history.named_baselines import NamedBaseline, newest_revision
from harness.history.tables import Measurement, Series, Session, Subject, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection

    from harness.commands.baseline import Signature
    from harness.history.store import History

# As ``harness.verdicts.gate.judge`` has it: with fewer runs a series is not judged.
FEWEST_RUNS = 8
_FEWEST_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A named baseline as it was just stored.

    Attributes:
        baseline: its new revision.
        series: how many gated series it has runs of.
        short: how many of those have fewer runs than a verdict needs, those of a busy machine left out where that
            matters.
    """

    baseline: NamedBaseline
    series: int
    short: int


def pin(
    history: History,
    name: str,
    root: Path,
    *,
    sessions: Sequence[str] = (),
    commit: str | None = None,
    runs: int = 0,
    promote: bool,
    signature: Signature,
) -> Pinned:
    """Store a named baseline, or its next revision: the first trials of sessions that ended well.

    Args:
        history: open for writing.
        name: of the baseline.
        root: the checkout by which git resolves ``commit``.
        sessions: their ids; ``latest`` if neither they nor a commit are given.
        commit: take all sessions of this commit: a name that git knows, or the first digits.
        runs: take earlier trials of the same cases, machines and runtimes, too, up to so many of each; none of a
            session that called something of the case a regression.
        promote: whether the baseline exists, and its members are to be replaced.
        signature: who, and why.

    Raises:
        UsageError: a session, a commit or the baseline is not known, the name is taken, or there are no such trials.
    """
    revision = _next_revision(history, name, promote=promote)
    if commit is not None and sessions:
        raise ConfigurationError("give --session or --commit, not both: a commit stands for all of its sessions")
    if commit is not None:
        chosen = _sessions_of(history, commit, root)
        source = f"commit {commit}"
    else:
        chosen = [history.queries.session(session).record.id for session in sessions or ("latest",)]
        source = f"session{'s' * (len(chosen) > 1)} {', '.join(chosen)}"
    if runs:
        source += f" and up to {runs} runs before"
    with history.queries.snapshot() as connection:
        trials = _members(connection, chosen, runs)
        counts = _runs_of_series(connection, trials)
    if not trials:
        raise ConfigurationError(f"there is nothing to compare with: no trial of {source} ended well")
    baseline = NamedBaseline(
        name=name,
        revision=revision,
        source=source,
        reason=signature.reason,
        author=signature.author,
        created_at=datetime.now(timezone.utc),
    )
    history.pin(baseline, trials)
    short = sum(1 for count in counts if count < FEWEST_RUNS)
    return Pinned(baseline=replace(baseline, trials=len(trials)), series=len(counts), short=short)


def _next_revision(history: History, name: str, *, promote: bool) -> int:
    known = history.queries.named_baselines()
    if promote:
        return newest_revision(known, name).revision + 1
    if any(baseline.name == name for baseline in known):
        raise ConfigurationError(
            f"there is a baseline {name!r} already; `trt-harness baseline promote` replaces its members, or pin another"
        )
    return 1


def _sessions_of(history: History, commit: str, root: Path) -> list[str]:
    resolved = git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") or commit
    query = select(Session.id, Session.commit).where(Session.commit.is_not(None)).order_by(Session.started_at)
    with history.queries.snapshot() as connection:
        rows = [(session, str(known)) for session, known in connection.execute(query)]
    found = [session for session, known in rows if known == resolved]
    if not found and len(commit) >= _FEWEST_DIGITS:
        matching = {known for _, known in rows if known.startswith(commit)}
        if len(matching) > 1:
            raise ConfigurationError(f"--commit {commit!r} stands for several: {', '.join(sorted(matching))}")
        found = [session for session, known in rows if known in matching]
    if not found:
        last = ", ".join(dict.fromkeys(known[:12] for _, known in rows[:-20:-1])) or "none"
        raise ConfigurationError(f"no session ran on the commit {commit!r}. Commits of the last sessions: {last}")
    return found


def _members(connection: Connection, sessions: Sequence[str], runs: int) -> list[int]:
    sound = (Trial.ordinal == 0, Trial.outcome == "ok")
    own = select(Trial.id, Trial.case_id, Trial.environment_id, Subject.runtime)
    own = own.join(Subject, Subject.id == Trial.subject_id).where(Trial.session_id.in_(sessions), *sound)
    members: dict[tuple[int, int, str], list[int]] = {}
    for trial, case, environment, runtime in connection.execute(own.order_by(Trial.id)):
        members.setdefault((case, environment, runtime), []).append(trial)
    chosen = [trial for trials in members.values() for trial in trials]
    for (case, environment, runtime), trials in members.items():
        if runs > len(trials):
            earlier = (
                select(Trial.id)
                .join(Subject, Subject.id == Trial.subject_id)
                .where(Trial.case_id == case, Trial.environment_id == environment, Subject.runtime == runtime)
                .where(*sound, Trial.id < trials[0], ~_regressed())
                .order_by(Trial.id.desc())
                .limit(runs - len(trials))
            )
            chosen += connection.scalars(earlier)
    return sorted(chosen)


def _regressed() -> ColumnElement[bool]:
    """Say, of a trial, whether its session called something of its case a regression."""
    later = aliased(Trial)
    return (
        select(Verdict.id)
        .join(later, later.id == Verdict.trial_id)
        .where(
            later.session_id == Trial.session_id,
            later.case_id == Trial.case_id,
            later.subject_id == Trial.subject_id,
            Verdict.status.in_(("regressed", "quarantined")),
        )
        .correlate(Trial)
        .exists()
    )


def _runs_of_series(connection: Connection, trials: Sequence[int]) -> list[int]:
    """Return, for each gated series, how many runs can be compared with."""
    counts: dict[int, int] = {}
    # No bind may name more values than SQLite takes.
    for start in range(0, len(trials), 10_000):
        query = (
            select(Measurement.series_id, Series.metric, Trial.quality, func.count())
            .join(Series, Series.id == Measurement.series_id)
            .join(Trial, Trial.id == Measurement.trial_id)
            .where(Measurement.trial_id.in_(trials[start : start + 10_000]), Measurement.value.is_not(None))
            .group_by(Measurement.series_id, Series.metric, Trial.quality)
        )
        for series, name, quality, count in connection.execute(query):
            metric = METRICS.get(name)
            if metric is not None and metric.gated:
                usable = count if quality == "ok" or not metric.timed else 0
                counts[series] = counts.get(series, 0) + usable
    return list(counts.values())
