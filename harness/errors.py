"""Every exception that the harness raises on purpose.

HarnessError
├── UsageError                 what was asked for cannot be done, nothing was written: exit code 2, pytest 4
│   ├── ModelError             the file is not ONNX, incomplete, or newer than its reader
│   ├── ProfileError           shapes that contradict each other or the graph
│   ├── CalibrationError       calibration data of the wrong shape, or not finite
│   ├── TargetError            an unknown GPU, or not the one that is present
│   ├── ConfigurationError     a setting that does not exist or has a wrong value
│   ├── HistoryError           the database cannot be opened, read or written
│   └── ReferenceDisagrees     a GPU computes something else of the FP32 graph than the CPU
├── Unsupported                a pair that a runtime or target cannot run: a skip with its reason, never a pass
├── RuntimeFailure             the runtime under test refused or failed, and said why
│   ├── BuildFailed
│   └── RunFailed
└── WorkerError                the process around the runtime ended
    ├── WorkerCrashed          by a signal or an exit code
    └── WorkerTimedOut         by its deadline
"""

from __future__ import annotations

import difflib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# An error is read in a terminal: more names than these hide the sentence before them.
_MOST_NAMES = 10


class HarnessError(Exception):
    """Any failure that the harness foresees."""


class UsageError(HarnessError):
    """What was asked for cannot be done; the text says how to mend it."""


class ModelError(UsageError):
    """A model file that cannot be read, or that its reader is too old for."""


class ProfileError(UsageError):
    """Shapes that contradict each other or the graph."""


class CalibrationError(UsageError):
    """Calibration data that cannot calibrate anything."""


class TargetError(UsageError):
    """A target that is not known, or is not the one present."""


class ConfigurationError(UsageError):
    """A setting that does not exist or has a value that it cannot have."""


class HistoryError(UsageError):
    """A history database that cannot be opened, read or written."""


class ReferenceDisagrees(UsageError):  # noqa: N818 - it says what happened
    """A reference that cannot vouch for anything, since it is not what the CPU computes."""


class Unsupported(HarnessError):  # noqa: N818 - it is an answer rather than an error
    """The runtime or the target has no way to run this; tests skip with the text as reason."""


class RuntimeFailure(HarnessError):  # noqa: N818 - "runtime failure error" says less
    """The runtime under test refused or failed."""


class BuildFailed(RuntimeFailure):
    """No engine came out of the graph."""


class RunFailed(RuntimeFailure):
    """The engine exists but did not produce its outputs."""


class WorkerError(HarnessError):
    """The process around the runtime ended before it answered."""

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(f"{message}\n--- end of the worker's log ---\n{log_tail}" if log_tail else message)
        self.summary = message
        self.log_tail = log_tail


class WorkerCrashed(WorkerError):  # noqa: N818 - it says what happened, as its siblings do
    """A worker ended by a signal (``exit_code`` < 0) or by an exit code of its own."""

    def __init__(self, method: str, exit_code: int, *, log_tail: str = "") -> None:
        super().__init__(f"the worker died in {method!r}: {describe_exit(exit_code)}", log_tail=log_tail)
        self.method = method
        self.exit_code = exit_code


class WorkerTimedOut(WorkerError):  # noqa: N818 - the same
    """A worker that did not answer before its deadline (seconds) and was killed."""

    def __init__(self, method: str, deadline: float, *, log_tail: str = "") -> None:
        super().__init__(
            f"the worker did not finish {method!r} within {deadline:g} s and was killed (raise it with --case-timeout)",
            log_tail=log_tail,
        )
        self.method = method
        self.deadline = deadline


def describe_exit(exit_code: int) -> str:
    """Say how a process ended, by the signal's name where it was a signal."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"signal {-exit_code} ({signal.Signals(-exit_code).name})"
    except ValueError:
        return f"signal {-exit_code}"


def unknown_value(what: str, value: str, known: Iterable[str]) -> str:
    """Say that ``value`` is no ``what``, suggest the nearest known one and list them; of very many the nearest ten."""
    names = sorted(known)
    near = difflib.get_close_matches(value, names, n=_MOST_NAMES, cutoff=0.5)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    if len(names) > _MOST_NAMES:
        nearest_first = list(dict.fromkeys([*near, *names]))[:_MOST_NAMES]
        listed = f"{', '.join(nearest_first)} and {len(names) - _MOST_NAMES} more"
    else:
        listed = ", ".join(names) if names else "none"
    return f"{value!r} is no {what}.{suggestion} Known: {listed}."
