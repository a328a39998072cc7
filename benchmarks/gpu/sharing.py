"""Who was timed on which GPU when: pure functions on trials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.history.records import TrialRecord

# What stands for the device of a trial that ran on none.
NO_GPU = "cpu"


@dataclass(frozen=True, order=True)
class Window:
    """The time in which one trial was measured.

    Attributes:
        start: UTC.
        end: UTC.
        device: UUID of its GPU, or ``NO_GPU``.
        trial: its case and subject.
    """

    start: datetime
    end: datetime
    device: str
    trial: str


def windows_of(trials: Iterable[TrialRecord]) -> list[Window]:
    """Return the windows of those trials that were measured, by their start."""
    return sorted(
        Window(
            start=datetime.fromisoformat(trial.conditions["measured"][0]),
            end=datetime.fromisoformat(trial.conditions["measured"][1]),
            device=trial.conditions.get("gpu", {}).get("device") or NO_GPU,
            trial=f"{trial.case_id}@{trial.subject.name} {trial.index}",
        )
        for trial in trials
        if "measured" in trial.conditions
    )


def overlaps_on_one_device(windows: Sequence[Window]) -> list[tuple[Window, Window]]:
    """Return the pairs of windows that share a device and a time; ends that touch share none.

    Args:
        windows: by their start.
    """
    found = []
    for index, first in enumerate(windows):
        for second in windows[index + 1 :]:
            if second.start >= first.end:
                break
            if second.device == first.device:
                found.append((first, second))
    return found


def seconds_side_by_side(windows: Sequence[Window]) -> float:
    """Return for how many seconds two devices or more were measured on at once."""
    moments = sorted({moment for window in windows for moment in (window.start, window.end)})
    return sum(
        (end - start).total_seconds()
        for start, end in pairwise(moments)
        if len({window.device for window in windows if window.start <= start and window.end >= end}) > 1
    )
