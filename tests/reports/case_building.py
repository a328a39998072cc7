"""A case with a change of level, further builds, telemetry, and decisions about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.history.decisions import Decision
from harness.history.named_baselines import NamedBaseline
from tests.reports.sample_history import FIRST_DAY, NEW, OLD

if TYPE_CHECKING:
    from harness.history.records import TrialRecord
    from tests.reports.sample_history import HistoryBuilder

RUNS, FIRST_SLOW, BUILT_AGAIN = 24, 14, 5
CASE = "resnet50-fp16-batch1x4x16"
HOSTILE = "</script><b>reason</b> \x1b[31mred"


def fill_case(build: HistoryBuilder) -> None:
    """Add a case that is slower by 30 % since a new version, and what people had to say of it.

    Session ``BUILT_AGAIN`` has two further builds, of which one has other tactics; the GPU told of its clock in all.
    """
    for index in range(RUNS):
        slow = index >= FIRST_SLOW
        session = build.session(index)
        trial = build.trial(
            session, "resnet50", "fp16", slower=1.3 if slow else 1.0, subject=NEW if slow else OLD, quality="ok"
        )
        clocks = {"gpu": {"sm_clock_mhz": [1980, 1900 + index], "temperature_c": [40, 45]}}
        trial = replace(trial, conditions={**trial.conditions, **clocks})
        build.history.add_trial(trial)
        if index == BUILT_AGAIN:
            for place, tactics in ((1, "same"), (2, "other")):
                build.history.add_trial(built_again(trial, place, tactics))
        build.history.finish_session(session.id)
    build.history.find_change_points(session.id)
    decide(build)


def built_again(trial: TrialRecord, index: int, tactics: str) -> TrialRecord:
    """Return a further trial of another build of the engine of ``trial``."""
    assert trial.engine is not None
    fingerprint = trial.engine.fingerprint if tactics == "same" else "f" * 64
    engine = replace(trial.engine, fingerprint=fingerprint, build_seconds=trial.engine.build_seconds + index)
    return replace(trial, index=index, engine=engine, verdicts=())


def decide(build: HistoryBuilder) -> None:
    """Add a quarantine that was withdrawn, one of another case, and a pinned baseline."""
    at = FIRST_DAY + timedelta(days=8, hours=4)
    quarantine = Decision(
        action="quarantine",
        case="resnet50-*",
        metric="latency_*",
        point="batch=4",
        reason=HOSTILE,
        author="Ada",
        created_at=at,
        until=at + timedelta(days=5),
    )
    number = build.history.decide(quarantine)
    build.history.decide(replace(quarantine, case="squeezenet-*", reason="not this one"))
    build.history.decide(
        Decision(
            action="withdraw",
            case=quarantine.case,
            withdraws=number,
            reason="mended",
            author="Bob",
            created_at=at + timedelta(days=2),
        )
    )
    (series,) = (
        row for row in build.history.queries.series_list() if (row.metric, row.point) == ("latency_host", "batch=4")
    )
    points = build.history.queries.series_points([series])[series.id]
    build.history.pin(
        NamedBaseline(name="release", revision=1, source="session 2", reason="as shipped", author="Eve", created_at=at),
        [point.trial_id for point in points[:3]],
    )
