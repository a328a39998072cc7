from __future__ import annotations

import math

import pytest

from reports.charts import HEIGHT, WIDTH, Band, Line, Mark, sparkline, trend_chart
from tests.reports.parsed_page import ParsedPage

DATES = [f"2026-01-{day:02}" for day in range(1, 11)]


def points_of(page: ParsedPage) -> list[list[tuple[float, float]]]:
    """Return the points of each line."""
    return [
        [tuple(map(float, pair.split(","))) for pair in attributes["points"].split()]  # type: ignore[misc]
        for tag, attributes in page.elements
        if tag == "polyline"
    ]


def draw(**changes: object) -> ParsedPage:
    """Draw two subjects over ten sessions, and read the drawing back."""
    lines = [Line(0, ((0, 1.0), (1, 2.0))), Line(1, ((9, 1.5),))]
    arguments = {"identity": "s1", "description": "latency", "dates": DATES, "unit": "ms", **changes}
    return ParsedPage(trend_chart(lines, **arguments))  # type: ignore[arg-type]


def test_a_trend_has_a_line_per_subject_from_left_to_right() -> None:
    """Points are in the order of their columns; larger values are higher up; all are inside the drawing."""
    page = draw()
    first, second = points_of(page)
    assert first[0][0] < first[1][0] < second[0][0]
    assert first[1][1] < second[0][1] < first[0][1]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in first + second)
    assert not page.problems


def test_lines_carry_the_class_of_their_subject() -> None:
    """Colour and shape come from the subject, not from the order of the lines."""
    assert draw().with_class("l0")
    assert draw().with_class("l1")
    assert "l1" in trend_chart([Line(9, ((0, 1.0),))], identity="s", description="", dates=DATES, unit="ms")


def test_a_band_begins_at_its_first_baseline_run() -> None:
    """The band spans the baseline and the latest run, and its two limits."""
    page = draw(band=Band(5, 1.2, 1.8))
    (band,) = page.with_class("band")
    first, last = points_of(page)[0][0][0], points_of(page)[1][0][0]
    assert float(band["x"]) == pytest.approx(first + (last - first) * 5 / 9, abs=0.1)
    assert float(band["x"]) + float(band["width"]) >= last
    assert float(band["y"]) < points_of(page)[1][0][1] < float(band["y"]) + float(band["height"])


def test_a_band_far_wider_than_the_points_does_not_flatten_them() -> None:
    """The axis follows the points where the band of a noisy start is huge."""
    narrow, huge = points_of(draw())[0], points_of(draw(band=Band(0, 0.1, 900.0)))[0]
    assert narrow == huge


def test_marks_name_their_verdict() -> None:
    """A verdict is a ring with a tooltip; its text is escaped."""
    page = draw(marks=[Mark(9, 1.5, "regressed", "<b>slower</b>")])
    (mark,) = page.with_class("mark")
    assert "regressed" in mark["class"]
    assert (float(mark["cx"]), float(mark["cy"])) == points_of(page)[1][0]
    assert "<b>slower</b>" in page.text


def test_an_axis_names_unit_and_dates() -> None:
    """The first and the last date are written, and the unit of the values."""
    text = draw().text
    assert "2026-01-01" in text
    assert "2026-01-10" in text
    assert "ms" in text.split()


def test_sessions_of_one_day_write_it_once() -> None:
    """Ten sessions of the same day have one date below them."""
    assert draw(dates=["2026-01-01"] * 10).text.count("2026-01-01") == 1


def test_a_chart_of_one_run_is_a_chart() -> None:
    """One value in one session is drawn as one point."""
    page = ParsedPage(trend_chart([Line(0, ((0, 3.0),))], identity="s", description="", dates=DATES[:1], unit="ms"))
    assert len(points_of(page)[0]) == 1


def test_a_description_is_escaped() -> None:
    """What a screen reader says cannot end its attribute."""
    page = draw(description='"><script>alert(1)</script>')
    assert page.attributes("aria-label") == ['"><script>alert(1)</script>']
    assert [tag for tag, _ in page.elements if tag == "script"] == []


def test_a_sparkline_ends_in_a_dot() -> None:
    """The dot is on the newest value."""
    page = ParsedPage(sparkline([1.0, 2.0, 3.0], "three runs"))
    (dot,) = [attributes for tag, attributes in page.elements if tag == "circle"]
    assert (float(dot["cx"]), float(dot["cy"])) == points_of(page)[0][-1]
    assert "three runs" in page.text


@pytest.mark.parametrize(
    "values", [[], [1.0], [1.0, math.nan, math.inf]], ids=["no run", "one run", "one that is finite"]
)
def test_a_sparkline_needs_two_values(values: list[float]) -> None:
    """Of less than two finite values there is nothing to draw."""
    assert sparkline(values, "few") == ""
