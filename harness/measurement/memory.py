"""Memory of this process."""

from __future__ import annotations

from pathlib import Path

import psutil


def peak_host_memory() -> int:
    """Return the largest resident set that this process ever had, in bytes.

    On Linux this is VmHWM. ``getrusage`` will not do: its peak is handed on through fork and exec, so a small process
    started by a large one reports the large one's.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))
