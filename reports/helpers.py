"""Writing a large report with more than one processor: helping processes take files from the list until it is empty.

Each helper reads the same history by itself, says whether it sees the very same report, and then writes the files that
it is told. What a helper does not do, because it fails or sees another report, the process that started it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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


def write_shared(
    names: Sequence[str], write: Callable[[str], str], setup: Mapping[str, Any], helpers: int
) -> dict[str, str]:
    """Write files, with helpers beside this process, and return the state of each.

    Args:
        names: of the files; helpers begin with the first, this process with the last.
        write: writes one of them in this process, and returns its state.
        setup: what a helper is told first; see ``reports.helping``.
        helpers: how many there are.
    """
    pending = deque(names)
    states: dict[str, str] = {}
    with _at_work(pending, states, setup, helpers) as threads:
        while pending:
            while True:
                try:
                    name = pending.pop()
                except IndexError:  # a helper may have taken the last one since
                    break
                states[name] = write(name)
            # A helper that fails puts back what it had taken.
            for thread in threads:
                thread.join()
    return states


@contextmanager
def _at_work(
    pending: deque[str], states: dict[str, str], setup: Mapping[str, Any], helpers: int
) -> Iterator[list[Thread]]:
    processes = [_start() for _ in range(helpers)]
    threads = [Thread(target=_feed, args=(each, pending, states, setup), daemon=True) for each in processes]
    try:
        for thread in threads:
            thread.start()
        yield threads
    finally:
        for process in processes:
            process.kill()
        for thread in threads:
            thread.join()
        for process in processes:
            process.communicate()


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


def _feed(
    process: subprocess.Popen[str], pending: deque[str], states: dict[str, str], setup: Mapping[str, Any]
) -> None:
    """Tell a helper what to write until there is nothing left, or until it is lost."""
    taken: list[str] = []
    try:
        if not _ask(process, setup)["same"]:
            return
        while pending:
            for _ in range(_AT_ONCE):
                try:
                    taken.append(pending.popleft())
                except IndexError:
                    break
            states.update(_ask(process, taken))
            taken = []
    except (OSError, ValueError, LookupError):
        # Killed, out of memory or disk: this process will meet the reason itself, if it is one for it, too.
        pending.extendleft(reversed(taken))


def _ask(process: subprocess.Popen[str], question: object) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())
