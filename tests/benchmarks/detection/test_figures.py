"""Figures: whether a goal is reached, how sure a share is, and their tables."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.figures import Figure, Goal, at_least, at_most, error_of_mean, error_of_share, markdown, share

PLACE = {"table": "Gate", "method": "ours", "noise": "none"}


@pytest.mark.parametrize(
    ("goal", "value", "expected"),
    [
        pytest.param(at_most(0.1), 0.1, True, id="at most includes the bound"),
        pytest.param(at_most(0.1), 0.11, False, id="above at most"),
        pytest.param(at_least(0.9), 0.9, True, id="at least includes the bound"),
        pytest.param(at_least(0.9), 0.89, False, id="below at least"),
    ],
)
def test_goal(goal: Goal, value: float, expected: bool) -> None:
    """A goal is reached on its own side, the bound included."""
    assert goal.is_reached(value) == expected


def test_error_of_share_is_that_of_simulated_shares() -> None:
    """The standard error is the deviation that shares of as many draws have."""
    hits = np.random.default_rng(0).binomial(500, 0.1, 20_000)
    assert error_of_share(50, 500) == pytest.approx((hits / 500).std(), rel=0.02)


def test_nothing_of_many_is_not_certain() -> None:
    """No alarm in a thousand series leaves an error of about half an alarm and more."""
    assert 0.0005 < error_of_share(0, 1000) < 0.001


def test_error_of_mean() -> None:
    """The standard error of a mean is the sample deviation over the root of the count."""
    assert error_of_mean([1.0, 2.0, 3.0, 4.0]) == pytest.approx(1.2909944 / 2)


def test_missed_goal_is_written_where_it_is_read() -> None:
    """Table and JSON both say that a goal was missed, and where there was none say nothing of goals."""
    missed = share(20, 100, what="false alarms", goal=at_most(0.1), **PLACE)
    free = Figure(value=1.5, error=0.1, simulations=10, unit="ms", what="time", **PLACE)
    table = markdown([missed, free])
    assert "20 % ± 4.02 % (≤ 10 %: MISSED)" in table
    assert "1.5 ms ± 0.1 ms |" in table
    assert missed.to_json()["reached"] is False
    assert missed.to_json()["goal"] == "at most 0.1"
    assert "reached" not in free.to_json()


def test_table_has_a_row_for_each_method_and_noise() -> None:
    """Figures of one method under one noise stand in one row, under their own columns."""
    other = {**PLACE, "method": "theirs"}
    table = markdown(
        [share(1, 10, what="alarms", **PLACE), share(2, 10, what="found", **PLACE), share(3, 10, what="found", **other)]
    )
    lines = table.splitlines()
    assert lines[0] == "### Gate"
    assert lines[2] == "| noise | method | alarms | found |"
    assert len(lines) == 6
    assert lines[5].startswith("| none | theirs |  | 30 % ")
