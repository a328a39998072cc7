"""Whether a GPU was fit to be measured on, from two readings of it: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.measurement.telemetry import GpuReading

GpuQuality = Literal["ok", "throttled", "contended"]

# The reasons that slow a GPU down against its user's will. The others are a rest (GpuIdle), or what somebody has set
# (ApplicationsClocksSetting, DisplayClockSetting).
SLOWING_REASONS = frozenset({
    "SwPowerCap", "HwSlowdown", "SyncBoost", "SwThermalSlowdown", "HwThermalSlowdown", "HwPowerBrakeSlowdown",
    "BoardLimit", "Reliability",
})  # fmt: skip

# Share of the time from which on a limit that held clocks back counts. Readings are between the timed windows, when the
# GPU rests; the counters of that time have seen the windows, too.
THROTTLED_SHARE = 0.01


def gpu_conditions_between(before: GpuReading, after: GpuReading) -> dict[str, Any]:
    """Describe a GPU between two readings of it.

    Returns:
        ``telemetry``: ``nvml``, or the reason why there is none, and then nothing else. ``seconds``. Pairs of before
        and after: ``sm_clock_mhz``, ``memory_clock_mhz``, ``temperature_c``, ``power_w``, ``power_limit_w``,
        ``utilisation``, ``memory_used`` (bytes). ``slowed_by``: reasons in force at either reading.
        ``held_back``: by limit, the share of the time for which it held clocks back. ``others``: other processes that
        computed at either reading. ``hidden``: at most so many processes out of sight. ``energy_j``: used meanwhile,
        which counters that tick ten times a second tell only of windows of a second and more; None where not counted.
    """
    absent = before.absent or after.absent
    if absent:
        return {"telemetry": absent}
    seconds = max(after.at - before.at, 1e-9)
    pairs = {
        name: [getattr(before, name), getattr(after, name)]
        for name in (
            "sm_clock_mhz", "memory_clock_mhz", "temperature_c", "power_w", "power_limit_w", "utilisation",
            "memory_used",
        )
    }  # fmt: skip
    others = dict.fromkeys(f"{process.name} (pid {process.pid})" for process in (*before.others, *after.others))
    used = None if None in (before.energy_j, after.energy_j) else (after.energy_j or 0) - (before.energy_j or 0)
    return {
        "telemetry": "nvml",
        "seconds": round(seconds, 3),
        **pairs,
        "slowed_by": sorted({*before.slowed_by, *after.slowed_by}),
        "held_back": {
            limit: round((after.held_back[limit] - start) / seconds, 4)
            for limit, start in before.held_back.items()
            if limit in after.held_back
        },
        "others": list(others),
        "hidden": max(before.hidden, after.hidden),
        "energy_j": None if used is None else round(used, 3),
    }


def judge_gpu_quality(conditions: Mapping[str, Any]) -> GpuQuality:
    """Say in one word whether timings taken under ``conditions`` can be trusted.

    Where there is no telemetry the word is ``ok``, for nothing speaks against them; ``conditions`` say that nobody
    looked. Processes out of sight (``hidden``) are not held against a trial either, since it may be one of them.

    Args:
        conditions: as ``gpu_conditions_between`` returned them.
    """
    if SLOWING_REASONS & set(conditions.get("slowed_by", ())):
        return "throttled"
    if any(share >= THROTTLED_SHARE for share in conditions.get("held_back", {}).values()):
        return "throttled"
    return "contended" if conditions.get("others") else "ok"
