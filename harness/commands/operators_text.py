"""Operators as tables for people, as Markdown and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.operators.table import WORDS, by_operator, count_outcomes, in_words, precisions_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from harness.commands.operators_reading import SubjectOperators
    from harness.history.records import Outcome
    from harness.operators.table import Difference, OperatorResult

Rows = list[tuple[str, ...]]

_LONGEST_REASON = 160


def operators_data(subjects: Sequence[SubjectOperators]) -> list[dict[str, Any]]:
    """Return the operators of subjects as plain data: counts, counts by operator, and every case that does not pass."""
    return [
        {
            "subject": subject.name,
            "software": subject.software,
            "environment": subject.environment,
            "newest": subject.newest,
            "counts": {precision: _plain(counts) for precision, counts in count_outcomes(subject.results).items()},
            "operators": {
                operator: {precision: _plain(counts) for precision, counts in own.items()}
                for operator, own in by_operator(subject.results).items()
            },
            "not_passing": [
                {
                    "case": result.case,
                    "operator": result.operator,
                    "precision": result.precision,
                    "outcome": result.outcome,
                    "error_share": result.share,
                    "message": result.message,
                }
                for result in _not_passing(subject.results)
            ],
        }
        for subject in subjects
    ]


def differences_data(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return differences as plain data."""
    return [
        {
            "case": each.case,
            "operator": each.operator,
            "precision": each.precision,
            "change": each.change,
            "before": each.before,
            "after": each.after,
            "reason": each.reason,
        }
        for each in found
    ]


def counts_rows(subject: SubjectOperators) -> tuple[tuple[str, ...], Rows]:
    """Return columns and rows of operator × precision: of each, how many cases end in which way; all of them last."""
    precisions = precisions_of(subject.results)
    rows: Rows = [
        (operator, *(in_words(own[precision]) if precision in own else "" for precision in precisions))
        for operator, own in by_operator(subject.results).items()
    ]
    totals = count_outcomes(subject.results)
    return ("operator", *precisions), [*rows, ("all", *(in_words(totals[precision]) for precision in precisions))]


def not_passing_rows(subject: SubjectOperators) -> tuple[tuple[str, ...], Rows]:
    """Return columns and rows of the cases that do not pass, with by how much or why."""
    rows: Rows = [
        (result.case, result.precision, WORDS[result.outcome], _short(result.reason))
        for result in _not_passing(subject.results)
    ]
    return ("case", "precision", "ends", "reason"), rows


def differences_rows(found: Sequence[Difference]) -> tuple[tuple[str, ...], Rows]:
    """Return columns and rows of what differs between two subjects."""
    rows: Rows = [
        (
            each.change,
            each.case,
            each.precision,
            WORDS[each.before] if each.before else "",
            WORDS[each.after] if each.after else "",
            _short(each.reason),
        )
        for each in found
    ]
    return ("change", "case", "precision", "before", "after", "reason"), rows


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as GitHub's Markdown has it; nothing in a cell can end it."""
    lines = [columns, ["---"] * len(columns), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _not_passing(results: Iterable[OperatorResult]) -> list[OperatorResult]:
    wrong = [result for result in results if result.outcome != "ok"]
    return sorted(wrong, key=lambda result: (result.operator, result.case, result.precision))


def _plain(counts: Counter[Outcome]) -> dict[str, int]:
    return {outcome: counts[outcome] for outcome in WORDS if counts[outcome]}


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


def _cell(text: str) -> str:
    for character in "\\`*_<>[]|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
