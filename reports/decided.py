"""What people decided and what still holds: acknowledgements, quarantines, renamings and removals, with their ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.history.decisions import in_force, last_day
from reports import text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from harness.history.decisions import Decision

_WORDS = {"ack": "acknowledged", "quarantine": "quarantined", "alias": "renamed", "drop": "dropped"}
_ORDER = tuple(_WORDS)[1], *(action for action in _WORDS if action != "quarantine")
# Days before its end from which on a quarantine is said to end soon.
_SOON = 7


@dataclass(frozen=True)
class DecisionView:
    """One decision: ``urgent`` where its end is near or past, so that somebody has to decide anew."""

    number: int
    action: str
    about: str
    reason: str
    author: str
    since: str
    ends: str
    urgent: bool


def decisions_view(decisions: Iterable[Decision], now: datetime) -> tuple[DecisionView, ...]:
    """Return the decisions that hold, quarantines first and of these the one that ends first; then the newest first.

    A quarantine that has expired is no longer in force, but it is listed for as long as nobody withdraws it: its cases
    fail again, and whoever sees that wants to know of it.
    """
    held = sorted(
        in_force(decisions),
        key=lambda decision: (
            _ORDER.index(decision.action) if decision.action in _ORDER else len(_ORDER),
            decision.until.timestamp() if decision.until else -decision.created_at.timestamp(),
        ),
    )
    return tuple(_view(decision, now) for decision in held)


def _view(decision: Decision, now: datetime) -> DecisionView:
    days = math.ceil((decision.until - now).total_seconds() / 86400) if decision.until else None
    return DecisionView(
        number=decision.id,
        action=_WORDS.get(decision.action, text.plain(decision.action, 20)),
        about=_about(decision),
        reason=text.plain(decision.reason, 300),
        author=text.plain(decision.author, 80),
        since=text.moment(decision.created_at)[:10],
        ends="" if decision.until is None else f"{last_day(decision.until)}, {_left(days or 0)}",
        urgent=days is not None and days <= _SOON,
    )


def _about(decision: Decision) -> str:
    about = text.plain(decision.case, 160)
    if decision.action == "alias":
        return f"{about} is now {text.plain(decision.new_name, 160)}"
    metric = "" if decision.metric == "*" else f", {text.plain(decision.metric, 80)}"
    point = "" if decision.point == "*" else f" at {text.point(decision.point)}"
    return f"{about}{metric}{point}"


def _left(days: int) -> str:
    if days <= 0:
        return "expired"
    return "ends today" if days == 1 else f"{days - 1} {'day' if days == 2 else 'days'} left"
