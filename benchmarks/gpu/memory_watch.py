"""Memory of a process and of the GPU, read every few seconds beside whatever happens."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from harness.measurement.telemetry import read as read_gpu

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class MemoryReading:
    """Memory at one moment.

    Attributes:
        seconds: since the watch began.
        host: resident bytes of the process.
        device: bytes in use on the GPU by whomever; None where nothing tells.
    """

    seconds: float
    host: int
    device: int | None


class MemoryWatch:
    """Reads the memory of process ``pid`` in a thread of its own, and when asked.

    The GPU's memory is that of all processes: inside a container NVML does not tell which one holds what. A soak
    therefore wants a GPU of its own.

    Args:
        pid: the process.
        every: seconds between two readings.
        device_memory: returns the GPU's bytes in use, or None.
    """

    def __init__(
        self, pid: int, every: float, device_memory: Callable[[], int | None] = lambda: read_gpu().memory_used
    ) -> None:
        self.readings: list[MemoryReading] = []
        self._process, self._every, self._device_memory = psutil.Process(pid), every, device_memory
        self._started = time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def __enter__(self) -> MemoryWatch:  # noqa: PYI034 - Self is new in Python 3.11
        """Start reading."""
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading."""
        self._ending.set()
        self._thread.join()

    def read(self) -> MemoryReading:
        """Read now, for the caller alone.

        Raises:
            psutil.NoSuchProcess: the process has ended.
        """
        seconds = round(time.monotonic() - self._started, 2)
        return MemoryReading(seconds, self._process.memory_info().rss, self._device_memory())

    def _watch(self) -> None:
        while not self._ending.wait(self._every):
            try:
                self.readings.append(self.read())
            except psutil.NoSuchProcess:
                return  # whoever uses the process finds out for itself
