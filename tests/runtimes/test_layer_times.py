from __future__ import annotations

from itertools import count

import pytest

from harness.runtimes.layer_times import median_times, repeat_runs, time_shares


@pytest.mark.parametrize(
    ("seconds", "runs"),
    [
        pytest.param(0.001, 22, id="a quick engine: two to warm up and twenty to count"),
        pytest.param(0.125, 8, id="as many as fit into a second"),
        pytest.param(30.0, 5, id="a slow engine: two and three"),
    ],
)
def test_a_profile_is_soon_over(seconds: float, runs: int) -> None:
    """The number of runs is bounded from both sides, and between them by a second."""
    now = 0.0

    def run_once() -> None:
        nonlocal now
        now += seconds

    assert repeat_runs(run_once, clock=lambda: now) == runs


def test_every_run_that_is_counted_was_made() -> None:
    """What is returned is how often the engine ran."""
    calls = count()
    assert repeat_runs(lambda: next(calls)) == next(calls)


def test_the_median_leaves_out_what_warmed_up() -> None:
    """Of each layer the middle of the counted runs stands for it, also where a run did not have the layer."""
    runs = [{"a": 90.0}, {"a": 80.0}, {"a": 1.0}, {"a": 3.0, "b": 5.0}, {"a": 2.0, "b": 7.0}]
    assert median_times(runs) == {"a": 2.0, "b": 6.0}


@pytest.mark.parametrize(
    ("layers", "shares"),
    [
        pytest.param([("float16", 3.0), ("float32", 1.0)], {"float16": 0.75, "float32": 0.25}, id="two types"),
        pytest.param([("float16", 3.0), ("", 9.0)], {"float16": 1.0}, id="what moves data counts for none"),
        pytest.param([("int8", 2.0), ("int8", 2.0), ("float32", None)], {"int8": 1.0}, id="what was not timed, too"),
        pytest.param([("float16", None), ("", None)], {}, id="nothing was timed"),
        pytest.param([("float16", 0.0)], {}, id="below the clock's step"),
        pytest.param([], {}, id="no layer"),
    ],
)
def test_time_is_shared_out_among_the_types_that_compute(
    layers: list[tuple[str, float | None]], shares: dict[str, float]
) -> None:
    """The shares are of the time that goes into arithmetic, and sum to 1."""
    assert time_shares(layers) == shares
