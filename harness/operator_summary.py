"""What the terminal says of operators at the end of a session: counts, and a table of those that do not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.operators.table import OperatorResult, by_operator, count_outcomes, in_words, precisions_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from harness.history.records import Outcome, TrialRecord

_MOST_OPERATORS = 60
_MOST_REGRESSIONS = 20


def operator_lines(trials: Sequence[TrialRecord]) -> list[str]:
    """Return the lines on the operator cases of a session, subject by subject; none where it ran none."""
    lines: list[str] = []
    # By hash and name: a subject holds its libraries in a mapping, which has no hash of its own.
    subjects = {(trial.subject.hash, trial.subject.name): trial.subject for trial in trials}
    for key, subject in subjects.items():
        own = [trial for trial in trials if (trial.subject.hash, trial.subject.name) == key]
        label = f"{subject.runtime} {subject.version}".strip()
        if subject.name != subject.runtime:
            label = f"{subject.name} ({label})"
        lines += _of_subject(label, [OperatorResult.of(trial) for trial in own])
        lines += _regressions(own)
    if lines:
        lines.append("operators, case by case: trt-harness operators")
    return lines


def _of_subject(label: str, results: Sequence[OperatorResult]) -> list[str]:
    lines = [
        f"operators: {label}, {precision}: {in_words(counts)}" for precision, counts in count_outcomes(results).items()
    ]
    table = {
        operator: counts
        for operator, counts in by_operator(results).items()
        if any(set(count) != {"ok"} for count in counts.values())
    }
    if not table:
        return lines
    precisions = precisions_of(results)
    rows = [("operator", *precisions)]
    rows += [
        (operator, *(_cell(counts.get(precision)) for precision in precisions))
        for operator, counts in list(table.items())[:_MOST_OPERATORS]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines + ([f"… and {len(table) - _MOST_OPERATORS} more"] if len(table) > _MOST_OPERATORS else [])


def _cell(counts: Counter[Outcome] | None) -> str:
    """Say what is not a pass, of how many; ``-`` where the precision does not apply to the operator."""
    if counts is None:
        return "-"
    wrong: dict[Outcome, int] = {outcome: count for outcome, count in counts.items() if outcome != "ok"}
    return f"{in_words(wrong)} of {counts.total()}" if wrong else f"pass ({counts.total()})"


def _regressions(trials: Sequence[TrialRecord]) -> list[str]:
    found = [
        f"regressed {trial.case_id}: {record.verdict.reason}"
        for trial in trials
        for record in trial.verdicts
        if record.verdict.status == "regressed"
    ]
    more = [f"… and {len(found) - _MOST_REGRESSIONS} more"] if len(found) > _MOST_REGRESSIONS else []
    return found[:_MOST_REGRESSIONS] + more
