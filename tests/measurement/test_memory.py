from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIB = 2**20


def peak_of(code: str) -> int:
    """Run ``code`` in a process of its own and return the bytes that it prints last."""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return int(answer.stdout)


def test_the_peak_remembers_what_was_freed() -> None:
    """100 MiB that are gone again still count."""
    read = "from harness.measurement.memory import peak_host_memory\n"
    small = peak_of(f"{read}print(peak_host_memory())")
    large = peak_of(
        f"{read}block = bytearray({100 * MIB})\nblock[:] = b'x' * len(block)\ndel block\nprint(peak_host_memory())"
    )
    assert small > MIB
    assert large - small >= 90 * MIB


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux hands a peak on through exec")
def test_the_peak_is_not_the_parents() -> None:
    """A small process that a large one started reports its own peak."""
    read = "from harness.measurement.memory import peak_host_memory; print(peak_host_memory())"
    parent = (
        f"import subprocess, sys; block = b'x' * {300 * MIB}\n"
        f"print(subprocess.run([sys.executable, '-c', {read!r}], capture_output=True, check=True).stdout.decode())"
    )
    assert peak_of(parent) < 200 * MIB
