from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.measurement.gpu_quality import (
    SLOWING_REASONS,
    THROTTLED_SHARE,
    gpu_conditions_between,
    judge_gpu_quality,
)
from harness.measurement.telemetry import GpuProcess, GpuReading

BEFORE = GpuReading(
    at=100.0,
    sm_clock_mhz=1980,
    memory_clock_mhz=3201,
    temperature_c=41,
    power_w=120.0,
    power_limit_w=700.0,
    held_back={"power": 5.0, "thermal": 1.0},
    utilisation=0.0,
    memory_used=2**30,
    energy_j=1000.0,
)
QUIET = replace(BEFORE, at=102.0, temperature_c=55, energy_j=1500.25)
JUPYTER = GpuProcess(4711, "jupyter")


def test_conditions_tell_both_ends_and_the_difference() -> None:
    """States are pairs of before and after, counters what they grew by."""
    assert gpu_conditions_between(BEFORE, QUIET) == {
        "telemetry": "nvml",
        "seconds": 2.0,
        "sm_clock_mhz": [1980, 1980],
        "memory_clock_mhz": [3201, 3201],
        "temperature_c": [41, 55],
        "power_w": [120.0, 120.0],
        "power_limit_w": [700.0, 700.0],
        "utilisation": [0.0, 0.0],
        "memory_used": [2**30, 2**30],
        "slowed_by": [],
        "held_back": {"power": 0.0, "thermal": 0.0},
        "others": [],
        "hidden": 0,
        "energy_j": 500.25,
    }


def test_what_holds_at_either_end_is_told() -> None:
    """Reasons and processes of both readings are told, each once."""
    conditions = gpu_conditions_between(
        replace(BEFORE, slowed_by=("SwPowerCap", "GpuIdle"), others=(JUPYTER,), hidden=2),
        replace(QUIET, slowed_by=("SwPowerCap",), others=(JUPYTER, GpuProcess(7, "train")), hidden=1),
    )
    assert conditions["slowed_by"] == ["GpuIdle", "SwPowerCap"]
    assert conditions["others"] == ["jupyter (pid 4711)", "train (pid 7)"]
    assert conditions["hidden"] == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, 1500.0, id="not counted before"),
        pytest.param(1000.0, None, id="not counted after"),
    ],
)
def test_energy_that_is_not_counted_is_not_told(before: float | None, after: float | None) -> None:
    """No number stands for none."""
    assert gpu_conditions_between(replace(BEFORE, energy_j=before), replace(QUIET, energy_j=after))["energy_j"] is None


@pytest.mark.parametrize("which", ["before", "after"])
def test_no_telemetry_is_said(which: str) -> None:
    """The reason stands in the place of the conditions, and nothing speaks against the trial."""
    absent = GpuReading(at=0.0, absent="pynvml is not installed")
    conditions = gpu_conditions_between(*((absent, QUIET) if which == "before" else (BEFORE, absent)))
    assert conditions == {"telemetry": "pynvml is not installed"}
    assert judge_gpu_quality(conditions) == "ok"


@pytest.mark.parametrize(
    ("after", "word"),
    [
        pytest.param({}, "ok", id="nothing to find fault with"),
        pytest.param({"slowed_by": ("GpuIdle", "ApplicationsClocksSetting", "DisplayClockSetting")}, "ok",
                     id="a rest, and clocks that somebody has set"),
        *(pytest.param({"slowed_by": (reason,)}, "throttled", id=reason) for reason in sorted(SLOWING_REASONS)),
        pytest.param({"held_back": {"thermal": 1.0 + 2.0 * THROTTLED_SHARE}}, "throttled",
                     id="heat held it back meanwhile, though not at either end"),
        pytest.param({"held_back": {"thermal": 1.0 + 1.9 * THROTTLED_SHARE}}, "ok",
                     id="for too short a time to matter"),
        pytest.param({"held_back": {"reliability": 9.0}}, "ok", id="a counter that there was none of before"),
        pytest.param({"others": (JUPYTER,)}, "contended", id="another process"),
        pytest.param({"hidden": 1}, "ok", id="one out of sight, which may be this one"),
        pytest.param({"others": (JUPYTER,), "slowed_by": ("HwSlowdown",)}, "throttled", id="heat explains more"),
    ],
)  # fmt: skip
def test_a_word_sums_up_the_conditions(after: dict[str, Any], word: str) -> None:
    """What slows a GPU down makes a trial throttled, who shares it makes it contended."""
    assert judge_gpu_quality(gpu_conditions_between(BEFORE, replace(QUIET, **after))) == word
