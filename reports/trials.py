"""The latest trial of a case, in full: stages, measurements, errors of outputs and layers, the engine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.cases.metric import METRICS
from harness.cases.tolerance import LOWER_LIMITS
from reports import text
from reports.current import gated, interval, metric_of, standing_of, volume
from reports.engine_view import engine_view
from reports.layer_chart import LayerBar, layer_chart
from reports.links import layers_file
from reports.names import facts_of
from reports.pages import Fact, FindingView, LayersView, MeasurementView, TensorView, TrialView
from reports.standing import STANDINGS
from reports.timings import timings_sentence
from reports.verdict_reading import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.records import FindingRecord, TensorErrorRecord, TrialRecord
    from harness.history.rows import MatrixCell
    from reports.points import ModelContext, PointData

# The measures of an error that a table shows: the name in the history, the column's head.
MEASURES = (
    ("max_abs", "Largest abs."),
    ("rmse", "RMSE"),
    ("max_rel", "Largest rel."),
    ("cosine", "Cosine"),
    ("sqnr_db", "SQNR"),
)
_LIMITS = {
    "max_abs": "abs.",
    "mean_abs": "mean abs.",
    "rmse": "RMSE",
    "max_rel": "rel.",
    "cosine": "cosine",
    "sqnr_db": "SQNR",
}
_SYMBOLS = {"passed": "✔", "failed": "✖", "skipped": "⊘"}
# pytest has no word of its own for a stage that could not say yes or no; its message begins with ours.
_NO_ANSWERS = ("insufficient", "inconclusive")
_WORST_LAYERS = 12
_LONGEST_FINDING = 1500
_NAMED_UNREADABLE = 5
# Conditions that sentences tell.
_SAID = frozenset({"layer_times", "unreadable_layers", "instrumented_difference"})


def trial_view(cell: MatrixCell, context: ModelContext) -> TrialView:
    """Return everything that is shown of a cell's trial; the names of its layers go into the context's data."""
    record = context.reading.details[cell.trial_id]
    layers = context.links.to(layers_file(cell.case_id, cell.case_version, cell.environment_hash, cell.subject_hash))
    return TrialView(
        subject=context.names.subjects[cell.subject_hash],
        started=text.moment(record.started_at),
        session=text.plain(record.session, 40),
        quality=timings_sentence(cell),
        standing=standing_of(cell),
        message=_message(record),
        conditions=(*facts_of(_unsaid(record.conditions)), *_phases(record.phases)),
        engine=engine_view(record.engine, record.conditions, context.engine_room) if record.engine else None,
        findings=_findings(record.findings),
        measurements=_measurements(cell, context),
        outputs=tuple(tensor_view(e) for e in record.tensor_errors if e.scope == "outputs"),
        layers=None if layers else layers_view(record, cell.trial_id, context.data),
        layers_href=layers,
        layers_sentence=layers_sentence(record) if layers else "",
        layer_notes=layer_notes(record.conditions),
    )


def _message(record: TrialRecord) -> str:
    """Return what a trial ended with; empty where the table of its stages says the same in full."""
    said = record.message.strip()
    if any(said == finding.message.strip() for finding in record.findings) and len(said) <= _LONGEST_FINDING:
        return ""
    return text.plain(record.message, 1000) if record.outcome == "unsupported" else text.plain_end(record.message)


def number_of(value: Any) -> float | None:
    """Return a measure as a float, infinite ones also where they were kept as text; None if it is no number."""
    try:
        converted = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(converted) else converted


def limits_text(tolerance: Mapping[str, float]) -> str:
    """Write a tolerance: ``SQNR ≥ 30.0 dB, cosine ≥ 0.999``."""
    return ", ".join(
        f"{_LIMITS.get(name, text.plain(name, 40))} {'≥' if name in LOWER_LIMITS else '≤'} {measured(name, limit)}"
        for name, limit in tolerance.items()
    )


def _findings(findings: Sequence[FindingRecord]) -> tuple[FindingView, ...]:
    """Return the failed stages, then the skipped ones, then in one row those that passed without a word."""
    silent = [f for f in findings if f.outcome == "passed" and not f.message]
    spoken = sorted(
        (f for f in findings if f not in silent), key=lambda f: ("failed", "skipped", "passed").index(f.outcome)
    )
    rows = [([f.stage], f.outcome, f.message) for f in spoken]
    if silent:
        rows.append(([f.stage for f in silent], "passed", ""))
    return tuple(
        FindingView(
            text.plain(text.listed(stages), 200), *_ending(outcome, message), text.plain(message, _LONGEST_FINDING)
        )
        for stages, outcome, message in rows
    )


def _ending(outcome: str, message: str) -> tuple[str, str]:
    """Return the word for how a stage ended, and its symbol."""
    word = message.partition(":")[0]
    if outcome == "skipped" and word in _NO_ANSWERS:
        return word, STANDINGS[word].symbol
    return outcome, _SYMBOLS[outcome]


def measured(name: str, value: Any) -> str:
    """Write a measure of an error, given by its name in the history; a dash stands for what is no number."""
    number = number_of(value)
    if number is None:
        return text.ABSENT
    if name == "sqnr_db":
        return "exact" if number == math.inf else text.quantity(number, "dB")
    return text.ratio(number)


def tensor_view(error: TensorErrorRecord) -> TensorView:
    """Return the error of a tensor as a row of a table."""
    return TensorView(
        place=error.position + 1,
        tensor=text.plain(error.tensor, 120),
        operator=text.plain(error.operator, 60),
        point=text.point(error.point),
        measures=tuple(measured(name, error.errors.get(name)) for name, _ in MEASURES),
        limits=limits_text(error.tolerance),
        passed=error.passed,
    )


def _measurements(cell: MatrixCell, context: ModelContext) -> tuple[MeasurementView, ...]:
    places = {name: place for place, name in enumerate(METRICS)}
    keys = sorted(
        {*cell.values, *cell.verdicts}, key=lambda key: (places.get(key[0], len(places)), key[0], volume(key[1]))
    )
    return tuple(_measurement(metric, point, cell, context) for metric, point in keys)


def _measurement(name: str, point: str, cell: MatrixCell, context: ModelContext) -> MeasurementView:
    metric = metric_of(name)
    verdict = cell.verdicts.get((name, point))
    samples = context.reading.samples.get((cell.trial_id, name, point))
    value = cell.values.get((name, point))
    tails = []
    if samples and samples.p90 is not None:
        tails.append(f"p90 {text.quantity(samples.p90, metric.unit)}")
    if samples and samples.p99 is not None:
        tails.append(f"p99 {text.quantity(samples.p99, metric.unit)}")
    standing = STANDINGS.get(verdict.status) if verdict and (name, point) in gated(cell) else None
    of_what = " × the roofline" if name == "roofline_distance" else ""
    return MeasurementView(
        metric=text.plain(metric.title, 80),
        point=text.point(point),
        value=f"{text.quantity(value, metric.unit)}{of_what}",
        baseline=text.quantity(verdict.baseline, metric.unit) if verdict else text.ABSENT,
        # Against too few runs a difference is not yet a change.
        change=text.ABSENT
        if verdict is None or verdict.effect is None or verdict.status == "insufficient"
        else text.change(verdict.effect, verdict.scale, metric.unit),
        interval=(interval(verdict, metric.unit) if verdict else "") or text.ABSENT,
        standing=standing,
        label=f"{verdict.n} of 8 runs" if verdict and verdict.status == "insufficient" else "",
        reason=text.sentence(verdict.reason) if verdict else "",
        # Only what moved can have a page, and a page is written anew when one that it asked for comes.
        href=context.verdicts.to(cell, name, point) if context.verdicts and verdict and verdict.status in WORDS else "",
        samples=f"{samples.count:,}" if samples else text.ABSENT,
        spread=text.percent(samples.spread) if samples else text.ABSENT,
        tails=", ".join(tails) or text.ABSENT,
    )


def _phases(phases: Mapping[str, float]) -> tuple[Fact, ...]:
    spent = ", ".join(f"{text.plain(name, 30)} {text.duration(seconds)}" for name, seconds in phases.items())
    return (Fact("time spent", spent),) if spent else ()


def _unsaid(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions that no sentence of the page tells."""
    return {name: value for name, value in conditions.items() if name not in _SAID}


def layer_notes(conditions: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what the errors of layers do not: which tensors have none, and what reading the others changed."""
    notes = []
    unreadable = conditions.get("unreadable_layers", ())
    if unreadable:
        named = ", ".join(text.plain(str(name), 80) for name in unreadable[:_NAMED_UNREADABLE])
        more = f" and {len(unreadable) - _NAMED_UNREADABLE:,} more" if len(unreadable) > _NAMED_UNREADABLE else ""
        count = text.count(len(unreadable), "tensor")
        notes.append(f"{count} could not be read back, so that nothing is known of their errors: {named}{more}.")
    difference = number_of(conditions.get("instrumented_difference"))
    if difference is not None:
        as_built = (
            "as they are without"
            if difference == 0
            else f"different from those without by up to {_share(difference)} of their largest magnitude"
        )
        notes.append(f"With its inner tensors exposed, which changes what is fused, the final outputs are {as_built}.")
    return tuple(notes)


def _share(difference: float) -> str:
    """Write a share that is not zero, however small it is."""
    return text.percent(difference) if difference >= 5e-5 else f"{text.significant(100 * difference, 2)}\u00a0%"


def layers_sentence(record: TrialRecord) -> str:
    """Say how the layers of a trial stand, and which is the first outside its tolerance; empty without any."""
    errors = sorted((e for e in record.tensor_errors if e.scope == "layers"), key=lambda e: e.position)
    bars = [_layer_bar(error) for error in errors]
    return _layers_sentence(bars, [i for i, bar in enumerate(bars) if bar.passed is False]) if bars else ""


def layers_view(record: TrialRecord, trial_id: int, data: PointData) -> LayersView | None:
    """Return the errors of a trial's layers, whose names go into ``data``; None where it has none."""
    errors = sorted((e for e in record.tensor_errors if e.scope == "layers"), key=lambda e: e.position)
    if not errors:
        return None
    bars = [_layer_bar(error) for error in errors]
    outside = [i for i, bar in enumerate(bars) if bar.passed is False]
    sentence = _layers_sentence(bars, outside)
    identity = f"t{trial_id}"
    data.layers[identity] = [
        data.names([(bar.name, bar.operator) for bar in bars]),
        [ratio_or_word(bar.sqnr_db) for bar in bars],
        [bar.limit_db for bar in bars],
    ]
    weakest = sorted(range(len(bars)), key=lambda i: _ratio_of(bars[i]))
    chosen = sorted({*outside[:_WORST_LAYERS], *weakest[:_WORST_LAYERS]})
    return LayersView(
        chart=layer_chart(bars, identity=identity, description=sentence),
        sentence=sentence,
        rows_title=f"The {len(chosen)} layers with the largest error or outside their tolerance, of {len(bars)}",
        rows=tuple(tensor_view(errors[i]) for i in chosen),
    )


def _layer_bar(error: TensorErrorRecord) -> LayerBar:
    limit = number_of(error.tolerance.get("sqnr_db"))
    return LayerBar(
        name=text.plain(error.tensor, 120),
        operator=text.plain(error.operator, 60),
        sqnr_db=number_of(error.errors.get("sqnr_db")),
        limit_db=limit if limit is not None and math.isfinite(limit) else None,
        passed=error.passed,
    )


def _layers_sentence(bars: Sequence[LayerBar], outside: Sequence[int]) -> str:
    ratios = [bar.sqnr_db for bar in bars if bar.sqnr_db is not None]
    lowest = f" The lowest ratio of signal to error is {measured('sqnr_db', min(ratios))}." if ratios else ""
    if outside:
        first = bars[outside[0]]
        operator = f" ({first.operator})" if first.operator else ""
        are = "is" if len(outside) == 1 else "are"
        return (
            f"{len(outside)} of {text.count(len(bars), 'layer')} {are} outside the tolerance; the first one in graph "
            f"order is {first.name}{operator}, layer {outside[0] + 1}, at {measured('sqnr_db', first.sqnr_db)}.{lowest}"
        )
    judged = sum(bar.passed is not None for bar in bars)
    if judged == 0:
        return f"{text.count(len(bars), 'layer')}, none of them with a tolerance to be judged by.{lowest}"
    unjudged = f" {len(bars) - judged} have no tolerance." if judged < len(bars) else ""
    within = "The one judged layer is within its" if judged == 1 else f"All {judged} judged layers are within their"
    return f"{within} tolerance.{unjudged}{lowest}"


def _ratio_of(bar: LayerBar) -> float:
    """Return a layer's ratio as a sort key: what cannot be compared is worst."""
    return -math.inf if bar.sqnr_db is None else bar.sqnr_db


def ratio_or_word(sqnr_db: float | None) -> float | str:
    """Return a ratio of signal to error (dB) for a page's data, to a tenth; a word where it is no finite number."""
    if sqnr_db is None:
        return "not comparable"
    return (
        round(sqnr_db, 1) if math.isfinite(sqnr_db) else "exact" if sqnr_db > 0 else "nothing of the reference is left"
    )
