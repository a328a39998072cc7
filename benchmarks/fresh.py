"""Runs a command in a process of its own and takes its wall time and its largest resident memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import resource
    from collections.abc import Sequence

# ru_maxrss is in kB on Linux and in bytes on macOS.
_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class FreshRun:
    """What one process took.

    Attributes:
        seconds: of wall time, from its start to its end.
        peak_bytes: its largest resident memory, shared libraries and mapped files included.
    """

    seconds: float
    peak_bytes: int


def run_fresh(command: Sequence[str], log: int = subprocess.DEVNULL) -> FreshRun:
    """Run ``command`` and wait for it.

    Args:
        command: a program and its arguments.
        log: a file descriptor for what it prints.

    Raises:
        subprocess.CalledProcessError: it ended with another exit code than 0.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=log, stderr=None if log == subprocess.DEVNULL else log)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return FreshRun(seconds, _of(usage))


def _of(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * _UNIT
