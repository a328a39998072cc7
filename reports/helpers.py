"""Writing a large report with more than one processor: helping processes take files from the list until it is empty.

Each helper reads the same history by itself, says what report it sees, and then writes the files that it is told. What
a helper does not do, because it fails or sees another report, the process that started it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

# A helper needs about a second before it writes its first file, which takes tens of milliseconds.
_WORTH_A_HELPER = 100
# More than these are kept waiting by the disk, and each needs its memory.
_MOST_HELPERS = 3
# As many as a helper is told at a time: neighbours are of one model, which is read once for all of them.
_AT_ONCE = 5


def helpers_for(files: int) -> int:
    """Return how many helpers so many files are worth on this machine."""
    if files < _WORTH_A_HELPER:
        return 0
    # What this process may run on, where the system tells.
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors - 1, files // _WORTH_A_HELPER, _MOST_HELPERS)


class Helpers:
    """The helping processes of one report; as a context manager it leaves none of them behind."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        """Start nothing yet.

        Args:
            setup: what report it is, and where it is written; see ``reports.helping``.
        """
        self._setup = setup
        self._helpers: list[_Helper] = []

    def __enter__(self) -> Helpers:  # noqa: PYI034 - Self is new in Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for helper in self._helpers:
            helper.end()

    def start(self, count: int) -> None:
        """Have ``count`` helpers in all, which read the history from now on, whether or not they get anything to do."""
        while len(self._helpers) < count:
            self._helpers.append(_Helper(self._setup))

    def write(self, names: Sequence[str], write: Callable[[str], str], digest: str) -> dict[str, str]:
        """Write files, with the helpers beside this process, and return the state of each.

        Args:
            names: of the files; helpers begin with the first, this process with the last.
            write: writes one of them in this process, and returns its state.
            digest: of the report; a helper that sees another one gets nothing to do.
        """
        work = _Work(names)
        for helper in self._helpers:
            helper.begin(work, digest)
        while True:
            if name := work.take_last():
                work.states[name] = write(name)
            # A helper that has not begun by now is not waited for; one that fails puts back what it had taken.
            elif busy := work.busy():
                busy.join()
            else:
                return work.states


class _Work:
    """The files that are still to be written, and who writes some of them now."""

    def __init__(self, names: Sequence[str]) -> None:
        self.states: dict[str, str] = {}
        self._pending = deque(names)
        self._taken: dict[Thread, list[str]] = {}
        self._lock = Lock()

    def take_last(self) -> str | None:
        with self._lock:
            return self._pending.pop() if self._pending else None

    def take_first(self, thread: Thread) -> list[str]:
        """Give a thread the next few, of what is left never more than a third."""
        with self._lock:
            count = min(_AT_ONCE, -(-len(self._pending) // 3))
            taken = self._taken[thread] = [self._pending.popleft() for _ in range(count)]
            return taken

    def give_back(self, thread: Thread, *, done: Mapping[str, str]) -> None:
        """Take note of what a thread has done, and of what it had taken and has not."""
        with self._lock:
            self.states.update(done)
            left = [name for name in self._taken.pop(thread, ()) if name not in done]
            self._pending.extendleft(reversed(left))

    def busy(self) -> Thread | None:
        with self._lock:
            return next((thread for thread, taken in self._taken.items() if taken), None)


class _Helper:
    """A process, and in ``write`` a thread that waits for its answers."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self._process = _start()
        self._thread: Thread | None = None
        with suppress(OSError):  # one that has died already is found out when it is to do something
            _tell(self._process, setup)

    def begin(self, work: _Work, digest: str) -> None:
        self._thread = Thread(target=self._work, args=(work, digest), daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._process.kill()
        if self._thread:
            self._thread.join()
        self._process.communicate()

    def _work(self, work: _Work, digest: str) -> None:
        """Tell the process what to write until there is nothing left, or until it is lost."""
        thread = current_thread()
        try:
            if _answer(self._process)["digest"] != digest:
                return
            while names := work.take_first(thread):
                _tell(self._process, names)
                work.give_back(thread, done=_answer(self._process))
        except (OSError, ValueError, LookupError):
            # Killed, out of memory or disk: this process will meet the reason itself, if it is one for it, too.
            work.give_back(thread, done={})


def _start() -> subprocess.Popen[str]:
    inherited = os.environ.get("PYTHONPATH")
    paths = [str(Path(__file__).resolve().parents[1]), *([inherited] if inherited else [])]
    return subprocess.Popen(
        [sys.executable, "-m", "reports.helping"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        encoding="utf-8",
    )


def _tell(process: subprocess.Popen[str], what: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


def _answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())
