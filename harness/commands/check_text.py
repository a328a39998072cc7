"""What ``trt-harness check`` prints: a table of stages, what failed and why, or all of it as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from harness.cases import metric_named
from harness.commands.inputs_line import case_inputs_line
from harness.commands.output import table
from harness.session import STAGES
from harness.summary import summary_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.commands.check import CheckedCase, CheckPlan, CheckResult

_STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow", "error": "bold red"}


def check_text(plan: CheckPlan, result: CheckResult, *, db: str, quick: bool = False) -> list[RenderableType]:
    """Return what is printed of a check: the table, failures in full, reasons of skips, then the session's summary.

    Args:
        plan: what was to be run.
        result: what was found.
        db: the history, as it was given.
        quick: whether only the smallest point was run.
    """
    shown: list[RenderableType] = []
    if any(case.error is None for case in result.cases):
        shown.append(_stages(result))
        smallest = plan.cases[0].profile.smallest.label
        shown.append(case_inputs_line(plan.cases[0], smallest_only=quick, more=f"layers at {smallest} alone"))
    for case in result.cases:
        shown += [
            f"\nFAILED {case.column} {finding.stage}\n{finding.message}"
            for finding in case.findings
            if finding.outcome == "failed"
        ]
    skips = _skips(result)
    if skips:
        shown.append("\n" + "\n".join(skips))
    trials = [trial for case in result.cases for trial in case.trials]
    if trials:
        lines = summary_lines(trials, session=result.session, report=result.report, db=db)
        shown.append("\n" + "\n".join(lines))
    if result.interrupted:
        kept = f"kept in session {result.session}" if trials else "nothing was stored"
        shown.append(f"\ninterrupted: {len(result.cases)} of {len(plan.runs)} cases were finished; {kept}")
    return shown


def case_line(case: CheckedCase) -> str:
    """Return the line that is printed when a case ends."""
    if case.error is not None:
        return f"{case.id}: could not be run as asked"
    counts = {
        outcome: sum(finding.outcome == outcome for finding in case.findings)
        for outcome in ("passed", "failed", "skipped")
    }
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return f"{case.id}: {said} in {case.seconds:.1f} s"


def check_data(plan: CheckPlan, result: CheckResult, *, db: str) -> dict[str, Any]:
    """Return a check as plain data, to be printed as JSON.

    Args:
        plan: what was to be run.
        result: what was found.
        db: the history, as it was given.
    """
    profile = plan.cases[0].profile
    return {
        "model": plan.file,
        "target": {"name": plan.target.target.name, "reason": plan.target.reason},
        "inputs": plan.inputs,
        "profile": profile.to_json(),
        "session": result.session,
        "history": db,
        "report": result.report,
        "interrupted": result.interrupted,
        "exit_code": result.exit_code,
        "errors": result.errors,
        "cases": [_case_data(case) for case in result.cases],
    }


def _case_data(case: CheckedCase) -> dict[str, Any]:
    first = case.trials[0] if case.trials else None
    return {
        "id": case.id,
        "seconds": case.seconds,
        "error": case.error,
        "outcome": first.outcome if first else None,
        "quality": first.quality if first else None,
        "subject": first.subject if first else None,
        "environment": first.environment if first else None,
        "stages": {
            finding.stage: {"outcome": finding.outcome, "message": finding.message} for finding in case.findings
        },
        "measurements": [
            {"metric": m.metric, "point": m.point, "value": m.value, "unit": metric_named(m.metric).unit}
            for m in (first.measurements if first else ())
        ],
        "verdicts": [
            {"metric": record.metric, "point": record.point, **record.verdict.to_json()}
            for record in (first.verdicts if first else ())
        ],
    }


def _stages(result: CheckResult) -> RenderableType:
    cells = {
        case.column: {finding.stage: finding.outcome for finding in case.findings} if case.error is None else {}
        for case in result.cases
    }
    errors = {case.column for case in result.cases if case.error is not None}

    def cell(stage: str, column: str) -> Text:
        word = "error" if column in errors else cells[column].get(stage, "")
        return Text(word, style=_STYLES.get(word, ""))

    return table([[stage, *(cell(stage, column) for column in cells)] for stage in STAGES], ["stage", *cells])


def _skips(result: CheckResult) -> list[str]:
    """Return a line for each reason of a skip, with the columns that it holds for."""
    columns: dict[tuple[str, str], list[str]] = {}
    for case in result.cases:
        for finding in case.findings:
            if finding.outcome == "skipped":
                columns.setdefault((finding.stage, finding.message), []).append(case.column)
    return [f"skipped {stage} ({', '.join(where)}): {reason}" for (stage, reason), where in columns.items()]
