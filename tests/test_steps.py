from __future__ import annotations

from typing import NoReturn

import pytest

from harness.errors import RunFailed, Unsupported
from harness.steps import NotReached, Steps


def broken() -> NoReturn:
    """Fail in two lines."""
    raise RunFailed("out of memory\nat node 7")


def test_a_step_is_done_once() -> None:
    """Asked again, a step answers from memory, and `done` tells its answer without running anything."""
    steps, answers = Steps(), iter(["first", "second"])
    assert steps.done("build") is None
    assert [steps.once("build", lambda: next(answers)) for _ in range(2)] == ["first", "first"]
    assert steps.done("build") == "first"


def test_a_failure_is_told_once() -> None:
    """Whoever asks after the first is told in one line which step failed, and it has no answer."""
    steps = Steps()
    with pytest.raises(RunFailed):
        steps.once("build", broken)
    with pytest.raises(NotReached, match=r"^not run, because build failed: out of memory$"):
        steps.once("build", lambda: "built")
    assert steps.done("build") is None


def test_a_step_behind_a_failure_leaves_the_blame_to_it() -> None:
    """What waits for a broken step names that step, however often it is asked."""
    steps = Steps()
    with pytest.raises(RunFailed):
        steps.once("build", broken)
    for _ in range(2):
        with pytest.raises(NotReached, match=r"^not run, because build failed: out"):
            steps.once("outputs", lambda: steps.once("build", broken))


def test_what_is_unsupported_is_said_each_time() -> None:
    """A refusal is no failure: all who ask get its reason."""

    def refused() -> NoReturn:
        raise Unsupported("no tensor cores")

    steps = Steps()
    for _ in range(2):
        with pytest.raises(Unsupported, match="no tensor cores"):
            steps.once("graph", refused)
