"""What people decided about a case, as rows of a table and as marks on its time axis."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.history.decisions import last_day
from reports import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from harness.history.decisions import Decision
    from harness.history.named_baselines import NamedBaseline
    from harness.history.rows import SeriesRow

# What was decided about runs, which have kept it since their case was renamed; a quarantine is of a name.
_OF_RUNS = ("ack",)
# Word and symbol of each kind; the symbol stands in the charts.
_KINDS = {
    "ack": ("accepted as the new level", "⚑"),
    "quarantine": ("quarantined", "◫"),
    "alias": ("renamed", "↷"),
    "drop": ("taken out", "⊘"),
    "pin": ("pinned as a baseline", "◆"),
}


@dataclass(frozen=True)
class MarkView:
    """One decision.

    Attributes:
        symbol: stands for its kind.
        kind: the same in words.
        about: which metrics and points it is about, or which baseline it made.
        reason: in the words of who decided.
        author: who that was.
        when: the time, UTC, in words.
        remark: until when it holds, or who withdrew it.
        series: ids of the series, of those of the case, that it is about.
        span: where it stands among the sessions, e.g. 2.5 between the third and the fourth, and where it ends; None for
            what has no end.
        times: the same two as seconds since 1970.
    """

    symbol: str
    kind: str
    about: str
    reason: str
    author: str
    when: str
    remark: str
    series: tuple[int, ...]
    span: tuple[float, float | None]
    times: tuple[float, float | None]


def marks_of(
    case_id: str,
    series: Sequence[SeriesRow],
    decisions: Sequence[Decision],
    baselines: Sequence[NamedBaseline],
    starts: Sequence[datetime],
    *,
    former: Mapping[str, datetime | None] | None = None,
) -> tuple[MarkView, ...]:
    """Return what was decided about a case, the newest first.

    Args:
        case_id: the case.
        series: its series.
        decisions: all of the history, those that withdraw others included.
        baselines: the named baselines that it has trials in.
        starts: when each session that is shown started, oldest first.
        former: what the case was called before, with when the next name took its place; None for when nobody can say
            of the sessions shown. A renaming stands there rather than where somebody told of it.
    """
    names = former or {}
    withdrawn = {decision.withdraws: decision for decision in decisions if decision.withdraws is not None}
    everything = tuple(row.id for row in series)
    marks = []
    for decision in decisions:
        called = (case_id, *names) if decision.action in _OF_RUNS else (case_id,)
        about = tuple(
            row.id
            for row in series
            if any(decision.is_about(name, row.metric) for name in called) and fnmatchcase(row.point, decision.point)
        )
        meant = [name for name in names if decision.is_about(name)]
        renamed = decision.action == "alias" and (bool(meant) or decision.new_name == case_id)
        if decision.action == "withdraw" or not (about or renamed):
            continue
        at = next((end for name in meant if (end := names[name])), None) if renamed else None
        undone = withdrawn.get(decision.id)
        kind, symbol = _KINDS[decision.action]
        marks.append(
            MarkView(
                symbol=symbol,
                kind=kind,
                about=_about(decision),
                reason=text.plain(decision.reason, 400),
                author=text.plain(decision.author, 80),
                when=text.moment(decision.created_at),
                remark=_remark(decision, undone),
                series=everything if renamed else about,
                **_place(at or decision.created_at, _end(decision, undone), starts),
            )
        )
    for baseline in baselines:
        kind, symbol = _KINDS["pin"]
        marks.append(
            MarkView(
                symbol=symbol,
                kind=kind,
                about=text.plain(f"{baseline.name}, revision {baseline.revision}: {baseline.described}", 200),
                reason=text.plain(baseline.reason, 400),
                author=text.plain(baseline.author, 80),
                when=text.moment(baseline.created_at),
                remark="",
                series=everything,
                **_place(baseline.created_at, None, starts),
            )
        )
    return tuple(sorted(marks, key=lambda mark: -mark.times[0]))


def _end(decision: Decision, undone: Decision | None) -> datetime | None:
    """Return when a quarantine ended or is to end."""
    if decision.until is None or undone is None:
        return decision.until
    return min(decision.until, undone.created_at)


def _place(when: datetime, end: datetime | None, starts: Sequence[datetime]) -> dict[str, tuple[float, float | None]]:
    return {
        "span": (_column(when, starts), None if end is None else _column(end, starts)),
        "times": (when.timestamp(), None if end is None else end.timestamp()),
    }


def _column(when: datetime, starts: Sequence[datetime]) -> float:
    """Return a place half a column before the first session that started after ``when``."""
    return bisect_left(starts, when) - 0.5


def _about(decision: Decision) -> str:
    if decision.action == "alias":
        return text.plain(f"{decision.case} → {decision.new_name}", 200)
    metric = "every metric" if decision.metric == "*" else decision.metric
    return text.plain(metric if decision.point == "*" else f"{metric} at {decision.point}", 120)


def _remark(decision: Decision, undone: Decision | None) -> str:
    remarks = []
    if decision.until is not None:
        remarks.append(f"up to {last_day(decision.until)}")
    if undone is not None:
        remarks.append(f"withdrawn by {text.plain(undone.describe(), 300)}")
    return "; ".join(remarks)
