"""What was done of a case, so that each step is done once and a failure is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import HarnessError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class NotReached(HarnessError):  # noqa: N818 - it is an answer rather than an error
    """A step that was not tried because one before it failed, which was reported there."""


class Steps:
    """Remembers the answer of each step by its name, or that it failed."""

    def __init__(self) -> None:
        self._results: dict[str, Any] = {}
        self._failures: dict[str, HarnessError] = {}

    def done(self, step: str) -> Any:
        """Return what ``step`` returned, or None if it was not run or failed."""
        return self._results.get(step)

    def once(self, step: str, compute: Callable[[], T]) -> T:
        """Return what ``compute`` returned for this step before, or ask it now.

        Raises:
            NotReached: the step failed before, and whoever asked first got the failure itself. What is Unsupported is
                none and is said again, and a step behind one that failed leaves the blame to that one.
        """
        if step in self._failures:
            raise NotReached(f"not run, because {step} failed: {str(self._failures[step]).splitlines()[0]}")
        if step not in self._results:
            try:
                self._results[step] = compute()
            except Unsupported:
                raise
            except HarnessError as failure:
                if not isinstance(failure, NotReached):
                    self._failures[step] = failure
                raise
        result: T = self._results[step]
        return result
