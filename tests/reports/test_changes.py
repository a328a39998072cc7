"""Change points in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.current import current_cases
from reports.model_page import model_page
from reports.names import names_of
from reports.reading import read
from reports.render import render
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import NEW, OLD, HistoryBuilder

if TYPE_CHECKING:
    from reports.pages import ModelPage

RUNS, FIRST_SLOW = 24, 12


@pytest.fixture
def page(builder: HistoryBuilder) -> ModelPage:
    """Return the page of a model that has been 30 % slower since a new version of its runtime."""
    for index in range(RUNS):
        slow = index >= FIRST_SLOW
        session = builder.session(index)
        trial = builder.trial(
            session,
            "resnet50",
            "fp16",
            slower=1.3 if slow else 1.0,
            subject=NEW if slow else OLD,
            quality="ok",
            verdicts=(),
        )
        builder.history.add_trial(trial)
    builder.history.find_change_points(session.id)
    reading = read(builder.history)
    cases = current_cases(reading)
    return model_page("resnet50", cases, reading, names_of(reading), title="T", written="now", file_name="m.html")


def test_a_table_says_since_when_and_what_else_changed(page: ModelPage) -> None:
    """Each series that moved has a row with both levels, the change, and the new version."""
    row = next(row for row in page.cases[0].changes if row.series.startswith("latency, host to host"))
    assert (row.session, row.better, row.accepted) == (f"{FIRST_SLOW:012x}", False, "")
    assert row.change.startswith(("+29", "+30", "+31"))
    assert "runtime: onnxruntime 1.30.0 → onnxruntime 1.31.1" in row.differences
    throughput = next(row for row in page.cases[0].changes if row.series.startswith("throughput"))
    assert throughput.change.startswith("−2")
    assert throughput.better is False


def test_charts_mark_the_change(page: ModelPage) -> None:
    """The line stands between the last run before and the first since, named after what is new."""
    trend = next(trend for trend in page.cases[0].trends if trend.title.startswith("latency, host to host"))
    drawing = ParsedPage(trend.chart)
    (step,) = drawing.with_class("step")
    assert "accepted" not in step["class"]
    assert "onnxruntime 1.31.1" in drawing.text
    assert f"since session {FIRST_SLOW:012x}" in drawing.text
    lines = [a["points"].split() for tag, a in drawing.elements if tag == "polyline"]
    before, after = (float(points[place].split(",")[0]) for points, place in ((lines[0], -1), (lines[1], 0)))
    (path,) = [a["d"] for tag, a in drawing.elements if tag == "path" and a["d"].startswith("M") and "V" in a["d"]]
    assert before < float(path[1:].split()[0]) < after


def test_the_page_shows_both(page: ModelPage) -> None:
    """The table is on the page, beneath the charts that it explains."""
    text = ParsedPage(render(page, "model.html.j2")).text
    assert text.index("Over time") < text.index("Since when: the first run at each new level")


def test_a_change_of_level_is_told_from_a_verdict(page: ModelPage) -> None:
    """A level may be worse beside a case that is inconclusive, and the table says how both are true."""
    text = ParsedPage(render(page, "model.html.j2")).text
    assert "A change of level is found over several runs: it is no verdict of the gate" in text


def test_a_series_that_moved_is_read_first(page: ModelPage) -> None:
    """Throughput, which is folded away elsewhere, stands beside the latencies as long as nobody accepted its change."""
    assert any(trend.title.startswith("throughput") for trend in page.cases[0].trends)
