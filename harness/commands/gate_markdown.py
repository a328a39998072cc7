"""The gate's answer as Markdown, for a job's summary and for a comment on a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.cases import metric_named
from harness.commands.gate import series_title
from harness.commands.gate_text import counts_line, first_line, listed_concerns, tone_of
from reports.text import ABSENT, change, plain, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.commands.gate import Assessment, Concern, GatedSession
    from harness.history.records import VerdictRecord

# GitHub takes 65 536 characters of a comment, and whoever posts it may put a line before it.
LONGEST = 60_000
_MOST_ALSO = 5
_LONGEST_NAME = 200
# What Markdown, GitHub's tables and its formulas give a meaning to; a backslash takes it away.
_SPECIAL = re.compile(r"[\\`*_\[\]|~$]")
# A name that follows an @ is notified, unless something stands between.
_MENTION = re.compile(r"(?<!\w)@(?=\w)")


def gate_markdown(assessment: Assessment, *, report_url: str = "") -> str:
    """Return headline, table of concerns and, folded away, every series with what its baseline could have detected.

    Names and reasons come from models and runtimes: nothing in them ends a cell, becomes HTML or notifies anybody.

    Args:
        assessment: the gate's.
        report_url: where the HTML report can be had; empty if nowhere.

    Returns:
        At most ``LONGEST`` characters: of very many series the first are shown.
    """
    listed, rest = listed_concerns(assessment)
    link = [f"[Report](<{_url(report_url)}>)", ""] if report_url else []
    lines = [f"### {tone_of(assessment)[0]} trt-harness: {_cell(assessment.headline)}", ""]
    if listed:
        lines += ["| | case | series or stage | effect | cause | q | why |", "|---|---|---|---|---|---|---|"]
        lines += [_row(concern) for concern in listed]
        lines.append("")
    lines += [*(f"{_cell(line)}\n" for line in rest), *link, _cell(_about(assessment.session)), ""]
    text = "\n".join([*lines, _cell(counts_line(assessment)), ""])
    return text + _folded(assessment, LONGEST - len(text))


def _row(concern: Concern) -> str:
    record = concern.record
    also = [*concern.also[:_MOST_ALSO], *(["…"] if len(concern.also) > _MOST_ALSO else [])]
    why = "<br>".join([_cell(first_line(concern.reason)), *(f"↳ {_cell(line)}" for line in also)])
    cells = [
        concern.word,
        _cell(concern.case),
        _cell(concern.what),
        _effect(record),
        _cell(record.cause if record else ""),
        "" if concern.q is None else f"{concern.q:.2g}",
        why,
    ]
    return f"| {' | '.join(cells)} |"


def _folded(assessment: Assessment, room: int) -> str:
    """Return a section with every series that has a verdict, as many as there is room for."""
    rows = [_series_row(case.id, record) for case in assessment.session.cases for record in case.verdicts]
    if not rows:
        return ""
    head = (
        f"\n<details><summary>All {len(rows)} series</summary>\n\n"
        "| case | series | verdict | baseline | now | effect | detectable | n |\n|---|---|---|---|---|---|---|---|\n"
    )
    foot = "\n</details>\n"
    taken = _fitting(rows, room - len(head) - len(foot) - 100)
    left = len(rows) - taken
    more = f"\n… and {left} more: `trt-harness query latest` lists them.\n" if left else ""
    return f"{head}{''.join(rows[:taken])}{more}{foot}"


def _fitting(rows: Sequence[str], room: int) -> int:
    for taken, row in enumerate(rows):
        room -= len(row)
        if room < 0:
            return taken
    return len(rows)


def _series_row(case: str, record: VerdictRecord) -> str:
    verdict, metric = record.verdict, metric_named(record.metric)
    detectable = ABSENT if verdict.detectable is None else change(verdict.detectable, verdict.scale, metric.unit)
    cells = [
        *(_cell(case), _cell(series_title(record)), verdict.status),
        *(quantity(verdict.baseline, metric.unit), quantity(verdict.value, metric.unit)),
        *(_effect(record), detectable, str(verdict.n)),
    ]
    return f"| {' | '.join(cells)} |\n"


def _effect(record: VerdictRecord | None) -> str:
    """Return effect and interval of a verdict, e.g. ``+10.2 % [+5.1 %, +15.0 %]``."""
    if record is None or record.verdict.effect is None:
        return ""
    unit, verdict = metric_named(record.metric).unit, record.verdict
    shown = [change(end, verdict.scale, unit) for end in (verdict.effect, verdict.low, verdict.high) if end is not None]
    return shown[0] if len(shown) < 3 else f"{shown[0]} \\[{shown[1]}, {shown[2]}\\]"


def _about(session: GatedSession) -> str:
    """Say which session of what kind measured what on what."""
    told: Iterable[str] = [
        f"{session.title}:",
        ", ".join(session.software),
        f"on {', '.join(session.machines)}" if session.machines else "",
        f"at commit {session.commit[:12]}" if session.commit else "",
    ]
    return " ".join(part for part in told if part)


def _cell(text: str) -> str:
    """Return foreign text on one line, as text and nothing else."""
    flat = " ".join(plain(text, 2 * _LONGEST_NAME).split())
    safe = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", _SPECIAL.sub(r"\\\g<0>", safe))


def _url(url: str) -> str:
    """Return an address that cannot leave its angle brackets."""
    return re.sub(r"[\s<>\\]", "", url)
