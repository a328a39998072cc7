"""The machine: what identifies it, and what is worth knowing of it."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from typing import Any


@functools.cache
def processor_name() -> str:
    """Return the processor's marketing name, or the architecture where the system does not tell."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def host_identity() -> dict[str, Any]:
    """Return the facts of this machine that survive a reboot and change what is measured."""
    import psutil  # not in every interpreter that a worker runs under, where only the processor's name is asked for

    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "architecture": platform.machine(),
    }


def host_facts() -> dict[str, Any]:
    """Return what is worth reading beside a result but may differ tomorrow."""
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return {
        "kernel": platform.release(),
        "python": platform.python_version(),
        "governor": governor.read_text().strip() if governor.is_file() else None,
    }
