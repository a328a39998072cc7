"""A comparison as a table for people, as Markdown, or as plain data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.text import Text

from harness.cases import metric_named
from harness.commands.output import table
from harness.verdicts import scales
from reports.text import quantity

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.commands.compare_result import Compared, ComparedSeries, ComparisonResult

_STYLES = {"regressed": "bold red", "missing": "red", "improved": "green", "pass": "dim"}
_MARKDOWN_ROWS = 200
# What would end a cell, or make code, a link or an image of it.
_SPECIAL = re.compile(r"[\\|`\[\]]")


def comparison_text(result: ComparisonResult, *, strict: bool = False) -> list[RenderableType]:
    """Return what is printed: who was compared, the table, what could not be compared, and the answer.

    Args:
        result: of the comparison.
        strict: what the exit code counts; see ``ComparisonResult.exit_code``.
    """
    shown: list[RenderableType] = [*_who(result), result.evidence, ""]
    if result.series:
        rows = [(*cells[:-1], Text(cells[-1], style=_STYLES.get(cells[-1], "yellow"))) for cells in _rows(result)]
        shown += [table(rows, _columns(result)), ""]
    shown += _remarks(result)
    code = result.exit_code(strict=strict)
    shown.append(Text(f"compare: {result.headline} (exit code {code})", style="bold red" if code == 1 else "bold"))
    return shown


def comparison_markdown(result: ComparisonResult, *, strict: bool = False) -> str:
    """Return the same as Markdown, as GitHub shows it beside a pull request."""
    lines = [f"### trt-harness compare: {_cell(result.headline)}", ""]
    lines += [f"- {_cell(line)}" for line in (*_who(result), result.evidence)]
    rows = _rows(result)
    if rows:
        columns = _columns(result)
        lines += ["", f"| {' | '.join(map(_cell, columns))} |", f"|{'---|' * len(columns)}"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows[:_MARKDOWN_ROWS]]
        if len(rows) > _MARKDOWN_ROWS:
            lines += ["", f"… and {len(rows) - _MARKDOWN_ROWS} more"]
    remarks = _remarks(result)
    lines += ["", *(f"- {_cell(remark)}" for remark in remarks)] if remarks else []
    return "\n".join([*lines, "", f"Exit code {result.exit_code(strict=strict)}.", ""])


def comparison_data(result: ComparisonResult, *, strict: bool = False) -> dict[str, Any]:
    """Return the comparison as plain data, to be written as JSON; effects and intervals are as in ``Verdict``."""
    return {
        "a": result.a,
        "b": result.b,
        "way": result.way,
        "evidence": result.evidence,
        "session": result.session,
        "interrupted": result.interrupted,
        "exit_code": result.exit_code(strict=strict),
        "headline": result.headline,
        "words": result.words,
        "series": [_series_data(series) for series in result.series],
        "problems": [{"case": p.case, "side": p.side, "reason": p.reason, "broken": p.broken} for p in result.problems],
        "blocks_left_out": result.left_out,
    }


def _series_data(series: ComparedSeries) -> dict[str, Any]:
    verdict, metric = series.verdict, metric_named(series.metric)
    named = {
        "case": series.case,
        "metric": series.metric,
        "point": series.point,
        "unit": metric.unit,
        "word": series.word,
        "a": verdict.baseline,
        "b": verdict.value,
        "n_a": verdict.n,
        "n_b": verdict.k,
    }
    taken = ("effect", "low", "high", "scale", "direction", "smallest_effect", "p", "q", "spread", "detectable")
    judged = {"reason": verdict.reason} if series.word is not None else {}
    return {**named, **{name: getattr(verdict, name) for name in taken}, **judged}


def _who(result: ComparisonResult) -> list[str]:
    return [f"{letter}: {_described(side)}" for letter, side in (("A", result.a), ("B", result.b))]


def _described(side: Compared) -> str:
    machines = ", ".join(dict.fromkeys(side.environments))
    return f"{side.name} ({side.software})" + (f", on {machines}" if machines != side.name else "")


def _columns(result: ComparisonResult) -> list[str]:
    return ["case", "metric", "point", f"A {result.a.name}", f"B {result.b.name}", "B against A", "interval", ""]


def _rows(result: ComparisonResult) -> list[tuple[str, ...]]:
    return [
        (
            series.case,
            series.metric,
            series.point,
            _value(series.verdict.baseline, series.metric),
            _value(series.verdict.value, series.metric),
            _effect(series.verdict.effect, series.metric),
            _interval(series),
            series.word or "",
        )
        for series in result.series
    ]


def _value(value: float | None, metric: str) -> str:
    return "" if value is None else quantity(value, metric_named(metric).unit)


def _effect(effect: float | None, metric: str) -> str:
    if effect is None:
        return ""
    return f"{'+' if effect > 0 else ''}{scales.shown(effect, metric_named(metric).scale)}"


def _interval(series: ComparedSeries) -> str:
    low, high = series.verdict.low, series.verdict.high
    return "" if low is None else f"[{_effect(low, series.metric)}, {_effect(high, series.metric)}]"


def _remarks(result: ComparisonResult) -> list[str]:
    """Say what could not be compared, and what was left out."""
    names = {"a": result.a.name, "b": result.b.name}
    said: dict[tuple[str, str, bool], list[str]] = {}
    for problem in result.problems:
        said.setdefault((problem.case, problem.reason, problem.hinders), []).append(names[problem.side])
    grouped: dict[tuple[str, str, bool], list[str]] = {}
    for (case, reason, hinders), whose in said.items():
        grouped.setdefault((" and ".join(whose), reason, hinders), []).append(case)
    lines = [
        f"{'not compared' if hinders else 'failed'}: {', '.join(cases)}: {whose}: {reason}"
        for (whose, reason, hinders), cases in grouped.items()
    ]
    lines += [
        f"left out: {case}: {count} {'block' if count == 1 else 'blocks'}, contended or throttled twice"
        for case, count in result.left_out.items()
    ]
    return lines


def _cell(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(_SPECIAL.sub(r"\\\g<0>", safe).split())
