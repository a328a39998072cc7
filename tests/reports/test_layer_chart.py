from __future__ import annotations

import math
import re

import pytest

from reports.layer_chart import HEIGHT, WIDTH, LayerBar, layer_chart
from tests.reports.parsed_page import ParsedPage


def layer(name: str, sqnr_db: float | None, *, limit_db: float | None = 30.0) -> LayerBar:
    """Make a layer that passes if its ratio reaches its limit."""
    passed = None if limit_db is None else sqnr_db is not None and sqnr_db >= limit_db
    return LayerBar(name=name, operator="Conv", sqnr_db=sqnr_db, limit_db=limit_db, passed=passed)


def draw(*layers: LayerBar) -> ParsedPage:
    """Draw layers, and read the drawing back."""
    return ParsedPage(layer_chart(layers, identity="t1", description="layers"))


def stems(page: ParsedPage) -> list[tuple[float, float]]:
    """Return the top of each layer's stem."""
    (path,) = page.with_class("stem")
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) [\d.]+V([\d.]+)", path["d"])]


def test_layers_stand_in_graph_order() -> None:
    """Each layer has a stem, from left to right, the higher the less error; all are inside the drawing."""
    tops = stems(draw(layer("a", 50.0), layer("b", 45.0), layer("c", 40.0)))
    assert tops == sorted(tops)
    assert tops[0][1] < tops[1][1] < tops[2][1]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in tops)


def test_the_first_layer_outside_is_named() -> None:
    """Of several layers outside their tolerance, the first in graph order is named in the drawing."""
    page = draw(layer("good", 50.0), layer("culprit", 12.0), layer("follower", 11.0))
    assert "first outside: culprit" in page.text
    assert "first outside: follower" not in page.text
    assert len(page.with_class("outside")) == 2


def test_nothing_is_named_where_all_are_inside() -> None:
    """A drawing of good layers has no cross and names none."""
    page = draw(layer("a", 50.0), layer("b", 45.0))
    assert page.with_class("outside") == []
    assert "first outside" not in page.text


@pytest.mark.parametrize("place", [0, 39], ids=["at the left end", "at the right end"])
def test_the_name_stays_inside_the_drawing(place: int) -> None:
    """The name stands on the side where there is room, shortened in its middle if it is long."""
    layers = [layer(f"layer{i}", 50.0) for i in range(40)]
    layers[place] = layer("x" * 100 + "the_end", 5.0)
    page = draw(*layers)
    (label,) = [a for tag, a in page.elements if tag == "text" and a["class"] == "first"]
    assert label["text-anchor"] == ("end" if place else "start")
    assert "the_end" in page.text.split("first outside:")[1].split()[0]
    assert len(page.text.split("first outside:")[1].split()[0]) <= 45


def test_an_exact_layer_stands_above_the_axis() -> None:
    """A layer equal to its reference is higher than any ratio, and the line is labelled."""
    page = draw(layer("exact", math.inf), layer("close", 120.0))
    assert stems(page)[0][1] < stems(page)[1][1]
    assert "exact" in page.text


@pytest.mark.parametrize("ratio", [None, math.nan, -math.inf], ids=["no number", "NaN", "nothing left of the signal"])
def test_a_layer_without_a_ratio_lies_on_the_foot(ratio: float | None) -> None:
    """What cannot be drawn to scale is at the foot of the chart, and a cross if it is outside its limits."""
    page = draw(layer("good", 50.0), LayerBar("bad", "Conv", ratio, 30.0, passed=False))
    assert stems(page)[1][1] == max(y for _, y in stems(page)) > 200
    assert len(page.with_class("outside")) == 1


def test_limits_are_steps_with_gaps() -> None:
    """A limit is drawn for the layers that it holds for, and nothing for a layer that has none."""
    page = draw(layer("a", 50.0), layer("b", 50.0, limit_db=None), layer("c", 50.0, limit_db=20.0), layer("d", 50.0))
    (path,) = page.with_class("limit")
    assert path["d"].count("M") == 2
    assert path["d"].count("L") == 1
    assert path["d"].count("H") == 3


def test_a_limit_that_holds_for_all_is_one_stroke() -> None:
    """However many layers share a limit, it is drawn once."""
    (path,) = draw(*(layer(f"layer{i}", 50.0) for i in range(40))).with_class("limit")
    assert (path["d"].count("M"), path["d"].count("L"), path["d"].count("H")) == (1, 0, 1)


def test_hostile_layer_names_are_escaped() -> None:
    """A layer called like a script is shown, not run."""
    page = draw(layer("<script>alert(1)</script>", 5.0))
    assert "first outside: <script>alert(1)</script>" in page.text
    assert [tag for tag, _ in page.elements if tag == "script"] == []
