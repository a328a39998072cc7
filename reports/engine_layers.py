"""The layers of an engine as rows of a table that can be sorted by their numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports import text
from reports.trials import measured, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.records import LayerRecord, TensorErrorRecord

_MOST_ROWS = 2000
_NAME, _TACTIC, _OUTPUTS = 160, 300, 3


@dataclass(frozen=True)
class Quantity:
    """A number as it is read, and as it is sorted and exported by; ``raw`` is empty where there is none."""

    shown: str
    raw: str = ""

    @property
    def cell(self) -> Markup:
        """The cell of a table that has the number; made here because pages have tens of thousands of them."""
        value = f' data-value="{escape(self.raw)}"' if self.raw else ""
        return Markup(f'<td class="num"{value}>{escape(self.shown)}</td>')  # noqa: S704 - both parts are escaped


@dataclass(frozen=True)
class EngineLayerRow:
    """One layer; ``error`` is the lowest ratio of signal to error among the tensors that it makes."""

    place: int
    name: str
    operator: str
    compute_type: str
    tactic: str
    outputs: str
    time: Quantity
    share: Quantity
    error: Quantity


@dataclass(frozen=True)
class EngineLayerTable:
    """The layers of an engine; ``with_errors`` says whether any of them has an error to show."""

    title: str
    rows: tuple[EngineLayerRow, ...]
    with_errors: bool


def slowest_table(layers: Sequence[LayerRecord], most: int) -> EngineLayerTable:
    """Return the layers of an engine that take most of its time, the slowest first; its first ones if none was timed.

    Args:
        layers: of the engine, more than ``most``.
        most: how many are shown.
    """
    total = sum(layer.milliseconds or 0.0 for layer in layers)
    shown = sorted(layers, key=lambda layer: -(layer.milliseconds or 0.0))[:most]
    return EngineLayerTable(
        f"The {most} {'slowest' if total else 'first'} of {text.count(len(layers), 'layer')}",
        tuple(_row(layer, total, {}) for layer in shown),
        with_errors=False,
    )


def layer_table(layers: Sequence[LayerRecord], errors: Sequence[TensorErrorRecord] = ()) -> EngineLayerTable:
    """Return the layers of an engine in its order, at most the first 2000.

    Args:
        layers: of the engine.
        errors: of tensors that its graph makes.
    """
    lowest = lowest_ratios(errors)
    total = sum(layer.milliseconds or 0.0 for layer in layers)
    rows = tuple(_row(layer, total, lowest) for layer in layers[:_MOST_ROWS])
    everything = text.count(len(layers), "layer")
    title = f"All {everything}" if len(layers) <= _MOST_ROWS else f"The first {_MOST_ROWS:,} of {everything}"
    return EngineLayerTable(
        f"{title if len(layers) != 1 else 'The one layer'} in the engine's order",
        rows,
        with_errors=any(row.error.raw for row in rows),
    )


def milliseconds(value: float | None) -> Quantity:
    """Return a time in ms."""
    return Quantity(text.quantity(value, "ms"), "" if value is None else f"{value:.6g}")


def decibels(value: float | None) -> Quantity:
    """Return a ratio of signal to error in dB; +inf is exact."""
    return Quantity(measured("sqnr_db", value), "" if value is None else f"{value:.6g}")


def lowest_ratios(errors: Iterable[TensorErrorRecord]) -> Mapping[str, float]:
    """Return the lowest ratio of signal to error in dB of each tensor, by its name."""
    ratios: dict[str, float] = defaultdict(lambda: math.inf)
    for error in errors:
        ratio = number_of(error.errors.get("sqnr_db"))
        if ratio is not None:
            ratios[error.tensor] = min(ratios[error.tensor], ratio)
    return dict(ratios)


def lowest_of(layers: Iterable[LayerRecord], ratios: Mapping[str, float]) -> float | None:
    """Return the lowest ratio among the tensors that ``layers`` make; None if none of them has one."""
    return min((ratios[name] for layer in layers for name in layer.outputs if name in ratios), default=None)


def _row(layer: LayerRecord, total: float, lowest: Mapping[str, float]) -> EngineLayerRow:
    known = layer.milliseconds is not None and total > 0
    share = (layer.milliseconds or 0.0) / total if known else 0.0
    more = f" and {len(layer.outputs) - _OUTPUTS} more" if len(layer.outputs) > _OUTPUTS else ""
    return EngineLayerRow(
        place=layer.position + 1,
        name=text.plain(layer.name, _NAME),
        operator=text.plain(layer.operator, 60),
        compute_type=text.plain(layer.compute_type, 30) or text.ABSENT,
        tactic=text.plain(layer.tactic, _TACTIC) or text.ABSENT,
        outputs=(", ".join(text.plain(name, 80) for name in layer.outputs[:_OUTPUTS]) + more) or text.ABSENT,
        time=milliseconds(layer.milliseconds),
        share=Quantity(text.percent(share), f"{share:.6g}") if known else Quantity(text.ABSENT),
        error=decibels(lowest_of([layer], lowest)),
    )
