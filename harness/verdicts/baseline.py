"""Which runs of a series a new one is held against: plain data in, the chosen runs out.

A baseline is the newest good runs of one series. Three things keep it from drifting after what it is to catch:

* a run that raised an alarm stays out until a person acknowledges the change;
* with a target branch, only runs of what was merged into it count, never those of the branch under test;
* an acknowledged change begins a new level: nothing older is compared with, and the next alarm counts as any other.

What remains is a creep of many steps, each too small for a verdict: the window follows it. Named baselines, which do
not move, and ``harness.verdicts.changes``, which sees the whole history, are for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.verdicts import scales

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.cases.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One trial as a candidate for a baseline.

    Attributes:
        trial_id: number of the trial, in the order of their commits.
        session: id of its session.
        value: in the metric's unit.
        commit: of the checkout; None outside git.
        branch: likewise.
        pace: of its session.
        first: whether it is the first trial of its case in its session; others followed a suspicion.
        ok: whether the trial ended well.
        quiet: whether its timings can be trusted.
        alarm: whether it raised an alarm that its session did not clear.
    """

    trial_id: int
    session: str
    value: float
    commit: str | None = None
    branch: str | None = None
    pace: str | None = None
    first: bool = True
    ok: bool = True
    quiet: bool = True
    alarm: bool = False

    def is_comparable(self, *, any_quality: bool, pace: str | None) -> bool:
        """Tell whether it ended well, on a quiet machine unless any will do, and at the pace if there is one."""
        return self.ok and (self.quiet or any_quality) and pace in (None, self.pace)


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What the checkout under test descends from.

    Attributes:
        base: commits up to the merge base with the target branch; None where every session counts.
        line: commits up to the one under test.
        branch: the branch under test; None if it has no name.
    """

    base: frozenset[str] | None = None
    line: frozenset[str] = frozenset()
    branch: str | None = None

    def on_base(self, commit: str | None) -> bool:
        """Tell whether a commit was merged into the target branch before the checkout left it."""
        return self.base is None or commit in self.base

    def on_line(self, commit: str | None, branch: str | None) -> bool:
        """Tell whether a run was of the branch under test, or of what that grew from.

        The name counts too, since CI builds merge commits that no later one descends from.
        """
        return self.on_base(commit) or commit in self.line or (branch is not None and branch == self.branch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """An acknowledged change of a series.

    Attributes:
        since: number of the first trial at the new level.
        session: id of the session that was acknowledged.
        commit: of that session.
        branch: likewise.
        newest: number of the newest trial of all when the change was acknowledged: alarms up to it were raised against
            the old level, those after it against the new one.
        values: what the session's trials measured, in the metric's unit; those of a busy machine left out where that
            matters.
    """

    since: int
    session: str
    commit: str | None = None
    branch: str | None = None
    newest: int
    values: tuple[float, ...] = ()


def level_in_force(levels: Iterable[Level], lineage: Lineage, *, before: int) -> Level | None:
    """Return the newest acknowledged change that the checkout under test contains.

    Args:
        levels: acknowledged changes of one series.
        lineage: a change that was acknowledged on another branch is none of this one.
        before: number of the first trial that is not looked at.
    """
    known = [level for level in levels if level.since < before and lineage.on_line(level.commit, level.branch)]
    return max(known, key=lambda level: (level.since, level.newest), default=None)


def choose(
    runs: Iterable[Run],
    metric: Metric,
    *,
    last: int,
    lineage: Lineage | None = None,
    level: Level | None = None,
    any_quality: bool = False,
    pace: str | None = None,
) -> list[Run]:
    """Return the baseline: the newest good runs, oldest first.

    A good run is a first trial that ended well on a quiet machine, at the same pace, without an alarm. At an
    acknowledged level there are two exceptions. The session that was acknowledged counts with all its trials, its
    confirmations included, since they are all that is known of the new level. And an alarm that was raised before the
    change was acknowledged was raised against the old level: such a run counts if it is less than the metric's smallest
    effect away from the acknowledged session, to either side.

    Args:
        runs: of one series under one runtime, the newest first; no more are taken from it than are needed.
        metric: what they measured.
        last: how many runs at most.
        lineage: by default every session counts.
        level: by ``level_in_force``.
        any_quality: whether runs of a busy machine count too, for what no clock measures.
        pace: take only runs of this pace; of any if None.
    """
    lineage = lineage or Lineage()
    # A level that is on the branch under test alone has no runs anywhere else.
    own_level = level is not None and not lineage.on_base(level.commit)
    chosen: list[Run] = []
    for run in runs:
        if len(chosen) == last or (level is not None and run.trial_id < level.since):
            break
        belongs = lineage.on_line(run.commit, run.branch) if own_level else lineage.on_base(run.commit)
        comparable = run.is_comparable(any_quality=any_quality, pace=pace)
        if belongs and comparable and _is_sound(run, metric, level):
            chosen.append(run)
    return chosen[::-1]


def _is_sound(run: Run, metric: Metric, level: Level | None) -> bool:
    if level is not None and run.session == level.session:
        return True
    if not run.first:
        return False
    return not run.alarm or (level is not None and run.trial_id <= level.newest and _is_near(run, metric, level))


def _is_near(run: Run, metric: Metric, level: Level) -> bool:
    values = [value for value in level.values if scales.is_usable(value, metric.scale)]
    if not values or not scales.is_usable(run.value, metric.scale):
        return False
    middle = scales.scaled(median(values), metric.scale)
    shift = scales.difference(scales.scaled(run.value, metric.scale), middle)
    return abs(shift) < scales.shift_of(metric.smallest_effect, metric.scale)
