from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.measurement.exclusive import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from harness.measurement.exclusive import exclusive
with exclusive("GPU-1", folder=Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process_holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that holds GPU-1 until it is given a line to read."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_what_nobody_holds_is_had_at_once(tmp_path: Path) -> None:
    """No message, no wait, and again and again."""
    for _ in range(3):
        with exclusive("GPU-1", folder=tmp_path, waiting=pytest.fail) as waited:
            assert waited < 1


def test_two_resources_are_had_at_once(tmp_path: Path) -> None:
    """GPUs are held one by one."""
    with exclusive("GPU-1", folder=tmp_path), exclusive("GPU-2", folder=tmp_path, waiting=pytest.fail):
        assert len(list(tmp_path.iterdir())) == 2


def test_whoever_comes_second_waits_and_says_for_whom(tmp_path: Path) -> None:
    """The wait ends when the holder lets go, and its length is told."""
    messages: list[str] = []
    with another_process_holding(tmp_path) as holder:
        assert holder.stdin is not None

        def let_go(message: str) -> None:
            messages.append(message)
            threading.Timer(0.3, lambda: print(file=holder.stdin, flush=True)).start()

        with exclusive("GPU-1", folder=tmp_path, waiting=let_go) as waited:
            assert waited >= 0.3
        assert messages == [f"waiting for GPU-1, which process {holder.pid} is using"]


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    """However a session ends, the next one does not wait for it."""
    with another_process_holding(tmp_path) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with exclusive("GPU-1", folder=tmp_path, waiting=pytest.fail):
            pass


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    """A block that fails does not keep the resource."""
    with pytest.raises(RuntimeError), exclusive("GPU-1", folder=tmp_path):
        raise RuntimeError
    with exclusive("GPU-1", folder=tmp_path, waiting=pytest.fail):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """Of several that come together, no two are ever inside."""
    program = """
import sys, time
from pathlib import Path
from harness.measurement.exclusive import exclusive
folder = Path(sys.argv[1])
for _ in range(5):
    with exclusive("GPU-1", folder=folder):
        inside = folder / "inside"
        inside.touch(exist_ok=False)
        time.sleep(0.01)
        inside.unlink()
"""
    processes = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]


def test_a_name_becomes_one_file_in_the_folder(tmp_path: Path) -> None:
    """Whatever the resource is called, no path is made of it."""
    with exclusive("../GPU 1/x", folder=tmp_path):
        (file,) = tmp_path.iterdir()
    assert file.parent == tmp_path
    assert file.name.startswith("trt-harness-")


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    """In a folder that everybody may write to, nobody can make a session write into another file."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "trt-harness-GPU-1.lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), exclusive("GPU-1", folder=tmp_path):
        pass
    assert victim.read_text() == "precious"


def test_a_dead_holder_is_not_named(tmp_path: Path) -> None:
    """A number left behind by a process that has ended is not taken for whoever holds the lock now."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    messages: list[str] = []
    with another_process_holding(tmp_path) as holder:
        (tmp_path / "trt-harness-GPU-1.lock").write_text(f"{ended.pid}\n")

        def let_go(message: str) -> None:
            messages.append(message)
            holder.kill()

        start = time.monotonic()
        with exclusive("GPU-1", folder=tmp_path, waiting=let_go):
            assert time.monotonic() - start < 30
    assert messages == ["waiting for GPU-1, which another process is using"]
