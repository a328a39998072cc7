from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.gpu.memory_watch import MemoryWatch

HOLDS_64_MIB = "import sys; held = b'x' * (64 << 20); print('up', flush=True); sys.stdin.read()"


def test_another_process_is_read_until_it_ends() -> None:
    """Its resident memory is there in every reading, beside the GPU's; its end ends the watch, not the program."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS_64_MIB], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    with MemoryWatch(process.pid, 0.02, lambda: 5) as watch:
        deadline = time.monotonic() + 20
        while len(watch.readings) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.stdin.close()
        process.wait()
        process.stdout.close()
        with pytest.raises(psutil.NoSuchProcess):
            watch.read()
    first, *_, last = watch.readings
    assert first.host > 64 << 20
    assert first.device == 5
    assert last.seconds > first.seconds
