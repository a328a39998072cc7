from __future__ import annotations

import itertools
import math
import re

import pytest

from reports.versions_charts import (
    Bar,
    ScalingLine,
    SlopeLine,
    TradePoint,
    bar_chart,
    scaling_chart,
    slope_chart,
    trade_chart,
)
from tests.reports.parsed_page import ParsedPage

HOSTILE = "</text><script>alert(1)</script>"


def _slope(change: float, label: str = "case", *, named: bool = True) -> SlopeLine:
    tone = "same" if abs(change) < 0.02 else "slower" if change > 0 else "faster"
    return SlopeLine(((0, 0.0), (1, math.log1p(change))), label, tone, named)


def test_slopes_have_a_tone_and_labels_that_do_not_overlap() -> None:
    """Lines of one change are told apart by their labels, which stand a line's height apart."""
    chart = slope_chart(["1.0", "2.0"], [_slope(0.1, f"case {i}") for i in range(8)], "eight cases")
    heights = [float(y) for y in re.findall(r'class="named slower" x="[\d.]+" y="([\d.]+)"', chart)]
    assert len(heights) == 8
    assert all(second - first > 12.8 for first, second in itertools.pairwise(heights))
    assert chart.count('class="slope slower"') == 8


def test_a_slope_of_noise_is_not_drawn_as_large_as_a_change() -> None:
    """The axis of ratios spans four hundredths at least."""
    chart = slope_chart(["1.0", "2.0"], [_slope(0.001, named=False)], "one case")
    (points,) = re.findall(r'points="([^"]+)"', chart)
    first, second = (float(point.split(",")[1]) for point in points.split())
    assert 0 < first - second < 10


def test_the_front_is_drawn_and_what_is_beaten_says_so() -> None:
    """Beaten precisions are fainter and carry the word; an exact score is named as such and drawn on top."""
    points = [
        TradePoint("fp32", 0, 2.0, math.inf, front=True, exact=True),
        TradePoint("fp16", 1, 3.0, 50.0, front=False),
        TradePoint("int8", 2, 1.0, 28.0, front=True),
    ]
    page = ParsedPage(trade_chart(points, ("ms", "dB"), "three precisions"))
    assert page.problems == []
    assert {"fp32 (exact)", "fp16, beaten", "int8"} <= set(page.texts)
    assert len(page.with_class("beaten")) == 1
    (front,) = page.with_class("front")
    assert front["d"].count("H") == front["d"].count("V") == 1


def test_labels_of_near_points_do_not_overlap() -> None:
    """The second of two points at one place has its label elsewhere."""
    points = [TradePoint(name, 0, 1.0, 30.0, front=True) for name in ("first", "second")]
    chart = trade_chart([*points, TradePoint("third", 0, 2.0, 40.0, front=True)], ("ms", "dB"), "near")
    places = re.findall(r'<text x="([\d.]+)" y="([\d.]+)">', chart)
    assert len(places) == len(set(places)) == 3


def test_scaling_begins_at_zero() -> None:
    """Half as much is drawn half as high."""
    chart = scaling_chart(["1", "2"], [ScalingLine(0, ((0, 50.0), (1, 100.0)))], "per second", "doubles")
    (points,) = re.findall(r'<polyline class="l0" points="([^"]+)"', chart)
    low, high = (200 - float(point.split(",")[1]) for point in points.split())
    assert high == pytest.approx(2 * low, abs=0.2)


def test_bars_are_logarithmic_from_one() -> None:
    """A hundredfold is drawn twice as long as a tenfold; what is at the roofline has the shortest bar."""
    chart = bar_chart([Bar("a", 100.0, "100 ×"), Bar("b", 10.0, "10 ×"), Bar("c", 0.9, "0.9 ×")], "three")
    first, second, third = (float(width) for width in re.findall(r'class="bar"[^>]*width="([\d.]+)"', chart))
    assert (first, third) == (pytest.approx(2 * second), 1.0)


def test_labels_are_escaped() -> None:
    """Names from outside are text."""
    drawings = (
        slope_chart([HOSTILE, HOSTILE], [_slope(0.1, HOSTILE)], HOSTILE),
        trade_chart([TradePoint(HOSTILE, 0, 1.0, 2.0, front=True)], (HOSTILE, HOSTILE), HOSTILE),
        scaling_chart([HOSTILE], [ScalingLine(0, ((0, 1.0),))], HOSTILE, HOSTILE),
        bar_chart([Bar(HOSTILE, 2.0, HOSTILE)], HOSTILE),
    )
    for drawing in drawings:
        page = ParsedPage(drawing)
        assert "script" not in [tag for tag, _ in page.elements]
        assert HOSTILE in page.texts
