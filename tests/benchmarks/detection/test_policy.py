"""The two steps of the gate, as a session takes them."""

from __future__ import annotations

import pytest

from benchmarks.detection.policy import Decision, decide

STEADY = [1.000, 1.004, 0.996, 1.002, 0.998, 1.001, 0.999, 1.003, 0.997, 1.000]


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        pytest.param([1.0, 1.1, 1.1, 1.1, 1.1], Decision("pass", 0), id="a good first trial ends it"),
        pytest.param([1.1, 1.0, 1.0, 1.0, 1.0], Decision("pass", 4), id="four more refute a bad first one"),
        pytest.param([1.1, 1.1, 1.1, 1.1, 1.1], Decision("regressed", 4), id="four more confirm a bad first one"),
        pytest.param([0.9, 0.9, 0.9, 0.9, 0.9], Decision("improved", 4), id="an improvement is confirmed as well"),
    ],
)
def test_decision(trials: list[float], expected: Decision) -> None:
    """More trials are counted only where the first was inconclusive."""
    assert decide(STEADY, trials, smallest_effect=0.02) == expected
