"""What a GPU tells of itself through NVML, read when asked and never in between.

A reading takes some milliseconds and wakes the driver, so it belongs between timed windows. Nothing here changes a
clock, a power limit or any other setting.
"""

from __future__ import annotations

import functools
import importlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from harness.measurement.devices import Gpu, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# NVML called them throttle reasons, and calls them event reasons since version 12; the driver may know only the former.
_REASON_PREFIXES = ("nvmlClocksEventReason", "nvmlClocksThrottleReason")
_REASON_QUERIES = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")

# Limits that hold clocks back, each with a counter of the time for which it did.
_POLICIES = ("POWER", "THERMAL", "SYNC_BOOST", "BOARD_LIMIT", "RELIABILITY")


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on the GPU."""

    pid: int
    name: str


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """A GPU at one moment; None stands for what it does not tell.

    Attributes:
        at: seconds of the monotonic clock.
        absent: why there is no reading at all; everything else is then empty.
        sm_clock_mhz: of the multiprocessors.
        memory_clock_mhz: of the device's memory.
        temperature_c: of the chip.
        power_w: drawn, averaged by the driver over up to a second.
        power_limit_w: in force.
        slowed_by: why clocks are not as high as they could be, by NVML's names, e.g. ``SwPowerCap``.
        held_back: seconds since the driver was loaded for which a limit held clocks back, by the limit's name.
        utilisation: share of the driver's last sampling period in which a kernel ran, 0 to 1.
        memory_used: bytes, by all processes and the driver.
        others: processes that compute on it, but for this one, its parent and its siblings.
        hidden: how many more compute on it that are not in this process's namespace. In a container this process
            itself may be one of them.
        energy_j: since the driver was loaded.
    """

    at: float
    absent: str | None = None
    sm_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    slowed_by: tuple[str, ...] = ()
    held_back: Mapping[str, float] = field(default_factory=dict)
    utilisation: float | None = None
    memory_used: int | None = None
    others: tuple[GpuProcess, ...] = ()
    hidden: int = 0
    energy_j: float | None = None


def read(device: str | None = None) -> GpuReading:
    """Read a GPU once.

    Args:
        device: its place in the order of the PCI bus, or its UUID; by default the first that CUDA would use here.

    Returns:
        The reading; without NVML, a driver or such a GPU, one that says so in ``absent``.
    """
    selection = os.environ.get("CUDA_VISIBLE_DEVICES") if device is None else device
    connection = _connect(selection)
    if isinstance(connection, str):
        return GpuReading(at=time.monotonic(), absent=connection)
    ask = connection
    nvml = ask.nvml
    utilisation = ask("nvmlDeviceGetUtilizationRates")
    memory = ask("nvmlDeviceGetMemoryInfo")
    others, hidden = _others(process.pid for process in ask("nvmlDeviceGetComputeRunningProcesses") or ())
    return GpuReading(
        at=time.monotonic(),
        sm_clock_mhz=ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM),
        memory_clock_mhz=ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_MEM),
        temperature_c=ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
        power_w=_thousandth(ask("nvmlDeviceGetPowerUsage")),
        power_limit_w=_thousandth(ask("nvmlDeviceGetEnforcedPowerLimit")),
        slowed_by=_names_of(_first(ask(query) for query in _REASON_QUERIES), _reason_names(nvml)),
        held_back=_held_back(ask),
        utilisation=None if utilisation is None else utilisation.gpu / 100,
        memory_used=None if memory is None else memory.used,
        others=others,
        hidden=hidden,
        energy_j=_thousandth(ask("nvmlDeviceGetTotalEnergyConsumption")),
    )


class _Connection:
    """One GPU of an initialised NVML; a call is one question to it."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml, self._handle = nvml, handle

    def __call__(self, query: str, *arguments: Any) -> Any:
        """Return the answer, or None where the bindings, the driver or the GPU have none."""
        function = getattr(self.nvml, query, None)
        if function is None:
            return None
        try:
            return function(self._handle, *arguments)
        except self.nvml.NVMLError:
            return None


@functools.cache
def _connect(selection: str | None) -> _Connection | str:
    """Return the first GPU that ``selection`` names as CUDA_VISIBLE_DEVICES would, or the reason why there is none.

    NVML is initialised once in a process, and ends with it.
    """
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return "pynvml is not installed, so there is no telemetry: pip install nvidia-ml-py"
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        gpus = [
            Gpu(index=index, name="", uuid=_text(nvml.nvmlDeviceGetUUID(handle)), driver="")
            for index, handle in enumerate(handles)
        ]
    except nvml.NVMLError as error:
        return f"NVML does not answer, so there is no telemetry: {error}"
    chosen = visible(gpus, selection)
    if not chosen:
        return f"NVML knows no GPU {selection!r}, so there is no telemetry; it has {[gpu.uuid for gpu in gpus]}"
    return _Connection(nvml, handles[chosen[0].index])


def _reason_names(nvml: Any) -> dict[int, str]:
    """Return the name of each reason by its bit, as these bindings call it; no bit bears the names "None" and "All"."""
    names: dict[int, str] = {}
    for prefix in _REASON_PREFIXES:
        for attribute, value in vars(nvml).items():
            if attribute.startswith(prefix) and isinstance(value, int):
                names.setdefault(value, attribute.removeprefix(prefix))
    return names


def _names_of(bits: int | None, names: Mapping[int, str]) -> tuple[str, ...]:
    """Return the names of the bits that are set; one that these bindings do not know is told by its number."""
    single = (1 << place for place in range((bits or 0).bit_length()))
    return tuple(names.get(bit, f"bit {bit:#x}") for bit in single if bit & (bits or 0))


def _held_back(ask: _Connection) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for policy in _POLICIES:
        number = getattr(ask.nvml, f"NVML_PERF_POLICY_{policy}", None)
        status = None if number is None else ask("nvmlDeviceGetViolationStatus", number)
        if status is not None:
            seconds[policy.lower()] = status.violationTime / 1e9  # nanoseconds
    return seconds


def _others(pids: Iterable[int]) -> tuple[tuple[GpuProcess, ...], int]:
    """Return the processes that are not of this session, and how many cannot be seen from here."""
    parent = os.getppid()
    found, hidden = [], 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            # Siblings are the other workers of the session, which do not run while this one is being timed.
            ours = pid in (os.getpid(), parent) or process.ppid() == parent
            if not ours:
                found.append(GpuProcess(pid, process.name()))
        except psutil.NoSuchProcess:
            hidden += 1
        except psutil.AccessDenied:
            found.append(GpuProcess(pid, "unknown"))
    return tuple(found), hidden


def _first(answers: Iterable[int | None]) -> int | None:
    return next((answer for answer in answers if answer is not None), None)


def _thousandth(value: int | None) -> float | None:
    return None if value is None else value / 1000  # NVML counts in milliwatts and millijoules


def _text(value: str | bytes) -> str:
    # Bindings before version 11.5 return bytes.
    return value.decode() if isinstance(value, bytes) else value
