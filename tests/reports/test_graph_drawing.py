"""The drawing of a graph as SVG."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from reports.graph_colours import Shade
from reports.graph_drawing import DrawnBox, draw_graph

if TYPE_CHECKING:
    from reports.graph_drawing import GraphDrawing

SHADES = (Shade("e3", "50 dB"), Shade("t4", "7 %"), Shade("n2", "float16"))
BOX = DrawnBox("Conv", "conv1", "Conv conv1\nerror: 50 dB", SHADES, href="#tensor-1")
END = DrawnBox("input", "x", "input x", (Shade(), Shade(), Shade()), end=True)


def parsed(drawing: GraphDrawing) -> ET.Element:
    """Return the drawing as a tree, which only XML without a fault can be made into."""
    return ET.fromstring(drawing.svg)  # noqa: S314 - made here


def test_a_box_has_all_colourings() -> None:
    """Each box has a class for each quantity and a text for each value, so that a style sheet can switch."""
    svg = parsed(draw_graph([END, BOX], [(0, 1, False)], "two boxes"))
    (box,) = svg.iter("a")
    assert box.get("class") == "node e3 t4 n2"
    texts = {text.get("class"): text.text for text in box.iter("text")}
    assert texts == {"operator": "Conv", None: "conv1", "by-error": "50 dB", "by-time": "7 %", "by-type": "float16"}
    assert box.findtext("title") == BOX.about
    assert box.get("href") == "#tensor-1"
    assert svg.get("aria-label") == "two boxes"
    (end,) = [group for group in svg.iter("g") if "end" in str(group.get("class"))]
    assert end.get("role") == "img"


def test_what_failed_has_a_sign() -> None:
    """A box outside its tolerance has a mark beside its colours, as not everybody sees these."""
    svg = parsed(draw_graph([replace(BOX, failed=True)], [], ""))
    (box,) = svg.iter("a")
    assert "failed-node" in str(box.get("class")).split()
    assert "✖" in "".join(box.itertext())


def test_quantised_edges_are_drawn_otherwise() -> None:
    """Each kind of edge is a path of its own, and all heads are another."""
    edges = [(0, 1, True), (1, 2, False), (2, 3, False)]
    paths = list(parsed(draw_graph([END, BOX, BOX, BOX], edges, "")).iter("path"))
    assert [path.get("class") for path in paths] == ["edge plain", "edge quantised", "edge-heads"]
    assert [str(path.get("d")).count("M") for path in paths] == [2, 1, 3]


def test_curves_begin_and_end_vertically() -> None:
    """An edge to the side leaves its box downwards and reaches the other one from straight above."""
    svg = parsed(draw_graph([BOX] * 3, [(0, 1, False), (0, 2, False)], ""))
    data = str(next(svg.iter("path")).get("d"))
    curves = re.findall(r"M(\S+) \S+?C(\S+) (\S+) (\S+) (\S+) (\S+) (\S+?)V", data)
    assert len(curves) == 2
    for start, first_x, first_y, second_x, second_y, end_x, _ in curves:
        assert (start, second_x) == (first_x, end_x)
        assert first_y == second_y


def test_hostile_names_stay_text() -> None:
    """Whatever a node is called, it makes no element of the page."""
    hostile = '"/><script>alert(1)</script>'
    svg = draw_graph([replace(BOX, heading=hostile, name=hostile, about=hostile, href=hostile)], [], hostile)
    assert "<script" not in svg.svg
    assert parsed(svg).findtext("a/title") == hostile


def test_long_names_are_cut_where_they_say_least() -> None:
    """Of a name the end is kept, of an operator the beginning, and both fit into their box."""
    named = replace(BOX, name="/features/fire5/expand3x3/activations/deeper/still/Conv_17", heading="Very" * 20)
    texts = [text.text or "" for text in parsed(draw_graph([named], [], "")).iter("text")]
    assert texts[0].startswith("VeryVery")
    assert texts[0].endswith("…")
    assert texts[1].startswith("…")
    assert texts[1].endswith("/still/Conv_17")
    assert all(len(text) * 6 < 236 for text in texts)


def test_a_hundred_nodes_are_small() -> None:
    """A drawing of 100 nodes takes less than 100 KB."""
    boxes = [replace(BOX, name=f"/features/fire{i}/expand3x3/Conv", href=f"#tensor-{i}") for i in range(100)]
    drawing = draw_graph(boxes, [(i, i + 1, i % 2 == 0) for i in range(99)], "")
    assert len(drawing.svg.encode()) < 100_000
