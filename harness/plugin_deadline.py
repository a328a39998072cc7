"""``--stop-after``: a session that ends by itself in time, so that another can go on with it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


class Deadline:
    """Begins no further item once the time is up, and ends the run as interrupted: what is recorded can be resumed.

    The item at work is not broken off, so leave room for the longest of them, and for the report.

    Args:
        seconds: from now on.
        session_id: tells the session's id.
    """

    def __init__(self, seconds: float, session_id: Callable[[], str]) -> None:
        self._seconds, self._session_id = seconds, session_id
        self._end = time.monotonic() + seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Leave out the item, which ends the run, if the time is up."""
        if time.monotonic() < self._end:
            return None
        item.session.shouldstop = (
            f"--stop-after {self._seconds:g}: the time is up; go on with --resume {self._session_id()}"
        )
        return True


def seconds_of(text: str) -> float:
    """Read what ``--stop-after`` was given.

    Raises:
        ConfigurationError: it is no number of seconds above 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigurationError(f"--stop-after takes a number of seconds above 0, e.g. 480, not {text!r}")
    return seconds
