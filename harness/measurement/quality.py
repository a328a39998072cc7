"""Whether a machine was fit to be measured on, as read beside the timings."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

Quality = Literal["ok", "contended", "throttled", "unstable"]

# Processor time taken by others, in cores, from which on a trial counts as contended.
CONTENDED_CORES = 0.25
# Drift within a run from which on it counts as unstable: more than a change that would be reported.
UNSTABLE_DRIFT = 0.10
# Spread within a run (robust, relative) from which on its median says little.
UNSTABLE_SPREAD = 0.25
# How many of the others are named, and from how many cores on: less is no reason for anything.
_MOST_NAMED = 3
_NAMED_CORES = 0.05

# Process ids are given again: with the time of its creation one stands for one process.
ProcessKey = tuple[int, float]


@dataclass(frozen=True)
class ProcessTime:
    """Another process: its name, and the processor time (seconds) that it has used since it began."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Reading:
    """Counters at one moment; two of them make conditions.

    Attributes:
        at: monotonic time, in seconds.
        busy: processor time that the machine has used, in seconds.
        own: the part of it that is this process's.
        throttle_events: how often a processor has slowed itself down.
        others: the processor time of each other process that can be seen.
    """

    at: float
    busy: float
    own: float
    throttle_events: int
    others: Mapping[ProcessKey, ProcessTime] = field(default_factory=dict)

    @classmethod
    def now(cls) -> Reading:
        """Read the counters of the machine and of this process."""
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        own = psutil.Process().cpu_times()
        return cls(
            at=time.monotonic(),
            busy=sum(times[:8]) - idle,  # the fields after the eighth are counted in the first two already
            own=own.user + own.system,
            throttle_events=_throttle_events(),
            others=_others(),
        )


def conditions_between(start: Reading, end: Reading) -> dict[str, Any]:
    """Describe the machine between two readings of one process.

    Returns:
        ``seconds``; ``other_cores``: processor time of everything else, stolen time included, in cores; ``load``: the
        1-minute load average; ``frequency_mhz``: of the processor, where readable; ``throttle_events``: new ones;
        ``heavy``: where others were busy, the busiest of those that are still there, the busiest first: cores by name
        and process id.
    """
    seconds = max(end.at - start.at, 1e-9)
    other = max(0.0, (end.busy - start.busy) - (end.own - start.own)) / seconds
    frequency = _frequency()
    return {
        "seconds": round(seconds, 3),
        "other_cores": round(other, 3),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "frequency_mhz": frequency,
        "throttle_events": end.throttle_events - start.throttle_events,
        "heavy": _heavy(start.others, end.others, seconds) if other >= CONTENDED_CORES else {},
    }


def judge_quality(conditions: dict[str, Any], *, spread: float, drift: float, spare_cores: float = 0.0) -> Quality:
    """Say in one word whether timings taken under ``conditions`` can be trusted.

    Args:
        conditions: as ``conditions_between`` returned them.
        spread: largest relative spread within a run.
        drift: largest relative drift within a run, of either sign.
        spare_cores: processors that others may use without being in the way: none where the runtime computes on all.
    """
    if conditions["throttle_events"] > 0:
        return "throttled"
    if conditions["other_cores"] >= CONTENDED_CORES + spare_cores:
        return "contended"
    if abs(drift) >= UNSTABLE_DRIFT or spread >= UNSTABLE_SPREAD:
        return "unstable"
    return "ok"


def _throttle_events() -> int:
    counters = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    total = 0
    for counter in counters:
        try:
            total += int(counter.read_text())
        except (OSError, ValueError):
            continue  # a counter that cannot be read says nothing; the others still do
    return total


def _frequency() -> float | None:
    try:
        frequency = psutil.cpu_freq()
    except (OSError, RuntimeError):  # psutil's answers on a system that does not tell it
        return None
    return round(frequency.current, 0) if frequency and frequency.current else None


def _others() -> dict[ProcessKey, ProcessTime]:
    found = {}
    for process in psutil.process_iter(["name", "cpu_times", "create_time"]):
        times = process.info["cpu_times"]
        if process.pid != os.getpid() and times:  # the times of another user's process may be hidden
            key = (process.pid, process.info["create_time"])
            found[key] = ProcessTime(process.info["name"], times.user + times.system)
    return found


def _heavy(
    before: Mapping[ProcessKey, ProcessTime], after: Mapping[ProcessKey, ProcessTime], seconds: float
) -> dict[str, float]:
    """Return the cores that the busiest processes took; one that began meanwhile took all of its time meanwhile."""
    cores: dict[str, float] = {}
    for key, process in after.items():
        used = process.seconds - (before[key].seconds if key in before else 0.0)
        if used >= _NAMED_CORES * seconds:
            cores[f"{process.name} (pid {key[0]})"] = round(used / seconds, 2)
    return dict(sorted(cores.items(), key=lambda entry: entry[1], reverse=True)[:_MOST_NAMED])
