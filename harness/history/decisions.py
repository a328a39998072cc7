"""What people decide about cases, as records and pure questions: which decision applies to what, and when.

A decision is a row that is added and never changed; one that was a mistake is withdrawn by another. Case, metric and
point are patterns as in a shell (``fnmatch``), and match whole names in their exact case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.verdicts.gate import Verdict

Action = Literal["ack", "quarantine", "alias", "drop", "withdraw"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision, with who made it and why.

    Attributes:
        action: ``ack`` accepts a change as the new level, ``quarantine`` keeps regressions from failing until a day,
            ``alias`` carries a renamed case over, ``drop`` says that a case is gone on purpose, ``withdraw`` undoes.
        case: pattern of the cases that it is about; of an alias the former name, in which one ``*`` may stand.
        metric: pattern of metrics.
        point: pattern of points.
        parameters: ``session`` and ``newest_trial`` of an acknowledgement, ``new`` name of an alias.
        reason: why, in a person's words.
        author: who.
        created_at: when; UTC.
        until: end of a quarantine, UTC: it is in force before.
        withdraws: number of the decision that this one undoes.
        id: its number; 0 before it is stored.
    """

    action: Action
    case: str
    metric: str = "*"
    point: str = "*"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reason: str
    author: str
    created_at: datetime
    until: datetime | None = None
    withdraws: int | None = None
    id: int = 0

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise ConfigurationError(unknown_value("decision", self.action, get_args(Action)))
        check_signed(self.reason, self.author)
        if (self.action == "quarantine") != (self.until is not None):
            raise ConfigurationError(f"a quarantine, and nothing else, has an end, unlike {self.action!r}")
        if self.action == "alias" and (self.case.count("*"), self.new_name.count("*")) not in {(0, 0), (1, 1)}:
            raise ConfigurationError(
                "an alias has one '*' in both names, which stands for the same text, or in neither, unlike "
                f"{self.case!r} and {self.new_name!r}"
            )

    @property
    def new_name(self) -> str:
        """What an alias calls its case today."""
        return str(self.parameters.get("new", ""))

    def is_about(self, case: str, metric: str = "") -> bool:
        """Tell whether case and metric match its patterns."""
        return fnmatchcase(case, self.case) and fnmatchcase(metric, self.metric)

    def describe(self) -> str:
        """Say who decided, when, and why."""
        return f"{self.author}, {self.created_at:%Y-%m-%d}: {self.reason}"


def check_signed(reason: str, author: str) -> None:
    """Raise ConfigurationError for a decision that does not say why it was made, or by whom."""
    if not reason.strip():
        raise ConfigurationError("a decision needs a reason that whoever meets it later can judge: --reason TEXT")
    if not author.strip():
        raise ConfigurationError("a decision needs an author: --author NAME, or git's user.name")


def in_force(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the decisions that were not withdrawn, without the withdrawals; quarantines that have expired included."""
    listed = list(decisions)
    withdrawn = {decision.withdraws for decision in listed}
    return [decision for decision in listed if decision.action != "withdraw" and decision.id not in withdrawn]


def quarantine_of(decisions: Iterable[Decision], case: str, metric: str, *, at: datetime) -> Decision | None:
    """Return the quarantine of a series that lasts longest, if it is in one at that time."""
    found = [
        decision
        for decision in decisions
        if decision.action == "quarantine" and decision.is_about(case, metric) and _end(decision) > at
    ]
    return max(found, key=_end, default=None)


def quarantined(verdict: Verdict, decision: Decision) -> Verdict:
    """Return the verdict on a series in quarantine: what would have been ``regressed`` is ``quarantined``."""
    if verdict.status != "regressed":
        return verdict
    told = f"in quarantine up to {last_day(_end(decision))} ({decision.describe()})"
    return replace(verdict, status="quarantined", reason=f"{verdict.reason}; {told}")


def expired_between(decisions: Iterable[Decision], start: datetime, end: datetime) -> list[Decision]:
    """Return the quarantines that ended after ``start`` and not after ``end``."""
    return [d for d in decisions if d.action == "quarantine" and start < _end(d) <= end]


def end_of_day(text: str) -> datetime:
    """Return the end, in UTC, of the day that ``text`` names as YYYY-MM-DD.

    Raises:
        ConfigurationError: it names no day.
    """
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
        return day + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ConfigurationError(f"--until takes a day as YYYY-MM-DD, e.g. 2031-05-31, not {text!r}") from None


def last_day(until: datetime) -> str:
    """Return the last day of what is in force before ``until``."""
    return f"{until - timedelta(microseconds=1):%Y-%m-%d}"


def current_name(case: str, decisions: Sequence[Decision]) -> str:
    """Return what a case is called today, through all its renamings."""
    seen = [case]
    while (name := _renamed(seen[-1], decisions)) is not None and name not in seen:
        seen.append(name)
    return seen[-1]


def former_names(case: str, decisions: Sequence[Decision], known: Iterable[str]) -> list[str]:
    """Return those of the ``known`` names that a case had before it was renamed."""
    return [name for name in known if name != case and current_name(name, decisions) == case]


def is_dropped(case: str, decisions: Iterable[Decision]) -> bool:
    """Tell whether a case was taken out on purpose."""
    return any(decision.action == "drop" and decision.is_about(case) for decision in decisions)


def _renamed(case: str, decisions: Sequence[Decision]) -> str | None:
    """Return the new name of a case by the newest alias that is about it."""
    for decision in reversed(decisions):
        if decision.action != "alias":
            continue
        head, star, tail = decision.case.partition("*")
        if not star and case == head:
            return decision.new_name
        if star and len(case) >= len(head) + len(tail) and case.startswith(head) and case.endswith(tail):
            return decision.new_name.replace("*", case[len(head) : len(case) - len(tail)])
    return None


def _end(decision: Decision) -> datetime:
    assert decision.until is not None, "a quarantine has an end"
    return decision.until
