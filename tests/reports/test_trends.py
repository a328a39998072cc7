from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from reports.current import current_cases
from reports.model_page import model_page
from reports.names import names_of
from reports.reading import read
from reports.trends import expected_band
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import NEW, OLD, HistoryBuilder, a_verdict

if TYPE_CHECKING:
    from reports.pages import CaseView, ModelPage


@pytest.mark.parametrize(
    ("verdict", "band"),
    [
        pytest.param(
            {"effect": 0.0, "low": 1 / 1.1 - 1, "high": 0.1, "baseline": 10.0},
            (10 / 1.1, 11.0),
            id="a ratio around no change",
        ),
        pytest.param(
            {"effect": 0.5, "low": 1.5 / 1.1 - 1, "high": 0.65, "baseline": 10.0},
            (10 / 1.1, 11.0),
            id="the same, measured far away",
        ),
        pytest.param(
            {"scale": "linear", "effect": -4.0, "low": -6.0, "high": -2.0, "baseline": 30.0},
            (28.0, 32.0),
            id="a difference",
        ),
        pytest.param({"low": None, "high": None}, None, id="no interval"),
        pytest.param({"low": -math.inf, "high": math.inf}, None, id="an infinite interval"),
        pytest.param({"low": -1.2, "high": 0.2}, None, id="a ratio that cannot be"),
    ],
)
def test_the_band_is_where_the_run_was_expected(verdict: dict[str, Any], band: tuple[float, float] | None) -> None:
    """The interval of the effect, moved to lie around the baseline, is where no change would have put the run."""
    found = expected_band(a_verdict(**verdict))
    assert found == (pytest.approx(band) if band else None)


def page_of(builder: HistoryBuilder) -> ModelPage:
    """Return the page of the builder's only model."""
    reading = read(builder.history)
    cases = current_cases(reading)
    return model_page(cases[0].model, cases, reading, names_of(reading), title="T", written="now", file_name="m.html")


def trends_of_metric(case: CaseView, title: str) -> Any:
    """Return the trend whose title begins so."""
    return next(trend for trend in (*case.trends, *case.more_trends) if trend.title.startswith(title))


def test_each_subject_has_a_line_and_its_values(builder: HistoryBuilder) -> None:
    """A trend over two versions has two lines, and the script's data names version, session and value of each point."""
    for index, subject in enumerate((OLD, OLD, NEW)):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16", subject=subject))
    page = page_of(builder)
    trend = trends_of_metric(page.cases[0], "latency")
    drawing = ParsedPage(trend.chart)
    series = page.data["series"][drawing.attributes("data-series")[0]]
    lines = [a["points"].split() for tag, a in drawing.elements if tag == "polyline"]
    assert [len(points) for points in lines] == [2, 1]
    assert [[subject, len(values)] for subject, _, values in series["lines"]] == [[0, 2], [1, 1]]
    assert page.data["subjects"] == ["onnxruntime 1.30.0", "onnxruntime 1.31.1"]
    columns, _ = page.data["runs"][series["lines"][1][1]]
    assert page.data["sessions"][columns[0]][:2] == ("2026-01-07 03:30", "000000000002")


def test_a_series_that_is_always_exact_has_no_chart_but_words(builder: HistoryBuilder) -> None:
    """Infinite ratios cannot be drawn, and are said instead."""
    for index in range(2):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp32"))
    trend = trends_of_metric(page_of(builder).cases[0], "smallest signal-to-error")
    assert trend.chart == ""
    assert trend.note == "∞ in 2 runs; nothing to draw."


def test_bytes_are_drawn_in_the_unit_of_their_axis(builder: HistoryBuilder) -> None:
    """An engine's size is drawn and told in MiB."""
    for index in range(2):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp32"))
    page = page_of(builder)
    drawing = ParsedPage(trends_of_metric(page.cases[0], "engine size").chart)
    series = page.data["series"][drawing.attributes("data-series")[0]]
    assert series["unit"] == "MiB"
    assert series["lines"][0][2] == [pytest.approx(4.673, abs=1e-3)] * 2


def test_what_moved_is_read_first(builder: HistoryBuilder) -> None:
    """Latency comes first, and a series with a regression with it; the others can be unfolded."""
    for index in range(10):
        slower = 1.3 if index == 9 else 1.0
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16", slower=slower))
    case = page_of(builder).cases[0]
    first = [trend.title for trend in case.trends]
    assert sum(title.startswith("latency") for title in first) == 3
    assert any(title.startswith("throughput") for title in first)
    assert any(trend.title.startswith("engine size") for trend in case.more_trends)
    assert "regressed" in case.trends[0].chart


def test_quality_is_kept_beside_each_point(builder: HistoryBuilder) -> None:
    """A point whose timings were contended says so."""
    for index, quality in enumerate(("ok", "contended")):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16", quality=quality))
    assert page_of(builder).data["runs"] == [((0, 1), (0, 1))]


def test_a_first_run_is_no_trend(builder: HistoryBuilder) -> None:
    """Of a series with one run the value is told, and nothing is drawn."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    trend = trends_of_metric(page_of(builder).cases[0], "latency")
    assert trend.chart == ""
    assert trend.note == "The only run so far; a trend begins with the second."
    assert trend.latest.endswith("ms")
