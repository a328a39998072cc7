from __future__ import annotations

import inspect
import re

import pytest

from harness import errors
from harness.errors import HarnessError, WorkerCrashed, WorkerTimedOut, describe_exit, unknown_value


def subclasses(kind: type[HarnessError]) -> list[type[HarnessError]]:
    """Return ``kind`` and all that derive from it and live in its module, depth first."""
    below = (c for k in kind.__subclasses__() if k.__module__ == kind.__module__ for c in subclasses(k))
    return [kind, *below]


def test_the_tree_at_the_top_of_the_module_is_the_tree_below_it() -> None:
    """Every exception is drawn under its parent, in the order in which it is defined."""
    drawn = re.findall(r"^([│ ├└─]*)(\w+)", (errors.__doc__ or "").partition("\n\n")[2], re.MULTILINE)
    expected = [(len(inspect.getmro(kind)) - len(inspect.getmro(HarnessError)), kind.__name__)
                for kind in subclasses(HarnessError)]  # fmt: skip
    assert [(len(branch) // 4, name) for branch, name in drawn] == expected


@pytest.mark.parametrize(
    ("exit_code", "text"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-11, "signal 11 (SIGSEGV)"),
        (-9, "signal 9 (SIGKILL)"),
        (-99, "signal 99"),
    ],
)
def test_an_end_by_signal_is_named(exit_code: int, text: str) -> None:
    """A crash reads as its signal's name, where it has one."""
    assert describe_exit(exit_code) == text


@pytest.mark.parametrize(
    ("value", "known", "text"),
    [
        pytest.param("fp61", ["fp32", "fp16"], "'fp61' is no precision. Did you mean 'fp16'? Known: fp16, fp32.",
                     id="a slip of the finger"),
        pytest.param("zzz", ["fp32", "fp16"], "'zzz' is no precision. Known: fp16, fp32.", id="nothing is near"),
        pytest.param("x", [], "'x' is no precision. Known: none.", id="nothing is known"),
        pytest.param("net-9", [f"net-{i}" for i in (1, 2, 3, 4, 5, 6, 7, 8, 90)] + ["a", "b", "c"],
                     "'net-9' is no precision. Did you mean 'net-90'? Known: net-90, net-8, net-7, net-6, net-5, "
                     "net-4, net-3, net-2, net-1, a and 2 more.", id="so many are known that most are left out"),
    ],
)  # fmt: skip
def test_an_unknown_value_is_told_with_the_known_ones(value: str, known: list[str], text: str) -> None:
    """The text quotes the value, suggests the nearest known one if any is near, and lists ten at most."""
    assert unknown_value("precision", value, known) == text


def test_a_crash_tells_signal_and_log() -> None:
    """The message ends with the end of the log; without one it has a single line."""
    crash = WorkerCrashed("build", -11, log_tail="Fatal Python error")
    assert crash.summary == "the worker died in 'build': signal 11 (SIGSEGV)"
    assert str(crash) == f"{crash.summary}\n--- end of the worker's log ---\nFatal Python error"
    assert str(WorkerCrashed("build", 1)) == "the worker died in 'build': exit code 1"


def test_a_deadline_tells_its_seconds_and_the_option_that_moves_it() -> None:
    """The message says how to mend it."""
    late = WorkerTimedOut("measure", 2.5)
    assert "within 2.5 s" in str(late)
    assert "--case-timeout" in str(late)
    assert (late.method, late.deadline) == ("measure", 2.5)
