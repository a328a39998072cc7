"""What there is to say of change points: which series, how far, and what else changed between the two runs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.history.decisions import in_force
from harness.history.policies import read_decisions
from harness.history.reading import IDS_AT_ONCE, SERIES_COLUMNS
from harness.history.rows import ChangeRow, Difference, SeriesRow
from harness.history.tables import Case, ChangePoint, Engine, Environment, Level, Series, Session, Subject, Trial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import Connection

Facts = dict[str, str]

_DIGITS = 12
# What a subject names as the machine names another thing of its own: TensorRT's architecture is the GPU's, the
# machine's is its processor's. A subject is known by what it recorded, so they are told apart only when they are read.
_NAMES_BESIDE_A_MACHINE = {"architecture": "gpu_architecture"}


def read_change_points(connection: Connection) -> list[ChangeRow]:
    """Return every change point, the newest first, with what differs between the last run before and the first since.

    Where the interval of a change is wider than one run, these are the last run that was surely before it and the first
    that was surely after, so that the cause is among what differs.
    """
    query = (
        select(
            *SERIES_COLUMNS,
            *(ChangePoint.trial_id, Trial.session_id, Trial.started_at, Trial.subject_label, Subject.subject_hash),
            *(ChangePoint.previous_trial_id, ChangePoint.low_trial_id, ChangePoint.high_trial_id),
            *(ChangePoint.level_before, ChangePoint.level_after, ChangePoint.effect, ChangePoint.p),
            ChangePoint.found_at,
        )
        .select_from(ChangePoint)
        .join(Series, Series.id == ChangePoint.series_id)
        .join(Case, Case.id == Series.case_id)
        .join(Environment, Environment.id == Series.environment_id)
        .join(Trial, Trial.id == ChangePoint.trial_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .order_by(ChangePoint.trial_id.desc(), Case.id, Series.id)
    )
    rows: list[Any] = list(connection.execute(query))
    facts = facts_of_trials(connection, {trial for row in rows for trial in (row.previous_trial_id, row.high_trial_id)})
    acknowledged = _acknowledged(connection, [(row.id, row.low_trial_id) for row in rows])
    return [
        ChangeRow(
            series=SeriesRow(*row[: len(SERIES_COLUMNS)]),
            trial_id=row.trial_id,
            session_id=row.session_id,
            started_at=row.started_at,
            subject=row.subject_label,
            subject_hash=row.subject_hash,
            previous_trial_id=row.previous_trial_id,
            low_trial_id=row.low_trial_id,
            high_trial_id=row.high_trial_id,
            level_before=row.level_before,
            level_after=row.level_after,
            effect=row.effect,
            p=row.p,
            found_at=row.found_at,
            differences=differences(facts[row.previous_trial_id], facts[row.high_trial_id]),
            acknowledged=acknowledged.get((row.id, row.low_trial_id), ""),
        )
        for row in rows
    ]


def facts_of_trials(connection: Connection, trials: Collection[int]) -> dict[int, Facts]:
    """Return, by trial, what may explain that one measured something else than another."""
    ids = sorted(trials)
    facts: dict[int, Facts] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        query = (
            select(
                *(Trial.id, Trial.conditions, Subject.runtime, Subject.version, Subject.libraries),
                *(Session.commit, Session.branch, Session.dirty, Session.harness_version, Session.settings),
                Engine.fingerprint,
            )
            .select_from(Trial)
            .join(Subject, Subject.id == Trial.subject_id)
            .join(Session, Session.id == Trial.session_id)
            .outerjoin(Engine, Engine.id == Trial.engine_id)
            .where(Trial.id.in_(ids[start : start + IDS_AT_ONCE]))
        )
        rows: Iterable[Any] = connection.execute(query)
        facts.update({row.id: _facts(row) for row in rows})
    return facts


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the facts that are not the same, in the order in which they are told; what one side lacks is empty."""
    names = dict.fromkeys([*after, *before])
    return tuple(
        Difference(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )


def _acknowledged(connection: Connection, changes: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Say who accepted which changes, each given by its series and the first trial at which it may have happened.

    A level that was acknowledged accepts the last change that its first run may lie behind.
    """
    decisions = {decision.id: decision for decision in in_force(read_decisions(connection))}
    begun: dict[int, list[int]] = defaultdict(list)
    for series_id, low in changes:
        begun[series_id].append(low)
    accepted: dict[tuple[int, int], str] = {}
    levels: Iterable[Any] = connection.execute(select(Level.series_id, Level.trial_id, Level.policy_id))
    for series_id, trial_id, policy_id in levels:
        before = [low for low in begun[series_id] if low <= trial_id]
        if policy_id in decisions and before:
            accepted[series_id, max(before)] = decisions[policy_id].describe()
    return accepted


def _facts(row: Any) -> Facts:
    options = ", ".join(sorted(row.settings.get("build_options") or ()))
    facts = {
        "runtime": f"{row.runtime} {row.version}".strip(),
        **{_NAMES_BESIDE_A_MACHINE.get(name, str(name)): str(version) for name, version in row.libraries.items()},
        "commit": f"{row.commit[:_DIGITS]}{' with changes' if row.dirty else ''}" if row.commit else "",
        "branch": row.branch or "",
        "harness": row.harness_version,
        "build options": options,
        "engine": (row.fingerprint or "")[:_DIGITS],
    }
    return facts | {str(name): str(value) for name, value in row.conditions.get("machine", {}).items()}
