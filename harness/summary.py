"""What the terminal says at the end of a session."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.cases import metric_named
from harness.cases.operator import OPERATORS
from harness.operator_summary import operator_lines
from harness.verdict_text import describe_verdict
from harness.verdicts.findings import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.history.records import TrialRecord

_MOST_SERIES = 10
_MOST_CULPRITS = 3


def summary_lines(trials: Sequence[TrialRecord], *, session: str, report: Path | None, db: str) -> list[str]:
    """Return the lines: a table of the cases, what regressed or improved, where the time went, where to look.

    Args:
        trials: of this session, confirmations included.
        session: its id.
        report: first page of the HTML report, if one was written.
        db: the history, as it was given.
    """
    firsts = [trial for trial in trials if trial.index == 0]
    cases = [trial for trial in firsts if trial.model != OPERATORS]
    lines = (
        [*_table(cases), *_changes(cases), *_contention(cases), *_warnings(cases), *_time(cases), *_engines(cases)]
        if cases
        else []
    )
    lines += operator_lines([trial for trial in firsts if trial.model == OPERATORS])
    if report:
        lines.append(f"report:  {report}")
    if firsts:
        lines.append(f"history: {db} (session {session}; trt-harness query latest)")
    return lines


def _table(cases: Sequence[TrialRecord]) -> list[str]:
    rows = [("case", "worst SQNR", "latency, all points", "quality", "verdicts")]
    rows += [(_name(trial), _sqnr(trial), _latency(trial), _quality(trial), _verdicts(trial)) for trial in cases]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _name(trial: TrialRecord) -> str:
    subject = trial.subject
    return trial.case_id if subject.name == subject.runtime else f"{trial.case_id}@{subject.name}"


def _sqnr(trial: TrialRecord) -> str:
    values = [m.value for m in trial.measurements if m.metric == "output_sqnr_db"]
    return f"{min(values):.1f} dB" if values else "-"


def _latency(trial: TrialRecord) -> str:
    values = [m.value for m in trial.measurements if m.metric == "latency_host"]
    return " … ".join(f"{value:.3g} ms" for value in dict.fromkeys((min(values), max(values)))) if values else "-"


def _quality(trial: TrialRecord) -> str:
    return trial.quality if trial.conditions else "-"


def _verdicts(trial: TrialRecord) -> str:
    if trial.outcome != "ok":
        return trial.outcome.replace("_", " ")
    counts = Counter(record.verdict.status for record in trial.verdicts)
    if set(counts) == {"insufficient"}:
        runs = max(record.verdict.n for record in trial.verdicts)
        return f"insufficient: {runs} baseline run{'' if runs == 1 else 's'}"
    return ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "-"


def _changes(cases: Sequence[TrialRecord]) -> list[str]:
    changed = []
    for trial in cases:
        for status in ("regressed", "improved", "missing"):
            records = [r for r in trial.verdicts if r.verdict.status == status and metric_named(r.metric).gated]
            for finding in grouped(records):
                others = f" (and {len(finding.others)} more series with it)" if finding.others else ""
                changed.append(f"{status:<9} {_name(trial)}: {describe_verdict(finding.lead)}{others}")
    more = [f"… and {len(changed) - _MOST_SERIES} more"] if len(changed) > _MOST_SERIES else []
    return changed[:_MOST_SERIES] + more


def _engines(cases: Sequence[TrialRecord]) -> list[str]:
    """Say how many engines were not built, since their builds are not measured and cannot have got slower."""
    # A build that took place is measured, so an engine without that measurement is of an earlier session.
    engines = [trial for trial in cases if trial.engine]
    reused = [trial.engine for trial in engines if all(m.metric != "build_seconds" for m in trial.measurements)]
    if not reused:
        return []
    seconds = sum(engine.build_seconds for engine in reused if engine)
    count = f"{len(reused)} of {len(engines)} from earlier sessions"
    return [f"engines: {count}, {seconds:.1f} s of building saved (--engines rebuild builds them anew)"]


def _contention(cases: Sequence[TrialRecord]) -> list[str]:
    """Say who took processor or GPU from the cases that were contended: the busiest of each, as far as it was seen."""
    contended = [trial for trial in cases if trial.quality == "contended"]
    if not contended:
        return []
    cores: dict[str, float] = {}
    on_gpu: dict[str, None] = {}
    for trial in contended:
        for name, taken in list(trial.conditions.get("heavy", {}).items())[:1]:
            cores[name] = max(taken, cores.get(name, 0.0))
        on_gpu.update(dict.fromkeys(trial.conditions.get("gpu", {}).get("others", ())))
    named = [f"{name} with {cores[name]:.1f} cores" for name in sorted(cores, key=lambda name: -cores[name])]
    named += [f"{name} on the GPU" for name in on_gpu]
    more = f" and {len(named) - _MOST_CULPRITS} more" if len(named) > _MOST_CULPRITS else ""
    whom = ", ".join(named[:_MOST_CULPRITS]) + more if named else "what cannot be seen from here, or had ended"
    count = f"{len(contended)} of {len(cases)} case{'' if len(cases) == 1 else 's'}"
    return [f"contended: {count}, by {whom}"]


def _warnings(cases: Sequence[TrialRecord]) -> list[str]:
    """Say what the builders warned of most often; the report has the rest."""
    warned = [trial.engine.warnings for trial in cases if trial.engine and trial.engine.warnings]
    if not warned:
        return []
    engines: Counter[str] = Counter()
    for texts in warned:
        engines.update(dict.fromkeys(texts, 1))
    ((text, count),) = engines.most_common(1)
    others = len(engines) - 1
    more = f" (and {others} other warning{'' if others == 1 else 's'}, see the report)" if others else ""
    return [f"warned:  {count} engine{'' if count == 1 else 's'}: {text}{more}"]


def _time(cases: Sequence[TrialRecord]) -> list[str]:
    seconds: Counter[str] = Counter()
    for trial in cases:
        seconds.update(trial.phases)
    total = sum(seconds.values())
    if not total:
        return []
    return ["time:    " + ", ".join(f"{phase} {spent:.1f} s" for phase, spent in seconds.most_common())]
