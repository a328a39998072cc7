"""What ``trt-harness gate`` prints, and the Markdown that it leaves for a pull request."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from harness.commands.gate import NOTHING_REGRESSED
from harness.commands.output import table
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.commands.gate import Assessment, Concern

_STYLES = {"failed": "bold red", "regressed": "bold red", "missing": "red", "unfinished": "red"}
# A summary is read beside a pull request; whoever wants all of it has --json and the report.
_MOST_ROWS = 30
_LONGEST_REASON = 240


def gate_text(assessment: Assessment) -> list[RenderableType]:
    """Return what is printed: the answer, what wants attention, and how many series ended with which word."""
    listed, rest = _listed(assessment)
    rows = [
        (Text(c.word, style=_STYLES.get(c.word, "yellow")), c.case, c.what, _first_line(c.reason), c.q) for c in listed
    ]
    shown: list[RenderableType] = []
    if rows:
        shown += [table(rows, ["", "case", "what", "why", "q"]), ""]
    shown += [*rest, _counts(assessment)]
    shown.append(Text(f"gate: {assessment.headline} (exit code {assessment.exit_code})", style=_tone(assessment)[1]))
    return shown


def gate_data(assessment: Assessment) -> dict[str, Any]:
    """Return the assessment as plain data, to be printed as JSON."""
    session = assessment.session
    return {
        "session": session.id,
        "status": session.status,
        "exit_code": assessment.exit_code,
        "headline": assessment.headline,
        "cases": len(session.cases),
        "verdicts": assessment.words,
        "counted": assessment.counted,
        "previous_session": session.previous,
        "concerns": assessment.concerns,
    }


def gate_markdown(assessment: Assessment) -> str:
    """Return a small table of what wants attention, as GitHub shows it beside a pull request."""
    listed, rest = _listed(assessment)
    lines = [f"### {_tone(assessment)[0]} trt-harness: {_cell(assessment.headline)}", ""]
    if listed:
        lines += ["| | case | what | why |", "|---|---|---|---|"]
        lines += [f"| {c.word} | {_cell(c.case)} | {_cell(c.what)} | {_cell(_first_line(c.reason))} |" for c in listed]
        lines.append("")
    return "\n".join([*lines, *(f"{line}\n" for line in rest), _counts(assessment), ""])


def write_summary(assessment: Assessment, file: Path | None, step_summary: str | None) -> None:
    """Leave the Markdown in ``file``; without one, add it to GitHub's summary of the step where there is such a thing.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(gate_markdown(assessment), encoding="utf-8")
        elif step_summary:
            with Path(step_summary).open("a", encoding="utf-8") as added:
                added.write(gate_markdown(assessment))
    except OSError as error:
        where = file if file is not None else step_summary
        raise ConfigurationError(
            f"the summary {str(where)!r} cannot be written: {error.strerror}; name another file: --summary FILE.md"
        ) from None


def _tone(assessment: Assessment) -> tuple[str, str]:
    """Return mark and style of the answer: good news, bad news, or neither where something could not be judged."""
    if assessment.clean:
        return "✅", "bold green"
    return ("⚪", "bold") if assessment.exit_code == NOTHING_REGRESSED else ("❌", "bold red")


def _listed(assessment: Assessment) -> tuple[Sequence[Concern], list[str]]:
    """Return the concerns that are shown one by one, and lines that stand for the others.

    Insufficient baselines come by the hundred with a new model or machine, so they are told by case, in one line each.
    """
    single = [concern for concern in assessment.concerns if concern.word != "insufficient"]
    young = Counter(concern.case for concern in assessment.concerns if concern.word == "insufficient")
    rest = [f"… and {len(single) - _MOST_ROWS} more"] if len(single) > _MOST_ROWS else []
    if young:
        named = ", ".join(list(young)[:5]) + (" …" if len(young) > 5 else "")
        rest.append(f"insufficient: the baselines of {sum(young.values())} series of {named} are too short to judge by")
    ran = [case.id for case in assessment.session.cases]
    if ran and assessment.session.status != "finished":
        more = f" … and {len(ran) - _MOST_ROWS} more" if len(ran) > _MOST_ROWS else ""
        rest.append(f"finished before the session ended: {', '.join(ran[:_MOST_ROWS])}{more}")
    return single[:_MOST_ROWS], rest


def _counts(assessment: Assessment) -> str:
    session = assessment.session
    words = ", ".join(f"{count} {word}" for word, count in sorted(assessment.words.items())) or "none judged"
    held = f"; cases held against session {session.previous}" if session.previous else ""
    ran = len(session.cases)
    return f"session {session.id} ({session.status}): {ran} case{'s' * (ran != 1)}; series: {words}{held}"


def _first_line(text: str) -> str:
    """Return the head of a failure, with the first of its details where the head alone says little."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    head = " ".join(lines[:2])
    return head if len(head) <= _LONGEST_REASON else f"{head[:_LONGEST_REASON]} …"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
