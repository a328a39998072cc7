"""Time between trials that confirm each other: a passing state of the machine must not speak for all of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What a session waits for altogether: many regressions at once are not the machine's passing state.
MOST_SECONDS = 120.0


class Spacing:
    """Waits between trials, within what a session has to spare.

    Two virtual processors that a neighbour slowed down now and then gave latencies whose states, up to 1.7 times
    apart, lasted for seconds: their autocorrelation was 0.5 after 3 s and gone after 6 s. Five trials within two
    seconds are one observation of such a state, not five.

    Args:
        seconds: between the end of a trial and the start of the one that confirms it; 0 waits for nothing.
        budget: seconds that may be waited for altogether.
        sleep: waits for so many seconds.
    """

    def __init__(
        self, seconds: float, *, budget: float = MOST_SECONDS, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._seconds, self._left, self._sleep = seconds, budget, sleep

    def wait(self) -> float:
        """Wait, and return for how many seconds."""
        seconds = min(self._seconds, self._left)
        if seconds <= 0:
            return 0.0
        self._left -= seconds
        self._sleep(seconds)
        return seconds
