"""Time between trials that confirm each other."""

from __future__ import annotations

from harness.spacing import Spacing


def test_a_session_waits_no_longer_than_it_has_to_spare() -> None:
    """Each wait is as long as asked for until the budget is spent; then there is none."""
    slept: list[float] = []
    spacing = Spacing(5.0, budget=12.0, sleep=slept.append)
    assert [spacing.wait() for _ in range(4)] == [5.0, 5.0, 2.0, 0.0]
    assert slept == [5.0, 5.0, 2.0]


def test_no_spacing_waits_for_nothing() -> None:
    """With 0 seconds nothing sleeps, not even for no time."""
    slept: list[float] = []
    assert Spacing(0.0, sleep=slept.append).wait() == 0.0
    assert slept == []
