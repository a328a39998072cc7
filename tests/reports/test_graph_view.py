"""The graph as the page of layers shows it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.history.records import GraphRecord, LayerRecord, NodeRecord, TensorErrorRecord
from reports.graph_view import graph_view, why_not_drawn

if TYPE_CHECKING:
    from harness.history.records import TrialRecord
    from reports.graph_view import GraphView
    from tests.reports.sample_history import HistoryBuilder

GRAPH = GraphRecord(
    hash="g",
    size=3,
    inputs=("x",),
    outputs=("y",),
    nodes=(
        NodeRecord(name="conv", operator="Conv", inputs=("x",), outputs=("a",)),
        NodeRecord(name="relu", operator="Relu", inputs=("a",), outputs=("b",)),
        NodeRecord(name="", operator="Gemm", inputs=("b",), outputs=("y",)),
    ),
)
LAYERS = (
    LayerRecord(
        position=0, name="conv + relu", operator="Conv", compute_type="float16", outputs=("b",), milliseconds=3
    ),
    LayerRecord(position=1, name="reformat", operator="Reformat", compute_type="", milliseconds=0.5),
    LayerRecord(position=2, name="gemm", operator="Gemm", compute_type="int8", outputs=("y",), milliseconds=0.5),
)


def error(tensor: str, ratio: float, *, scope: str = "layers", passed: bool | None = True) -> TensorErrorRecord:
    """Return the error of a tensor, of which 30 dB are demanded."""
    return TensorErrorRecord(
        scope="outputs" if scope == "outputs" else "layers",
        position=0,
        tensor=tensor,
        operator="",
        point="batch=1",
        errors={"sqnr_db": ratio},
        tolerance={} if passed is None else {"sqnr_db": 30.0},
        passed=passed,
    )


@pytest.fixture
def trial(builder: HistoryBuilder) -> TrialRecord:
    """Return a trial of three nodes in three layers, of which one is fused."""
    record = builder.trial(builder.session(0), "encoder", "fp16")
    assert record.engine is not None
    return replace(
        record,
        graph=GRAPH,
        engine=replace(record.engine, layer_list=LAYERS),
        tensor_errors=(
            error("a", 50.0),
            error("b", 25.0, passed=False),
            error("y", math.inf, scope="outputs", passed=None),
        ),
    )


def drawn(trial: TrialRecord) -> GraphView:
    """Return the view of a trial, in whose table tensor ``a`` has a row."""
    view = graph_view(trial, {"a": "tensor-1"})
    assert view is not None
    return view


def boxes(trial: TrialRecord) -> list[ET.Element]:
    """Return the boxes of the drawing: input, Conv, Relu, Gemm, output."""
    svg = ET.fromstring(drawn(trial).drawing.svg)  # noqa: S314 - made here
    return [element for element in svg if str(element.get("class")).startswith("node")]


def test_a_box_tells_all_that_is_known(trial: TrialRecord) -> None:
    """Name and operator, the error with its limits, the time, whose part it is, and the number type."""
    titles = [box.findtext("title") or "" for box in boxes(trial)]
    assert titles[0] == "input x\nerror: not compared"
    assert re.sub("\u00a0", " ", titles[2]) == (
        "Relu relu\nerror: 25.0 dB, outside its tolerance (SQNR ≥ 30.0 dB)\ntime: 75.0 % of the engine's time\n"
        "part of conv + relu together with 1 other node\ntype: float16\nmakes b"
    )
    assert titles[4] == "output y\nerror: exact"


def test_boxes_are_coloured_by_three_quantities(trial: TrialRecord) -> None:
    """Nodes of a fused layer share its time and type, what makes an output has its error, and ends have no time."""
    assert [box.get("class") for box in boxes(trial)] == [
        "node end", "node e3 t5 n2", "node failed-node e4 t5 n2", "node e0 t5 n4", "node end e0"
    ]  # fmt: skip
    assert [box.get("href") for box in boxes(trial)] == [None, "#tensor-1", None, None, None]
    assert [colouring.key for colouring in drawn(trial).colourings] == ["error", "time", "type"]
    assert drawn(trial).joint
    assert drawn(trial).failed


def test_what_the_engine_does_beside_the_graph_is_said(trial: TrialRecord) -> None:
    """Time that belongs to none of the boxes is in the sentence, not lost."""
    assert "The 3 nodes of the graph" in drawn(trial).sentence
    assert re.sub("\u00a0", " ", drawn(trial).sentence).endswith("take 12.5 % of the engine's time.")


def test_a_node_without_a_name_is_known_by_what_it_makes(trial: TrialRecord) -> None:
    """The box of a nameless node shows its tensor."""
    assert [text.text for text in boxes(trial)[3].iter("text")][:2] == ["Gemm", "y"]


def test_the_worst_point_counts(trial: TrialRecord) -> None:
    """Of an output that was compared at several points the largest error is shown."""
    more = (error("y", 41.0, scope="outputs"), error("y", 61.0, scope="outputs"))
    output = boxes(replace(trial, tensor_errors=(*trial.tensor_errors, *more)))[4]
    assert output.get("class") == "node end e3"


def test_without_an_engine_errors_are_still_shown(trial: TrialRecord) -> None:
    """A build that failed after the comparison leaves one colouring; one of which nothing is known leaves none."""
    assert [colouring.key for colouring in drawn(replace(trial, engine=None)).colourings] == ["error"]
    assert drawn(replace(trial, engine=None, tensor_errors=())).colourings == ()


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        pytest.param(None, "did not remember graphs yet", id="a history of before"),
        pytest.param(replace(GRAPH, nodes=(), size=1203), "of its 1,203 nodes", id="a large graph"),
        pytest.param(replace(GRAPH, nodes=(), size=0), "no node that depends on an input", id="a graph without nodes"),
    ],
)
def test_what_is_not_drawn_has_a_reason(trial: TrialRecord, graph: GraphRecord | None, said: str) -> None:
    """There is either a drawing or a sentence."""
    assert graph_view(replace(trial, graph=graph), {}) is None
    assert said in why_not_drawn(graph)
    assert why_not_drawn(GRAPH) == ""
