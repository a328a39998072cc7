"""Trials in few words: what a case came to, for people and for JSON; pure functions on records."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.history.records import TrialRecord

_LONGEST_MESSAGE = 2000
_LATENCY = "latency_"


def newest_of_each_case(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the newest first trial of each case under each subject, in the order in which cases appear.

    Args:
        trials: in the order of their commits.
    """
    newest: dict[tuple[str, str], TrialRecord] = {}
    for trial in trials:
        if trial.index == 0:
            newest[trial.case_id, trial.subject.name] = trial
    return list(newest.values())


def summary_of(trial: TrialRecord) -> dict[str, Any]:
    """Return what a trial came to.

    Returns:
        Plain data: how each of ``stages`` ended; ``messages`` of those that did not pass, which for layers name those
        that left their tolerance; ``type_shares``, ``time_shares``, ``build_seconds``, ``engine_bytes`` and ``options``
        of the engine; ``latency_ms`` by mode and point; ``points`` that were timed; every other measurement by metric.
    """
    latencies: dict[str, dict[str, float]] = {}
    others: dict[str, dict[str, float]] = {}
    for measured in trial.measurements:
        if measured.metric.startswith(_LATENCY):
            mode = measured.metric.removeprefix(_LATENCY)
            latencies.setdefault(mode, {})[measured.point] = round(measured.value, 5)
        else:
            others.setdefault(measured.metric, {})[measured.point] = measured.value
    engine = trial.engine
    return {
        "case": trial.case_id,
        "subject": trial.subject.name,
        "version": trial.subject.version,
        "environment": trial.environment.name,
        "session": trial.session,
        "outcome": trial.outcome,
        "quality": trial.quality,
        "stages": {finding.stage: finding.outcome for finding in trial.findings},
        "messages": {
            finding.stage: finding.message[:_LONGEST_MESSAGE]
            for finding in trial.findings
            if finding.outcome != "passed"
        },
        "points": sorted({point for points in latencies.values() for point in points}),
        "latency_ms": latencies,
        "type_shares": dict(engine.type_shares) if engine else {},
        "time_shares": dict(engine.time_shares) if engine else {},
        "build_seconds": round(engine.build_seconds, 2) if engine else None,
        "engine_bytes": engine.bytes if engine else None,
        "options": dict(engine.options) if engine else {},
        "measurements": others,
        "phases": {phase: round(seconds, 2) for phase, seconds in trial.phases.items()},
    }


def line_of(summary: dict[str, Any]) -> str:
    """Say a summary in one line: stages that failed or were skipped, seconds of the build, type shares, latencies."""
    told = Counter(summary["stages"].values())
    failed = [stage for stage, outcome in summary["stages"].items() if outcome == "failed"]
    shares = " ".join(f"{name} {share:.0%}" for name, share in summary["type_shares"].items())
    mode = next((mode for mode in ("graph", "stream", "host") if mode in summary["latency_ms"]), None)
    times = summary["latency_ms"].get(mode, {})
    latency = ", ".join(f"{value:.4f} ms at {point or 'its one shape'}" for point, value in times.items())
    lone = " ONE POINT ONLY" if len(times) == 1 else ""
    return (
        f"{summary['case']}@{summary['subject']} {summary['outcome']}: {told['passed']} passed, "
        f"{told['skipped']} skipped{', FAILED ' + ' '.join(failed) if failed else ''}; "
        f"build {summary['build_seconds']} s; {shares or 'no types'}; "
        f"{f'{mode} {latency}' if mode else 'not timed'}{lone}"
    )


def coverage(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how many cases ended in which way, by subject, and which were timed at one point only."""
    outcomes: dict[str, Counter[str]] = {}
    for summary in summaries:
        word = "failed" if "failed" in summary["stages"].values() else summary["outcome"]
        outcomes.setdefault(summary["subject"], Counter())[word] += 1
    return {
        "outcomes": {subject: dict(counts) for subject, counts in outcomes.items()},
        "timed_at_one_point": [
            f"{summary['case']}@{summary['subject']}" for summary in summaries if len(summary["points"]) == 1
        ],
    }
