"""The present state of every case on every machine: its newest trials, its standing, and that in a sentence."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases.metric import METRICS, Metric
from reports import text
from reports.standing import STANDINGS, Standing, judge_trial, severity, worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import MatrixCell, SessionRow
    from harness.verdicts.gate import Verdict
    from reports.reading import Reading

LATENCIES = ("latency_graph", "latency_stream", "latency_host")
MINIMUM_RUNS = 8

# Options, and the two colons of a test's id, by which pytest runs a part of what it collected.
_NARROWED = re.compile(r"(?:^|\s)'?(?:-k|-m|--deselect|--lf|--last-failed|--sw|--stepwise)(?:[\s=]|$)|::")
# Held against whole parts of a name, so that a name of any length is read in one go.
_RANGE = re.compile(r"([A-Za-z_][A-Za-z_.]*)(\d+)(?:x(\d+)x\d+)?")


@dataclass(frozen=True)
class CurrentCase:
    """One case on one machine.

    Attributes:
        case_id: the case's name; model, precision and profile are its parts.
        version: of its meaning.
        environment: the machine's hash.
        cells: the newest trial of each subject of the last session that has the case.
        session: that session.
        missing_from: a later session that asked for the case and does not have it, if there is one.
        stale: whether the machine has a later session, which did not ask for the case.
        standing: the worst of its subjects' standings.
    """

    case_id: str
    model: str
    precision: str
    profile: str
    version: int
    environment: str
    cells: tuple[MatrixCell, ...]
    session: SessionRow
    missing_from: SessionRow | None
    stale: bool
    standing: Standing

    @property
    def newest(self) -> MatrixCell:
        """The trial that the standing comes from; the newest of several that stand alike."""
        return min(reversed(self.cells), key=lambda cell: severity(standing_of(cell)))

    @property
    def label(self) -> str:
        """The standing's word, or how far a baseline has come."""
        if self.standing.key == "insufficient":
            return f"{baseline_runs(self.newest)} of {MINIMUM_RUNS} runs"
        return self.standing.label


def metric_of(name: str) -> Metric:
    """Return the metric called ``name``; one that this version does not know any more is shown as it was stored."""
    return METRICS.get(name) or Metric(
        name=name, title=name, unit="1", direction="lower", smallest_effect=0.0, gated=False
    )


def gated(cell: MatrixCell) -> dict[tuple[str, str], Verdict]:
    """Return the cell's verdicts on gated metrics, by metric and point."""
    return {key: verdict for key, verdict in cell.verdicts.items() if metric_of(key[0]).gated}


def standing_of(cell: MatrixCell) -> Standing:
    """Return the standing of the trial of a cell."""
    findings = {finding.stage: finding.outcome for finding in cell.findings}
    return judge_trial(cell.outcome, findings, (verdict.status for verdict in gated(cell).values()))


def furthest_moved(case: CurrentCase) -> tuple[tuple[str, str], Verdict] | None:
    """Return the gated series that moved furthest, of those that the case's standing is about, with its verdict."""
    if case.missing_from:
        return None
    moved = [item for item in gated(case.newest).items() if item[1].status == case.standing.key]
    return max(moved, key=lambda item: abs(item[1].effect or 0.0), default=None)


def baseline_runs(cell: MatrixCell) -> int:
    """Return the shortest baseline among the gated series that were too short to judge by."""
    return min((v.n for v in gated(cell).values() if v.status == "insufficient"), default=0)


def current_cases(reading: Reading) -> list[CurrentCase]:
    """Return every case on every machine, in the order of machines and of the history."""
    places = {row.record.id: place for place, row in enumerate(reading.sessions)}
    ran: dict[tuple[str, str], set[str]] = defaultdict(set)
    on_machine: dict[str, set[str]] = defaultdict(set)
    for trial in reading.trials:
        ran[trial.case_id, trial.environment].add(trial.session_id)
        on_machine[trial.environment].add(trial.session_id)
    current = []
    for (case_id, environment), cells in reading.cells.items():
        last = max((cell.session_id for cell in cells), key=places.__getitem__)
        shown = tuple(cell for cell in cells if cell.session_id == last)
        later = sorted((s for s in on_machine[environment] if places[s] > places[last]), key=places.__getitem__)
        earlier = [reading.sessions[places[s]] for s in {*ran[case_id, environment], last}]
        asked = [s for s in later if asks_for(reading.sessions[places[s]], shown[0], earlier)]
        standing = STANDINGS["missing"] if asked else worst(map(standing_of, shown))
        current.append(
            CurrentCase(
                case_id=case_id,
                model=shown[0].model,
                precision=shown[0].precision,
                profile=shown[0].profile,
                version=shown[0].case_version,
                environment=environment,
                cells=shown,
                session=reading.sessions[places[last]],
                missing_from=reading.sessions[places[asked[-1]]] if asked else None,
                stale=bool(later),
                standing=standing,
            )
        )
    return current


def asks_for(session: SessionRow, cell: MatrixCell, earlier: Sequence[SessionRow]) -> bool:
    """Return whether ``session`` was to run the case of ``cell``.

    A session says so by its settings: ``models``, ``precisions`` and ``profiles`` name what it is limited to, and at
    any pace but ``full`` it leaves out slow models, which are those that only full sessions (among ``earlier``) had.
    One that was narrowed on pytest's command line, and ``trt-harness check``, asked for what they have and no more.
    """
    settings: Mapping[str, object] = session.record.settings
    if settings.get("check") or _NARROWED.search(session.record.command):
        return False
    for setting, name in (("models", cell.model), ("precisions", cell.precision), ("profiles", cell.profile)):
        wanted = settings.get(setting)
        if isinstance(wanted, (list, tuple)) and wanted and name not in wanted:
            return False
    slow = all(row.record.settings.get("pace") == "full" for row in earlier)
    return not slow or settings.get("pace") == "full" or bool(settings.get("models"))


def tuned_latency(cell: MatrixCell) -> tuple[str, str] | None:
    """Return metric and point of the latency that stands for the case.

    It is that of the point that the engine is tuned for, see ``is_tuned``; where it was not timed there, or nobody
    knows where that is, of the middle one of the points by size. None if no latency was measured.
    """
    for metric in LATENCIES:
        points = [point for name, point in cell.values if name == metric]
        if points:
            tuned = next((point for point in points if is_tuned(cell.profile, point)), None)
            return metric, tuned or sorted(points, key=volume)[(len(points) - 1) // 2]
    return None


def is_tuned(profile: str, point: str) -> bool:
    """Return whether ``point`` is the one that engines of ``profile`` are tuned for.

    That is read from the profile's name (``batch1x4x16``: 4); one that a person gave does not tell.
    """
    ranges = [found.groups() for part in profile.split("-") if (found := _RANGE.fullmatch(part))]
    return bool(ranges) and point == ",".join(f"{symbol}={opt or only}" for symbol, only, opt in ranges)


def sentence_of(case: CurrentCase) -> str:
    """Say how the case stands, and why."""
    key = case.standing.key
    cell = case.newest
    if case.missing_from:
        return _absence(case.session, case.missing_from)
    if key in ("crashed", "timed_out", "failed", "unsupported"):
        return _first_failure(cell)
    moved = [(name, v) for name, v in gated(cell).items() if v.status == key]
    if key in ("regressed", "inconclusive", "improved", "missing") and moved:
        (metric, point), verdict = max(moved, key=lambda item: abs(item[1].effect or 0.0))
        more = f"; {text.count(len(moved) - 1, 'more series', 'more series')} likewise" if len(moved) > 1 else ""
        return f"{describe_change(metric, point, verdict)}{more}."
    if key == "insufficient":
        return f"has {baseline_runs(cell)} of the {MINIMUM_RUNS} baseline runs that a verdict needs."
    if key == "pass":
        return f"holds; {text.count(len(gated(cell)), 'gated series', 'gated series')} within what was expected."
    return case.standing.meaning


def describe_change(metric: str, point: str, verdict: Verdict) -> str:
    """Say what a verdict found: the metric, both values, the change and its interval."""
    unit = metric_of(metric).unit
    where = f" at {text.point(point)}" if point else ""
    if verdict.value is None or verdict.baseline is None or verdict.effect is None:
        return f"{metric_of(metric).title}{where}: {text.sentence(verdict.reason).rstrip('.')}"
    between = interval(verdict, unit)
    return (
        f"{metric_of(metric).title}{where}: {text.quantity(verdict.value, unit)} instead of "
        f"{text.quantity(verdict.baseline, unit)} ({text.change(verdict.effect, verdict.scale, unit)}"
        f"{f', interval {between}' if between else ''})"
    )


def interval(verdict: Verdict, unit: str) -> str:
    """Write the interval of a verdict's effect; nothing if it has none."""
    if verdict.low is None or verdict.high is None:
        return ""
    return f"{text.change(verdict.low, verdict.scale, unit)} … {text.change(verdict.high, verdict.scale, unit)}"


def volume(point: str) -> int:
    """Return the product of a point's sizes, read from its label: ``batch=4,sequence=128`` is 512."""
    return math.prod(map(int, re.findall(r"=(\d+)", point)))


def _absence(last: SessionRow, later: SessionRow) -> str:
    unfinished = "" if later.status == "finished" else f" ({later.status})"
    return (
        f"ran in session {last.record.id} of {text.moment(last.record.started_at)} UTC and not in session "
        f"{later.record.id} of {text.moment(later.record.started_at)} UTC{unfinished}."
    )


def _first_failure(cell: MatrixCell) -> str:
    wanted = "skipped" if cell.outcome == "unsupported" else "failed"
    said = next((f for f in cell.findings if f.outcome == wanted and f.stage != "regression"), None)
    message = said.message if said and said.message else cell.message
    first_line = text.plain(message, 400).strip().split("\n", 1)[0] or "no reason was recorded"
    # The case is named beside the sentence already.
    if first_line.startswith((f"{cell.case_id}:", f"{cell.case_id}@")):
        first_line = first_line.partition(": ")[2]
    return f"{said.stage}: {first_line}" if said else first_line
