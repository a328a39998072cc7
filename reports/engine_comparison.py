"""Two engines side by side: what each makes of the same part of the graph, with which tactic, in what time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports import text
from reports.engine_layers import Quantity, decibels, lowest_of, lowest_ratios, milliseconds
from reports.layer_alignment import align, is_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.records import LayerRecord, TrialRecord
    from reports.layer_alignment import Aligned

Relation = Literal["other type", "other tactics", "only here", "only there", "same tactics"]
# As a sentence has them, the gravest first.
_TOLD: Mapping[Relation, str] = {
    "other type": "in another type",
    "other tactics": "with other tactics",
    "only here": "only here",
    "only there": "only there",
    "same tactics": "with the same tactics",
}
_MOST_ROWS = 150
_NAME, _TACTIC = 140, 200


@dataclass(frozen=True)
class Side:
    """What one engine makes of a part of the graph."""

    layers: str
    types: str
    tactics: str
    time: Quantity
    error: Quantity


@dataclass(frozen=True)
class ComparisonRow:
    """One part of the graph in two engines; ``difference`` is the time there less the time here."""

    place: int
    relation: Relation
    here: Side
    there: Side
    difference: Quantity
    change: Quantity


@dataclass(frozen=True)
class Comparison:
    """Two engines: the sentence sums the rows up; ``with_errors`` says whether any row has an error to show."""

    sentence: str
    rows: tuple[ComparisonRow, ...]
    title: str
    with_errors: bool


def compare_engines(here: TrialRecord, there: TrialRecord) -> Comparison:
    """Put the layers of two trials' engines side by side, in the order of the first one.

    Where one of them was not timed, or the two were timed at different points, no time is compared.
    """
    own, other = (record.engine.layer_list if record.engine else () for record in (here, there))
    points = [record.conditions.get("layer_times", {}).get("point") for record in (here, there)]
    timed = points[0] == points[1] and all(any(layer.milliseconds for layer in side) for side in (own, other))
    ratios = lowest_ratios(here.tensor_errors), lowest_ratios(there.tensor_errors)
    parts = align(own, other)
    rows = [_row(place, part, ratios, timed=timed) for place, part in enumerate(parts, 1)]
    shown = rows
    title = f"All {text.count(len(rows), 'part')} of the graph, in the order of this engine"
    if len(rows) > _MOST_ROWS:
        weighty = sorted(rows, key=lambda row: (row.relation == "same tactics", -abs(float(row.difference.raw or 0.0))))
        shown = sorted(weighty[:_MOST_ROWS], key=lambda row: row.place)
        title = f"The {_MOST_ROWS:,} parts that differ most, of {len(rows):,}"
    return Comparison(
        sentence=_sentence(rows, own, other, points, timed=timed),
        rows=tuple(shown),
        title=title,
        with_errors=any(row.here.error.raw and row.there.error.raw for row in shown),
    )


def relation_of(part: Aligned) -> Relation:
    """Say how the two sides of a part differ; layers that only change a tensor's format do not count."""
    sides = [[layer for layer in side if not is_helper(layer)] for side in (part.here, part.there)]
    if not part.there:
        return "only here"
    if not part.here:
        return "only there"
    types = [{layer.compute_type for layer in side if layer.compute_type} for side in sides]
    if types[0] != types[1] and all(types):
        return "other type"
    tactics = [sorted((layer.operator, layer.tactic) for layer in side) for side in sides]
    return "same tactics" if tactics[0] == tactics[1] else "other tactics"


def _row(
    place: int, part: Aligned, ratios: tuple[Mapping[str, float], Mapping[str, float]], *, timed: bool
) -> ComparisonRow:
    here, there = _time(part.here), _time(part.there)
    difference = change = None
    if timed and (here is not None or there is not None):
        difference = (there or 0.0) - (here or 0.0)
        change = difference / here if here and there is not None else None
    return ComparisonRow(
        place=place,
        relation=relation_of(part),
        here=_side(part.here, here, ratios[0]),
        there=_side(part.there, there, ratios[1]),
        difference=Quantity(
            text.ABSENT if difference is None else text.change(difference, "linear", "ms"),
            "" if difference is None else f"{difference:.6g}",
        ),
        change=Quantity(text.ABSENT)
        if change is None
        else Quantity(text.percent(change, signed=True), f"{change:.6g}"),
    )


def _side(layers: Sequence[LayerRecord], time: float | None, ratios: Mapping[str, float]) -> Side:
    main = [layer for layer in layers if not is_helper(layer)] or layers
    helpers = len(layers) - len(main)
    with_helpers = f" (and {text.count(helpers, 'change')} of format)" if helpers else ""
    return Side(
        layers=_joined([layer.name for layer in main], _NAME) + with_helpers,
        types=_joined([layer.compute_type for layer in main if layer.compute_type], 60),
        tactics=_joined([layer.tactic for layer in main if layer.tactic], _TACTIC),
        time=milliseconds(time),
        error=decibels(lowest_of(layers, ratios)),
    )


def _joined(words: Sequence[str], longest: int) -> str:
    return ", ".join([text.plain(word, longest) for word in dict.fromkeys(words[:6])]) or text.ABSENT


def _time(layers: Sequence[LayerRecord]) -> float | None:
    known = [layer.milliseconds for layer in layers if layer.milliseconds is not None]
    return sum(known) if known else None


def _sentence(
    rows: Sequence[ComparisonRow],
    own: Sequence[LayerRecord],
    other: Sequence[LayerRecord],
    points: Sequence[str | None],
    *,
    timed: bool,
) -> str:
    counts = Counter(row.relation for row in rows)
    said = text.listed([f"{counts[relation]} {words}" for relation, words in _TOLD.items() if counts[relation]])
    parts = f"Of {text.count(len(rows), 'part')} of the graph: {said}."
    here, there = _time(own), _time(other)
    if not timed or not here or there is None:
        apart = points[0] != points[1] and all(points)
        why = "they were timed at different points" if apart else "not both of them were timed"
        return f"Times are not compared: {why}. {parts}"
    most = max(rows, key=lambda row: abs(float(row.difference.raw or 0.0)))
    largest = f" Most of that in {most.here.layers if most.relation != 'only there' else most.there.layers}: "
    return (
        f"Under their profilers the layers took {text.quantity(here, 'ms')} here and {text.quantity(there, 'ms')} "
        f"there ({text.percent(there / here - 1, signed=True)}).{largest}{most.difference.shown}. {parts}"
    )
