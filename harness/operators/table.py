"""What came of operator cases, counted by operator and precision, and what differs between two subjects."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.cases.operator import ERROR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.records import Outcome, TrialRecord

Change = Literal["regressed", "improved", "changed", "not run", "new"]

# Each outcome in the words of a table, the one that is good first.
WORDS: Mapping[Outcome, str] = {
    "ok": "pass",
    "failed": "fail",
    "unsupported": "unsupported",
    "crashed": "crash",
    "timed_out": "timed out",
}
# What a table of differences begins with.
_ORDER: tuple[Change, ...] = ("regressed", "not run", "changed", "improved", "new")


@dataclass(frozen=True, kw_only=True)
class OperatorResult:
    """One operator case in one precision under one subject.

    Attributes:
        case: the case's name.
        operator: the type of the operator.
        precision: the recipe.
        outcome: how it ended.
        message: what is off, or the runtime's reason; empty where nothing is.
        share: the largest error as a multiple of what is allowed; None where there were no outputs to compare.
    """

    case: str
    operator: str
    precision: str
    outcome: Outcome
    message: str = ""
    share: float | None = None

    @classmethod
    def of(cls, trial: TrialRecord) -> OperatorResult:
        """Make one of the record of a trial."""
        return cls(
            case=trial.profile,
            operator=str(trial.conditions.get("operator", "")),
            precision=trial.precision,
            outcome=trial.outcome,
            message=trial.message,
            share=next((m.value for m in trial.measurements if m.metric == ERROR), None),
        )

    @property
    def reason(self) -> str:
        """The first line of the message: what fits into a table."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A case that ended otherwise under one subject than under another.

    Attributes:
        case: its name, as are ``operator`` and ``precision``.
        before: how it ended under the subject that the other is held against; None where that did not run it.
        after: how it ends now; None likewise.
        reason: what the run says that did not pass.
    """

    case: str
    operator: str
    precision: str
    before: Outcome | None
    after: Outcome | None
    reason: str = ""

    @property
    def change(self) -> Change:
        """The difference in a word."""
        if self.after is None:
            return "not run"
        if self.before is None:
            return "new"
        if "ok" not in (self.before, self.after):
            return "changed"
        return "improved" if self.after == "ok" else "regressed"


def precisions_of(results: Iterable[OperatorResult]) -> tuple[str, ...]:
    """Return the precisions that there are results of, in the order of their first one."""
    return tuple(dict.fromkeys(result.precision for result in results))


def count_outcomes(results: Iterable[OperatorResult]) -> dict[str, Counter[Outcome]]:
    """Return how many cases ended in which way, by precision."""
    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for result in results:
        counts[result.precision][result.outcome] += 1
    return dict(counts)


def by_operator(results: Iterable[OperatorResult]) -> dict[str, dict[str, Counter[Outcome]]]:
    """Return how many cases ended in which way: by operator, in alphabetical order, then by precision."""
    counts: dict[str, dict[str, Counter[Outcome]]] = defaultdict(lambda: defaultdict(Counter))
    for result in results:
        counts[result.operator][result.precision][result.outcome] += 1
    return {operator: dict(counts[operator]) for operator in sorted(counts)}


def in_words(counts: Mapping[Outcome, int]) -> str:
    """Say counts: ``690 pass, 10 fail, 2 crash``."""
    said = [f"{counts[outcome]} {word}" for outcome, word in WORDS.items() if counts.get(outcome)]
    return ", ".join(said) or "none"


def differences(before: Sequence[OperatorResult], after: Sequence[OperatorResult]) -> list[Difference]:
    """Return what is not the same in two lists of results, what is worse first; a case that is in one only is told."""
    sides = [{(result.case, result.precision): result for result in results} for results in (before, after)]
    found = []
    for key in {**sides[0], **sides[1]}:
        old, new = (side.get(key) for side in sides)
        known = new or old
        assert known is not None, "the key is of one of the two"
        if old is None or new is None or old.outcome != new.outcome:
            failing = next((r for r in (new, old) if r is not None and r.outcome != "ok"), None)
            found.append(
                Difference(
                    case=known.case,
                    operator=known.operator,
                    precision=known.precision,
                    before=old.outcome if old else None,
                    after=new.outcome if new else None,
                    reason=failing.reason if failing else "",
                )
            )
    return sorted(found, key=lambda each: (_ORDER.index(each.change), each.operator, each.case, each.precision))
