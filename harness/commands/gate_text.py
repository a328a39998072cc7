"""What ``trt-harness gate`` prints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.text import Text

from harness.commands.gate import NOTHING_REGRESSED
from harness.commands.output import table
from reports.text import plain

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
    listed, rest = listed_concerns(assessment)
    rows: list[tuple[Any, ...]] = []
    for c in listed:
        word = Text(c.word, style=_STYLES.get(c.word, "yellow"))
        rows.append((word, one_line(c.case), one_line(c.what), first_line(c.reason), c.q))
        rows += [
            ("", "", f"  also {what}", why, None) for what, _, why in (one_line(a).partition(": ") for a in c.also)
        ]
    shown: list[RenderableType] = []
    if rows:
        shown += [table(rows, ["", "case", "what", "why", "q"]), ""]
    shown += [*rest, counts_line(assessment)]
    about = one_line(assessment.session.title)
    answer = f"gate of {about}: {assessment.headline} (exit code {assessment.exit_code})"
    shown.append(Text(answer, style=tone_of(assessment)[1]))
    return shown


def gate_data(assessment: Assessment) -> dict[str, Any]:
    """Return the assessment as plain data, to be printed as JSON."""
    session = assessment.session
    return {
        "session": session.id,
        "kind": session.kind,
        "started_at": session.started_at,
        "status": session.status,
        "exit_code": assessment.exit_code,
        "headline": assessment.headline,
        "cases": session.extent.cases,
        "subjects": session.extent.subjects,
        "trials": session.extent.trials,
        "verdicts": assessment.words,
        "counted": assessment.counted,
        "previous_session": session.previous,
        "concerns": assessment.concerns,
    }


def tone_of(assessment: Assessment) -> tuple[str, str]:
    """Return mark and style of the answer: good news, bad news, or neither where something could not be judged."""
    if assessment.clean:
        return "✅", "bold green"
    return ("⚪", "bold") if assessment.exit_code == NOTHING_REGRESSED else ("❌", "bold red")


def listed_concerns(assessment: Assessment) -> tuple[Sequence[Concern], list[str]]:
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


def counts_line(assessment: Assessment) -> str:
    """Say how much was run, how many series ended with which word, and which sessions this is about."""
    session = assessment.session
    words = ", ".join(f"{count} {word}" for word, count in sorted(assessment.words.items())) or "none judged"
    held = f"; cases held against those of session {session.previous} and before" if session.previous else ""
    if session.narrowed:
        held = f"; missing cases were not looked for, since cases were left out by {one_line(session.narrowed)}"
    return f"session {session.id} ({session.status}): {session.extent}; series: {words}{held}"


def first_line(text: str) -> str:
    """Return the head of a failure, with the first of its details where the head alone says little."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return one_line(" ".join(lines[:2]))


def one_line(text: str) -> str:
    """Return ``text`` without control characters and line breaks: CI systems take lines of their own for commands."""
    return " ".join(plain(text, _LONGEST_REASON).split())
