"""The graph of a case as its page of layers shows it: drawn, with colours for error, time and number type."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import text
from reports.graph_colours import Colouring, colourings, error_shade, time_shade, type_shade
from reports.graph_drawing import DrawnBox, GraphDrawing, draw_graph
from reports.graph_makers import Makers, makers_of
from reports.graph_shown import ShownNode, shown_graph
from reports.trials import limits_text, measured, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.records import GraphRecord, LayerRecord, TensorErrorRecord, TrialRecord

# A drawing of up to this width has room on a usual screen without being made smaller.
_USUAL_WIDTH = 1160


@dataclass(frozen=True)
class GraphView:
    """The drawing with what is said beside it.

    Attributes:
        drawing: of the graph.
        sentence: what is drawn.
        colourings: by error, time and number type, those of which something is known.
        quantised: whether edges are drawn that quantise.
        failed: whether a box is outside its tolerance.
        joint: whether a layer stands for several boxes, each of which then shows the time of all.
        fits: whether the drawing needs no more room sideways than a usual screen has.
    """

    drawing: GraphDrawing
    sentence: str
    colourings: tuple[Colouring, ...]
    quantised: bool
    failed: bool
    joint: bool
    fits: bool


def why_not_drawn(graph: GraphRecord | None) -> str:
    """Return a sentence that says why there is no drawing; empty where there is one."""
    if graph is None:
        return (
            "The graph itself is not drawn here: this trial was stored by a harness that did not remember graphs yet. "
            "The next session of this case remembers it."
        )
    if not graph.nodes:
        return (
            f"The graph itself is not drawn here: of its {text.count(graph.size, 'node')}, which are more than anyone "
            "reads in a drawing, the history keeps the number alone."
            if graph.size
            else "The graph itself is not drawn here: it has no node that depends on an input."
        )
    return ""


def graph_view(record: TrialRecord, rows: Mapping[str, str]) -> GraphView | None:
    """Return the drawing of a trial's graph; None where ``why_not_drawn`` has something to say.

    Args:
        record: of the trial.
        rows: by tensor, the anchor of its row in a table of the page.
    """
    if record.graph is None or not record.graph.nodes:
        return None
    graph = shown_graph(record.graph)
    layers = record.engine.layer_list if record.engine else ()
    makers = makers_of(graph, layers)
    errors = _errors(record.tensor_errors)
    total = sum(layer.milliseconds or 0.0 for layer in layers)
    boxes = [_box(node, own, _worst(node, errors), total, rows) for node, own in zip(graph.nodes, makers, strict=True)]
    sentence = _sentence(graph.nodes, makers, layers, total)
    drawing = draw_graph(boxes, [(edge.tail, edge.head, edge.quantised) for edge in graph.edges], sentence)
    return GraphView(
        drawing=drawing,
        sentence=sentence,
        colourings=colourings([box.shades for box in boxes]),
        quantised=any(edge.quantised for edge in graph.edges),
        failed=any(box.failed for box in boxes),
        joint=any(own.nodes > 1 for own in makers),
        fits=drawing.width <= _USUAL_WIDTH,
    )


def _errors(errors: Iterable[TensorErrorRecord]) -> dict[tuple[str, str], TensorErrorRecord]:
    """Return by scope and tensor the error at the point where it is worst."""
    worst: dict[tuple[str, str], TensorErrorRecord] = {}
    for error in errors:
        key = (error.scope, error.tensor)
        if key not in worst or _badness(error) > _badness(worst[key]):
            worst[key] = error
    return worst


def _badness(error: TensorErrorRecord) -> tuple[bool, float]:
    ratio = number_of(error.errors.get("sqnr_db"))
    return error.passed is False, math.inf if ratio is None else -ratio


def _worst(node: ShownNode, errors: Mapping[tuple[str, str], TensorErrorRecord]) -> TensorErrorRecord | None:
    if node.kind == "input":
        return None
    # A tensor that is an output of the graph is compared as one, not as a layer.
    own = [(scope, name) for scope in ("layers", "outputs") for name in node.tensors]
    return max((errors[key] for key in own if key in errors), key=_badness, default=None)


def _box(
    node: ShownNode, makers: Makers, error: TensorErrorRecord | None, total: float, rows: Mapping[str, str]
) -> DrawnBox:
    heading = text.plain(node.operator, 60) if node.kind == "operator" else node.kind
    name = text.plain(node.name, 120).replace("\n", " ")
    shades = (
        error_shade(None if error is None else number_of(error.errors.get("sqnr_db"))),
        time_shade(_share(makers, total), joint=makers.nodes > 1),
        type_shade(_types(makers)),
    )
    lines = [f"{heading} {name}".strip(), *_error_lines(error), *_engine_lines(node, makers, total)]
    makes = [tensor for tensor in node.tensors if tensor != node.name]
    if node.kind == "operator" and makes:
        lines.append(f"makes {', '.join(text.plain(tensor, 80) for tensor in makes[:3])}")
    return DrawnBox(
        heading=heading,
        # Without a name of its own a node is known by what it makes.
        name=name or text.plain(next(iter(node.tensors), ""), 120),
        about="\n".join(lines),
        shades=shades,
        failed=error is not None and error.passed is False,
        end=node.kind != "operator",
        href=next((f"#{rows[tensor]}" for tensor in node.tensors if tensor in rows and node.kind == "operator"), ""),
    )


def _share(makers: Makers, total: float) -> float | None:
    """Return the share of the engine's time that the layers of a node take; None where it is not known."""
    times = [layer.milliseconds for layer in makers.layers if layer.milliseconds is not None]
    return sum(times) / total if times and total > 0 else None


def _error_lines(error: TensorErrorRecord | None) -> list[str]:
    if error is None:
        return ["error: not compared"]
    said = {True: ", within", False: ", outside", None: ""}[error.passed]
    limits = f"{said} its tolerance ({limits_text(error.tolerance)})" if said else ""
    return [f"error: {measured('sqnr_db', error.errors.get('sqnr_db'))}{limits}"]


def _engine_lines(node: ShownNode, makers: Makers, total: float) -> list[str]:
    if node.kind != "operator":
        return []
    if not makers.layers:
        return ["no layer of the engine is known to be this node"]
    first = text.plain(makers.layers[0].name, 80)
    share = _share(makers, total)
    time = "not known" if share is None else f"{text.percent(share)} of the engine's time"
    lines = [f"time: {time}"]
    if makers.nodes > 1:
        others = text.count(makers.nodes - 1, "other node")
        concluded = ", as it has no layer of its own and is read by nothing else" if makers.inferred else ""
        lines.append(f"part of {first} together with {others}{concluded}")
    else:
        more = f" and {len(makers.layers) - 1} more" if len(makers.layers) > 1 else ""
        lines.append(f"layer: {first}{more}")
    types = _types(makers)
    return [*lines, f"type: {', '.join(types)}"] if types else lines


def _types(makers: Makers) -> list[str]:
    return sorted({text.plain(layer.compute_type, 30) for layer in makers.layers if layer.compute_type})


def _sentence(nodes: Sequence[ShownNode], makers: Sequence[Makers], layers: Sequence[LayerRecord], total: float) -> str:
    operators = text.count(sum(node.kind == "operator" for node in nodes), "node")
    sentence = f"The {operators} of the graph, from its inputs down to its outputs; constants are left out."
    known = {layer.position for own in makers for layer in own.layers}
    rest = sum(layer.milliseconds or 0.0 for layer in layers if layer.position not in known)
    if total > 0 and rest > 0:
        sentence += (
            f" Layers that are none of these nodes, such as those that bring numbers into another format, take "
            f"{text.percent(rest / total)} of the engine's time."
        )
    return sentence
