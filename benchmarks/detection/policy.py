"""What a session does with a new run: the gate's screen, four more trials where it asks for them, and its decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.verdicts.gate import CONFIRMING_TRIALS, Status, judge

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Decision:
    """The last word on one series in one session.

    Attributes:
        status: the gate's word.
        extra_trials: how many trials were measured beyond the first.
    """

    status: Status
    extra_trials: int


@dataclass(frozen=True)
class Builds:
    """What is known of the engines behind the runs; by default that they are of one build.

    Attributes:
        spread: standard deviation between builds, of logarithms, where the new engine is another build; else None.
        in_baseline: how many builds the baseline's runs are of.
    """

    spread: float | None = None
    in_baseline: int = 1


ONE_BUILD = Builds()


def decide(
    baseline: Sequence[float], trials: Sequence[float], *, smallest_effect: float, builds: Builds = ONE_BUILD
) -> Decision:
    """Judge the first of ``trials``, and all of them if that is inconclusive, as ``harness.session`` does.

    Args:
        baseline: one latency per run.
        trials: the first and those that would follow it, ``CONFIRMING_TRIALS`` in all.
        smallest_effect: of the metric, relative.
        builds: what is known of the engines.
    """
    assert len(trials) == CONFIRMING_TRIALS, "a confirmation decides on five trials"

    def status_of(values: Sequence[float]) -> Status:
        return judge(
            baseline,
            values,
            smallest_effect=smallest_effect,
            build_spread=builds.spread,
            baseline_builds=builds.in_baseline,
        ).status

    first = status_of(trials[:1])
    return Decision(first, 0) if first != "inconclusive" else Decision(status_of(trials), CONFIRMING_TRIALS - 1)
