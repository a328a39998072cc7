from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from harness.history.decisions import Decision, end_of_day
from reports.decided import decisions_view

NOW = datetime(2026, 3, 10, 9, tzinfo=timezone.utc)


def a_decision(action: str, number: int, **changes: Any) -> Decision:
    """Make a decision of ten days ago and as many minutes as its number."""
    made = NOW - timedelta(days=10) + timedelta(minutes=number)
    values: dict[str, Any] = {"case": "resnet50-*", "reason": "flaky", "author": "Ada", "created_at": made}
    return Decision(**{"action": action, "id": number, **values, **changes})


@pytest.mark.parametrize(
    ("last", "ends", "urgent"),
    [
        pytest.param("2026-03-09", "2026-03-09, expired", True, id="over"),
        pytest.param("2026-03-10", "2026-03-10, ends today", True, id="today"),
        pytest.param("2026-03-11", "2026-03-11, 1 day left", True, id="tomorrow"),
        pytest.param("2026-05-01", "2026-05-01, 52 days left", False, id="far away"),
    ],
)
def test_a_quarantine_says_how_long_it_lasts(last: str, ends: str, urgent: bool) -> None:
    """The last day is named, with the days that are left; its near end is urgent."""
    (view,) = decisions_view([a_decision("quarantine", 1, until=end_of_day(last))], NOW)
    assert (view.ends, view.urgent) == (ends, urgent)


def test_what_ends_first_is_first_and_what_was_withdrawn_is_gone() -> None:
    """Quarantines by their ends, then acknowledgements, the newest first."""
    decisions = [
        a_decision("ack", 1),
        a_decision("quarantine", 2, until=end_of_day("2026-06-01")),
        a_decision("quarantine", 3, until=end_of_day("2026-04-01")),
        a_decision("ack", 4),
        a_decision("ack", 5),
        a_decision("withdraw", 6, withdraws=4),
    ]
    assert [view.number for view in decisions_view(decisions, NOW)] == [3, 2, 5, 1]


def test_a_decision_says_what_it_is_about() -> None:
    """Patterns of everything are not told, and a renaming has both names."""
    told = [
        a_decision("ack", 1, metric="latency_*", point="batch=4"),
        a_decision("alias", 2, parameters={"new": "resnet-*"}),
        a_decision("drop", 3),
    ]
    about = {view.number: view.about for view in decisions_view(told, NOW)}
    assert about == {1: "resnet50-*, latency_* at batch=4", 2: "resnet50-* is now resnet-*", 3: "resnet50-*"}
