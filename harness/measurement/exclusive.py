"""One process at a time: what is timed on a GPU shares it with nobody who asks here first."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS_BETWEEN_TRIES = 0.05


@contextmanager
def exclusive(
    resource: str, *, waiting: Callable[[str], None] = lambda _: None, folder: Path | None = None
) -> Iterator[float]:
    """Hold ``resource`` against every other process of this machine for as long as the block lasts.

    The lock is one of the operating system (``flock`` on a file in the temporary folder), so it ends with its process,
    however that ends. It is not handed on to processes started meanwhile, and taking it twice in one process waits for
    ever.

    Args:
        resource: what is held, e.g. the UUID of a GPU.
        waiting: is told once, in a sentence, if somebody else holds it.
        folder: where the lock files are; all who are to be kept apart must name the same one.

    Yields:
        The seconds that were waited.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = (folder or Path(tempfile.gettempdir())) / f"trt-harness-{re.sub('[^A-Za-z0-9.-]+', '_', resource)}.lock"
    started = time.monotonic()
    descriptor = _open(path)
    try:
        if not _taken(descriptor):
            waiting(f"waiting for {resource}, which {_holder(path)} is using")
            while not _taken(descriptor):
                time.sleep(_SECONDS_BETWEEN_TRIES)
        _sign(path)
        yield time.monotonic() - started
    finally:
        # Never removed: whoever waits on a file that is gone would hold a lock that nobody else sees.
        os.close(descriptor)


def _open(path: Path) -> int:
    # An existing file is opened as it is: in a folder that all may write to, Linux refuses O_CREAT on somebody else's
    # (fs.protected_regular). Reading is enough to lock, so sessions of several users keep each other out.
    while True:
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError:
            continue  # another process was first


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(path: Path) -> None:
    """Leave word of who holds the lock, where the file is ours."""
    try:
        path.write_text(f"{os.getpid()}\n", encoding="ascii")
    except OSError:
        return  # the file is another user's: those who wait cannot be told who holds it, but wait all the same


def _holder(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    # A holder that may not write here leaves the name of one before it, which has most often ended.
    return f"process {text}" if text.isdecimal() and psutil.pid_exists(int(text)) else "another process"
