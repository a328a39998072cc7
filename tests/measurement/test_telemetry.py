from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.measurement import telemetry
from harness.measurement.telemetry import read

if TYPE_CHECKING:
    from collections.abc import Iterator

UUIDS = ("GPU-aaaa-1", "GPU-bbbb-2")


class FakeNvml(ModuleType):
    """The few functions of pynvml that are asked, for two GPUs whose handles are their UUIDs."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
    NVML_PERF_POLICY_POWER, NVML_PERF_POLICY_THERMAL = 0, 1

    class NVMLError(Exception):
        """What every function raises."""

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.answers: dict[str, Any] = {
            "ClockInfo": lambda clock: {1: 1980, 2: 3201}[clock],
            "Temperature": lambda _: 41,
            "PowerUsage": lambda: 121_500,
            "EnforcedPowerLimit": lambda: 700_000,
            "CurrentClocksEventReasons": lambda: 0b100101,
            "ViolationStatus": lambda policy: SimpleNamespace(violationTime=(policy + 1) * 2_000_000_000),
            "UtilizationRates": lambda: SimpleNamespace(gpu=37, memory=5),
            "MemoryInfo": lambda: SimpleNamespace(used=3 * 2**30, total=141 * 2**30),
            "ComputeRunningProcesses": list,
            "TotalEnergyConsumption": lambda: 5_000_250,
        }
        self.asked: list[str] = []
        self.nvmlClocksEventReasonGpuIdle = 1
        self.nvmlClocksEventReasonSwPowerCap = 4
        self.nvmlClocksEventReasonSwThermalSlowdown = 32
        self.nvmlClocksEventReasonNone = 0
        self.nvmlClocksEventReasonAll = 37
        for name in self.answers:
            setattr(self, f"nvmlDeviceGet{name}", self._function(name))

    def _function(self, name: str) -> Any:
        def function(handle: str, *arguments: Any) -> Any:
            self.asked.append(handle)
            if name not in self.answers:
                raise self.NVMLError("Not Supported")
            return self.answers[name](*arguments)

        return function

    def nvmlInit(self) -> None:  # noqa: N802 - these are pynvml's names
        """Start."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """Count the GPUs."""
        return len(UUIDS)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        """Return what stands for a GPU."""
        return UUIDS[index]

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        """Return its UUID."""
        return handle


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNvml]:
    """Put a fake in the place of pynvml."""
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    telemetry._connect.cache_clear()
    yield fake
    telemetry._connect.cache_clear()


def test_a_reading_has_all_that_the_gpu_tells(nvml: FakeNvml) -> None:
    """Clocks in MHz, power in W, energy in J, shares from 0 to 1, times in seconds, reasons by their names."""
    reading = read("0")
    assert reading.absent is None
    assert (reading.sm_clock_mhz, reading.memory_clock_mhz, reading.temperature_c) == (1980, 3201, 41)
    assert (reading.power_w, reading.power_limit_w, reading.energy_j) == (121.5, 700.0, 5000.25)
    assert reading.slowed_by == ("GpuIdle", "SwPowerCap", "SwThermalSlowdown")
    assert reading.held_back == {"power": 2.0, "thermal": 4.0}
    assert (reading.utilisation, reading.memory_used) == (0.37, 3 * 2**30)
    assert (reading.others, reading.hidden) == ((), 0)


@pytest.mark.parametrize(
    "missing",
    ["PowerUsage", "UtilizationRates", "MemoryInfo", "ComputeRunningProcesses", "TotalEnergyConsumption",
     "ViolationStatus", "CurrentClocksEventReasons"],
)  # fmt: skip
@pytest.mark.parametrize("by", ["the GPU", "the bindings"])
def test_what_is_not_told_is_left_out(nvml: FakeNvml, missing: str, by: str) -> None:
    """A counter that a GPU or an older pynvml lacks costs nothing but itself."""
    full = read("0")
    if by == "the GPU":
        del nvml.answers[missing]
    else:
        delattr(nvml, f"nvmlDeviceGet{missing}")
    reading = read("0")
    assert reading.absent is None
    assert reading.sm_clock_mhz == 1980
    fields = ("power_w", "utilisation", "memory_used", "energy_j", "held_back", "slowed_by")
    assert sum(getattr(reading, name) != getattr(full, name) for name in fields) == (
        missing != "ComputeRunningProcesses"
    )


def test_reasons_have_their_older_names_in_older_bindings(nvml: FakeNvml) -> None:
    """Bindings and drivers that speak of throttle reasons are understood, and bits without a name are told."""
    for name in [name for name in vars(nvml) if name.startswith("nvmlClocksEventReason")]:
        delattr(nvml, name)
    del nvml.nvmlDeviceGetCurrentClocksEventReasons
    nvml.nvmlClocksThrottleReasonHwSlowdown = 8
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons = lambda _: 8 | 0x4000
    assert read("0").slowed_by == ("HwSlowdown", "bit 0x4000")


@pytest.mark.parametrize(
    ("device", "visible", "handle"),
    [
        pytest.param("1", None, "GPU-bbbb-2", id="by its place"),
        pytest.param("GPU-bbbb-2", "0", "GPU-bbbb-2", id="by its UUID, whatever is visible"),
        pytest.param(None, None, "GPU-aaaa-1", id="the first by default"),
        pytest.param(None, "1,0", "GPU-bbbb-2", id="the first that CUDA would use"),
        pytest.param(None, "GPU-bbbb-2", "GPU-bbbb-2", id="the one that the process was given"),
    ],
)
def test_the_gpu_that_is_read_is_the_one_that_is_used(
    nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch, device: str | None, visible: str | None, handle: str
) -> None:
    """NVML sees all GPUs of a machine, and CUDA_VISIBLE_DEVICES means nothing to it."""
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert read(device).absent is None
    assert set(nvml.asked) == {handle}


def test_other_processes_are_told_from_our_own(nvml: FakeNvml) -> None:
    """This process, its parent and its siblings are the session; whoever else computes on the GPU is named."""
    program = (
        "import subprocess, sys; process = subprocess.Popen([sys.executable, '-c', 'input()']);"
        "print(process.pid, flush=True); process.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as ended:
        ended.kill()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        other = int(child.stdout.readline())
        pids = (os.getpid(), os.getppid(), other, ended.pid)
        nvml.answers["ComputeRunningProcesses"] = lambda: [SimpleNamespace(pid=pid) for pid in pids]
        reading = read("0")
        child.stdin.close()
        child.wait(timeout=30)
    assert [process.pid for process in reading.others] == [other]
    assert "python" in reading.others[0].name
    assert reading.hidden == 1


def test_siblings_are_no_others(nvml: FakeNvml) -> None:
    """The worker that builds keeps its engine on the GPU while the one beside it is timed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as sibling:
        nvml.answers["ComputeRunningProcesses"] = lambda: [SimpleNamespace(pid=sibling.pid)]
        program = (
            "import os, sys; from harness.measurement.telemetry import _others;"
            f"print(_others([{sibling.pid}, {os.getpid()}, os.getpid()]))"
        )
        seen = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        sibling.kill()
    assert seen == "((), 0)\n"


def test_without_bindings_there_is_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading says what is missing and how to get it."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    telemetry._connect.cache_clear()
    reading = read("0")
    telemetry._connect.cache_clear()
    assert reading.absent is not None
    assert "pip install nvidia-ml-py" in reading.absent
    assert reading.sm_clock_mhz is None


def test_without_a_driver_there_is_no_telemetry(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading repeats what NVML said."""

    def refuse() -> None:
        raise nvml.NVMLError("Driver Not Loaded")

    monkeypatch.setattr(nvml, "nvmlInit", refuse)
    assert read("0").absent == "NVML does not answer, so there is no telemetry: Driver Not Loaded"


def test_a_gpu_that_is_not_there_is_named(nvml: FakeNvml) -> None:
    """The reason lists those that there are."""
    absent = read("GPU-zzzz").absent
    assert absent is not None
    assert "'GPU-zzzz'" in absent
    assert UUIDS[0] in absent


def test_nvml_is_started_once(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading costs the reading alone."""
    read("0")
    monkeypatch.setattr(nvml, "nvmlInit", pytest.fail)
    assert read("0").absent is None


def test_older_bindings_return_bytes(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """A UUID is a UUID, however it is handed over."""
    monkeypatch.setattr(nvml, "nvmlDeviceGetUUID", lambda handle: handle.encode())
    assert read("GPU-bbbb-2").absent is None
