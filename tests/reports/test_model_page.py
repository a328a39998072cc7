from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.links import case_file, layers_file
from reports.model_page import file_names, model_page
from reports.render import render
from reports.write import site_of, write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import FIRST_BROKEN_LAYER, SESSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reports.sample_history import HistoryBuilder


def test_file_names_are_safe_and_unique() -> None:
    """Names that would be the same file, also where capitals do not count, get a number."""
    assert file_names(["net", "Net", "../net", "n e t"]) == {
        "net": "model-net.html",
        "Net": "model-Net-2.html",
        "../net": "model-net-3.html",
        "n e t": "model-n_e_t.html",
    }


def test_the_page_of_a_broken_model_names_the_layer(sample_report: Path) -> None:
    """The first layer outside its tolerance is in a sentence there, and in the drawing and the table of its layers."""
    page = ParsedPage.of(sample_report / "model-squeezenet.html")
    assert f"the first one in graph order is {FIRST_BROKEN_LAYER} (Conv), layer 35" in page.text
    (layers,) = {href for href in page.attributes("href") if href.startswith("layers-squeezenet-int8")}
    details = ParsedPage.of(sample_report / layers).text
    assert "first outside: " + FIRST_BROKEN_LAYER in details
    assert details.count(FIRST_BROKEN_LAYER) >= 3


def test_the_page_has_every_case_the_worst_first(sample_report: Path) -> None:
    """Each precision on each machine has a section that the table of cases links to."""
    page = ParsedPage.of(sample_report / "model-squeezenet.html")
    sections = [a["id"] for tag, a in page.elements if tag == "section" and "case" in a.get("class", "").split()]
    assert sections == [
        "case-0-int8-batch1x4x16",
        "case-1-fp32-batch1x4x16",
        "case-0-fp32-batch1x4x16",
        "case-0-fp16-batch1x4x16",
        "case-0-tf32-batch1x4x16",
    ]
    links = [href for href in page.attributes("href") if href.startswith("#case")]
    assert links == [f"#{section}" for section in sections]


def test_the_page_of_a_crash_shows_the_end_of_the_log(sample_report: Path) -> None:
    """Signal and log are there, without the escapes of a terminal."""
    source = (sample_report / "model-encoder.html").read_text(encoding="utf-8")
    assert "signal 11 (SIGSEGV)" in source
    assert "[W:onnxruntime] fusing attention" in source
    assert "Segmentation fault" in source
    assert "\x1b" not in source
    assert "[0;93m" not in source


def test_a_regression_has_its_numbers_and_its_mark(sample_report: Path) -> None:
    """The table has value, baseline and interval, the drawing a ring with the sentence as tooltip."""
    page = ParsedPage.of(sample_report / "model-resnet50.html")
    text = page.text
    assert "regressed: latency, host to host, median at batch=4:" in text
    assert "interval +" in text
    assert [mark for mark in page.with_class("mark") if "regressed" in mark["class"]]


def test_every_point_can_be_named_by_the_script(sample_report: Path) -> None:
    """Each line of each chart has as many values, sessions and qualities in the data as points in the drawing."""
    page = ParsedPage.of(sample_report / "model-squeezenet.html")
    data = page.data
    charts = [a["data-series"] for a in page.with_class("trend")]
    assert len(charts) > 10
    for chart in charts:
        for _, runs, values in data["series"][chart]["lines"]:
            columns, qualities = data["runs"][runs]
            assert len(columns) == len(qualities) == len(values)
    lines = [a for tag, a in page.elements if tag == "polyline" and a["class"] != "layer"]
    drawn = sum(len(line["points"].split()) for line in lines)
    told = sum(len(values) for series in data["series"].values() for _, _, values in series["lines"])
    assert drawn == told
    assert len(data["sessions"]) == SESSIONS


def test_every_layer_can_be_named_by_the_script(sample_report: Path) -> None:
    """Each chart of errors has a name, a ratio and a limit for each stem."""
    files = list(sample_report.glob("layers-squeezenet-*.html"))
    assert len(files) > 2
    for page in map(ParsedPage.of, files):
        chart, stem = page.with_class("layers")[0], page.with_class("stem")[0]
        names, ratios, limits = page.data["layers"][chart["data-layers"]]
        assert len(page.data["names"][names]) == len(ratios) == len(limits) == stem["d"].count("M") == 66


def test_each_session_has_machine_subject_and_commit(sample_report: Path) -> None:
    """The table at the end says of each point where it comes from."""
    text = ParsedPage.of(sample_report / "model-squeezenet.html").text
    table = text[text.index("Sessions with this model") :]
    for index in range(SESSIONS):
        assert f"{index:012x}" in table
    assert table.count("onnxruntime 1.30.0") == 9
    assert table.count("onnxruntime 1.31.1") == 5


@pytest.mark.parametrize(
    "heading", ["What was checked", "Measurements", "Final outputs", "Layers", "Engine and conditions"]
)
def test_a_case_is_shown_in_full(sample_report: Path, heading: str) -> None:
    """Stages, measurements, outputs, layers and the engine each have their place."""
    assert heading in ParsedPage.of(sample_report / "model-resnet50.html").text


def test_a_case_can_be_run_again(sample_report: Path) -> None:
    """The command that reproduces a case is on its page."""
    command = "pytest suites/ --models resnet50 --precisions fp16 --profiles batch1x4x16"
    assert command in ParsedPage.of(sample_report / "model-resnet50.html").text


def test_a_checked_file_is_checked_again(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A file that is in no catalogue is run again by the command that checked it."""
    command = "trt-harness check my.onnx --shape x:1x3"
    session = builder.session(0, command=command, settings={"check": "my.onnx"})
    builder.history.add_trial(builder.trial(session, "resnet50", "fp32"))
    folder = write_report(builder.history, tmp_path / "report").parent
    assert f"Run it again: {command}" in ParsedPage.of(folder / "model-resnet50.html").text


def test_what_other_pages_show_in_full_is_linked_and_left_out(builder: HistoryBuilder) -> None:
    """With a page per case only latency is drawn; with a page of layers these are not; without them all of it is."""
    for index in range(3):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16"))
    site = site_of(builder.history, title="Report")
    (case,) = site.cases
    whole = model_page("resnet50", site.cases, site.reading, site.names, title="T", written="now", file_name="m.html")
    names = [
        case_file(case.case_id, case.version, case.environment),
        layers_file(case.case_id, case.version, case.environment, case.cells[0].subject_hash),
    ]
    site.links.offer(names)
    slim = model_page(
        "resnet50", site.cases, site.reading, site.names, title="T", written="now", file_name="m.html", links=site.links
    )
    assert whole.cases[0].more_trends
    assert whole.cases[0].trials[0].layers is not None
    assert (slim.cases[0].trends, slim.cases[0].more_trends) == (whole.cases[0].trends, ())
    assert (slim.cases[0].href, slim.cases[0].trials[0].layers_href) == tuple(names)
    assert slim.cases[0].trials[0].layers is None
    source = render(slim, "model.html.j2")
    assert all(f'href="{name}"' in source for name in names)
