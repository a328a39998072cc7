"""What ``trt-harness baseline list`` prints: named baselines and decisions, with who made them and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.commands.output import table
from harness.history.decisions import in_force, last_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from harness.history.decisions import Decision
    from harness.history.named_baselines import NamedBaseline

_BASELINES = ("baseline", "revision", "trials", "of", "by", "on", "reason")
_DECISIONS = ("no.", "decision", "case", "metric", "point", "what", "state", "by", "on", "reason")


def baselines_text(
    baselines: Sequence[NamedBaseline], decisions: Sequence[Decision], now: datetime
) -> list[RenderableType]:
    """Return what is printed: each named baseline in its newest revision, then every decision, the newest last."""
    newest = {baseline.name: baseline for baseline in baselines}
    named = [(b.name, b.revision, b.trials, b.source, b.author, _day(b.created_at), b.reason) for b in newest.values()]
    states = states_of(decisions, now)
    decided = [
        (d.id, d.action, d.case, d.metric, d.point, _what(d), states[d.id], d.author, _day(d.created_at), d.reason)
        for d in decisions
    ]
    shown: list[RenderableType] = []
    if named:
        shown += [table(named, _BASELINES), ""]
    if decided:
        shown += [table(decided, _DECISIONS), ""]
    counts = [
        f"{len(newest)} named baseline{'' if len(newest) == 1 else 's'}",
        f"{len(decided)} decision{'' if len(decided) == 1 else 's'}",
    ]
    return [*shown, ", ".join(counts)]


def baselines_data(baselines: Sequence[NamedBaseline], decisions: Sequence[Decision], now: datetime) -> dict[str, Any]:
    """Return the same as plain data, to be printed as JSON, with every revision."""
    states = states_of(decisions, now)
    return {
        "baselines": baselines,
        "decisions": [{**vars(decision), "state": states[decision.id]} for decision in decisions],
    }


def states_of(decisions: Sequence[Decision], now: datetime) -> dict[int, str]:
    """Return, for the number of each decision, ``in force``, ``expired`` or by which other it was withdrawn."""
    standing = {decision.id for decision in in_force(decisions)}
    withdrawn = {decision.withdraws: decision.id for decision in decisions if decision.withdraws is not None}
    states = {}
    for decision in decisions:
        if decision.id in withdrawn:
            states[decision.id] = f"withdrawn by {withdrawn[decision.id]}"
        elif decision.id not in standing:
            states[decision.id] = "done"
        else:
            expired = decision.until is not None and decision.until <= now
            states[decision.id] = "expired" if expired else "in force"
    return states


def _what(decision: Decision) -> str:
    if decision.action == "ack":
        return f"{decision.parameters['series']} series, session {decision.parameters['session']}"
    if decision.action == "alias":
        return f"now {decision.new_name}"
    if decision.withdraws is not None:
        return f"no. {decision.withdraws}"
    return f"up to {last_day(decision.until)}" if decision.until is not None else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
