from __future__ import annotations

import time

import pytest

from benchmarks.gpu.overhead import compare, described, goal_word, our_block
from benchmarks.gpu.paired import Ratio


def test_a_block_of_ours_runs_as_often_as_one_of_the_other() -> None:
    """No warm-up and no limit of time changes the count."""
    runs: list[float] = []
    seconds = our_block(lambda: runs.append(0.0) or 0.0, 37)
    assert len(runs) == 37
    assert seconds < 1


def test_a_loop_that_takes_longer_is_found_to() -> None:
    """A timer of 2 ms beside a bare loop of 1 ms a run is about twice as slow, and misses the goal."""

    def timed() -> float:
        time.sleep(2e-3)
        return 2.0

    def bare(runs: int) -> float:
        started = time.perf_counter()
        for _ in range(runs):
            time.sleep(1e-3)
        return time.perf_counter() - started

    found = compare(timed, bare, pairs=6, block_seconds=0.02)
    assert 1.3 < found["ratio"] < 3
    assert found["goal"] == "missed"
    assert found["runs"] < 40
    assert described(found).endswith("missed")


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.99, 1.02, "reached"), (1.01, 1.05, "undecided"), (1.04, 1.06, "missed")],
)
def test_an_interval_across_the_goal_decides_nothing(low: float, high: float, word: str) -> None:
    """Only a whole interval on one side of 3 % is an answer."""
    assert goal_word(Ratio(ratio=1.0, low=low, high=high, pairs=5, ours_us=1.0, bare_us=1.0)) == word
