from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.history.decisions import Decision
from tests.history.building import NOON

if TYPE_CHECKING:
    from harness.history.store import History


def test_decisions_come_back_as_they_were_made(history: History) -> None:
    """Every part of a decision is stored, and decisions keep their order."""
    made = [
        Decision(
            action="quarantine",
            case="net-*",
            metric="latency_*",
            point="batch=4",
            parameters={"note": ["a", 1]},
            reason="flaky",
            author="Ada",
            created_at=NOON,
            until=NOON + timedelta(days=3),
        ),
        Decision(action="withdraw", case="net-*", reason="fixed", author="Bob", created_at=NOON, withdraws=1),
    ]
    numbers = [history.decide(decision) for decision in made]
    assert history.queries.decisions() == [replace(made[0], id=numbers[0]), replace(made[1], id=numbers[1])]
