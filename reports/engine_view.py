"""The engine of a trial: what it computes in, where its time goes, what its build said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import text
from reports.names import facts_of
from reports.pages import EngineLayerView, EngineView, Fact, NumberTypeView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from harness.history.records import EngineRecord, LayerRecord

_SLOWEST = 20
_MOST_WARNINGS = 20
# A page has room for so much of all its engines together, and each of them for that much at least or at most.
_ROWS_OF_A_PAGE, _FEWEST_ROWS, _MOST_ROWS = 4000, 20, 600
_LOG_OF_A_PAGE, _SHORTEST_LOG, _LONGEST_LOG = 200_000, 1_000, 5_000
# Names of kernels are long and begin with what tells most; a list of all layers has less room for them.
_TACTIC, _TACTIC_IN_LIST = 120, 40


@dataclass(frozen=True)
class EngineRoom:
    """How much of one engine fits on a page: rows of its list of layers, characters of its log."""

    rows: int
    log: int

    @classmethod
    def among(cls, engines: int) -> EngineRoom:
        """Share the room of a page out among ``engines``."""
        return cls(
            rows=min(max(_ROWS_OF_A_PAGE // max(engines, 1), _FEWEST_ROWS), _MOST_ROWS),
            log=min(max(_LOG_OF_A_PAGE // max(engines, 1), _SHORTEST_LOG), _LONGEST_LOG),
        )


def engine_view(engine: EngineRecord, conditions: Mapping[str, Any], room: EngineRoom) -> EngineView:
    """Return what is shown of an engine.

    Args:
        engine: with its layers.
        conditions: of the trial: ``layer_times`` says at which point the layers were timed, or why they were not.
        room: how much of it is shown.
    """
    layers = engine.layer_list
    total = sum(layer.milliseconds or 0.0 for layer in layers)
    slowest = sorted((layer for layer in layers if layer.milliseconds), key=lambda layer: -(layer.milliseconds or 0.0))
    slowest = slowest[:_SLOWEST]
    return EngineView(
        facts=_facts(engine),
        types=_types(engine),
        sentence=_sentence(layers, slowest, total, conditions.get("layer_times")),
        slowest=tuple(_layer(layer, total, _TACTIC) for layer in slowest),
        layers=tuple(_layer(layer, total, _TACTIC_IN_LIST) for layer in layers[: room.rows]),
        layers_title=_layers_title(len(layers), room.rows),
        warning_kinds=tuple(
            Fact(text.plain(kind, 60), f"{count:,}")
            for kind, count in sorted(engine.warning_kinds.items(), key=lambda item: (-item[1], item[0]))
        ),
        warnings=tuple(text.plain(line, 300) for line in engine.warnings[:_MOST_WARNINGS]),
        log=text.plain_end(engine.log, room.log),
    )


def _facts(engine: EngineRecord) -> tuple[Fact, ...]:
    return (
        Fact("engine size", text.quantity(engine.bytes, "B")),
        Fact("fingerprint", text.plain(engine.fingerprint, 64)),
        Fact("layers", f"{engine.layers:,}"),
        Fact("number types", _shares(engine.type_shares) or "unknown"),
        *((Fact("number types by time", _shares(engine.time_shares)),) if engine.time_shares else ()),
        Fact("build time", text.duration(engine.build_seconds)),
        *(Fact(f"option {fact.name}", fact.value) for fact in facts_of(engine.options)),
    )


def _shares(shares: Mapping[str, float]) -> str:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{text.plain(name, 30)} {text.percent(share)}" for name, share in ordered)


def _types(engine: EngineRecord) -> tuple[NumberTypeView, ...]:
    """Return a row per number type, that of most layers first; none where no layer computes."""
    names = sorted({*engine.type_shares, *engine.time_shares}, key=lambda name: -engine.type_shares.get(name, 0.0))
    return tuple(
        NumberTypeView(
            name=text.plain(name, 30),
            layers=text.percent(engine.type_shares.get(name, 0.0)),
            time=text.percent(engine.time_shares.get(name, 0.0)) if engine.time_shares else text.ABSENT,
        )
        for name in names
    )


def _layer(layer: LayerRecord, total: float, longest_tactic: int) -> EngineLayerView:
    known = layer.milliseconds is not None
    return EngineLayerView(
        place=layer.position + 1,
        name=text.plain(layer.name, 120),
        operator=text.plain(layer.operator, 60),
        compute_type=text.plain(layer.compute_type, 30) or text.ABSENT,
        tactic=_cut(text.plain(layer.tactic), longest_tactic) or text.ABSENT,
        time=text.quantity(layer.milliseconds, "ms"),
        share=text.percent((layer.milliseconds or 0.0) / total) if known and total else text.ABSENT,
    )


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _sentence(
    layers: Sequence[LayerRecord], slowest: Sequence[LayerRecord], total: float, told: Mapping[str, Any] | None
) -> str:
    """Say where the layers were timed, how much the slowest take, and how much is no arithmetic; or why nothing is."""
    if told and "failed" in told:
        return f"The layers could not be timed: {text.plain(str(told['failed']), 300)}"
    if not total:
        return "The layers were not timed." if layers else ""
    where = f" at {text.point(str(told['point']))}" if told and "point" in told else ""
    shown = sum(layer.milliseconds or 0.0 for layer in slowest)
    moving = sum(layer.milliseconds or 0.0 for layer in layers if not layer.compute_type)
    most = (
        "" if len(slowest) == len(layers) else f" The {len(slowest)} slowest take {text.percent(shown / total)} of it."
    )
    return (
        f"Under its runtime's profiler{where} the layers took {text.quantity(total, 'ms')} in all.{most} "
        f"Layers that only move, reshape or work element by element take {text.percent(moving / total)}."
    )


def _layers_title(count: int, rows: int) -> str:
    if not count:
        return ""
    everything = f"All {count:,} layers in the engine's order"
    return everything if count <= rows else f"The first {rows:,} of {count:,} layers in the engine's order"
