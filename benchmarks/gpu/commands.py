"""Commands that must end by a time: asked to as by Ctrl-C first, so that a session ends in order."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# A session that is interrupted ends its workers, its history and its report.
_SECONDS_TO_END = 60.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended.

    Attributes:
        exit_code: negative where a signal ended it.
        seconds: of wall time.
        interrupted: whether it was asked to end before it had.
    """

    exit_code: int
    seconds: float
    interrupted: bool


def run_until(
    command: Sequence[str],
    seconds: float,
    *,
    every: float = 0.2,
    meanwhile: Callable[[float], object] = lambda _: None,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    grace: float = _SECONDS_TO_END,
) -> Ended:
    """Run a command, interrupt it after a time, and kill it if it does not end then.

    Args:
        command: program and arguments.
        seconds: after which it is interrupted.
        every: seconds between two calls of ``meanwhile``.
        meanwhile: is told the seconds passed, as long as the command runs.
        log: where its output is appended; by default it goes where this program's own goes.
        environment: of the command; by default that of this program.
        grace: seconds that it has to end once it was interrupted.
    """
    began = time.monotonic()
    output = log.open("ab") if log else None
    try:
        process = subprocess.Popen(list(command), stdout=output, stderr=subprocess.STDOUT if log else None,
                                   env=environment)  # fmt: skip
    finally:
        if output:
            output.close()
    interrupted = False
    try:
        while process.poll() is None:
            passed = time.monotonic() - began
            meanwhile(passed)
            if passed > seconds and not interrupted:
                process.send_signal(signal.SIGINT)
                interrupted = True
            if passed > seconds + grace:
                process.kill()  # its workers end with it
            time.sleep(every)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Ended(exit_code=process.returncode, seconds=round(time.monotonic() - began, 2), interrupted=interrupted)
