from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.records import MeasurementRecord
from reports.links import VERSIONS
from reports.versions_levels import Levels
from reports.versions_page import slots_of, versions_files, versions_page
from reports.write import site_of, write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import DESKTOP, NEW, OLD, SERVER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.history.records import EnvironmentRecord, SubjectRecord
    from reports.versions_page import VersionsPage
    from tests.reports.sample_history import HistoryBuilder

METRICS = {"latency_host", "output_sqnr_db", "throughput", "throughput_streams", "roofline_distance", "top1"}


def _fill(
    builder: HistoryBuilder,
    subjects: Sequence[tuple[SubjectRecord, dict[str, float]]],
    *,
    environment: EnvironmentRecord = SERVER,
    first: int = 0,
    extra: dict[tuple[str, str], float] | None = None,
) -> None:
    """Store ten sessions of each subject, with the precisions at its factors of time."""
    index = first
    for subject, factors in subjects:
        for _ in range(10):
            session = builder.session(index)
            index += 1
            for precision, slower in factors.items():
                trial = builder.trial(
                    session,
                    "encoder",
                    precision,
                    subject=subject,
                    slower=slower,
                    environment=environment,
                    quality="ok",
                    engine=None,
                    tensor_errors=(),
                )
                more = tuple(MeasurementRecord(metric=m, point=p, value=v) for (m, p), v in (extra or {}).items())
                builder.history.add_trial(replace(trial, measurements=trial.measurements + more))
            builder.history.finish_session(session.id)


def _page(builder: HistoryBuilder) -> VersionsPage:
    site = site_of(builder.history, title="Report")
    levels = Levels(site.reading, METRICS)
    return versions_page(site, levels, slots_of(site, levels))


@pytest.fixture
def two_versions(builder: HistoryBuilder) -> HistoryBuilder:
    """Return a history in which the newer version is slower in fp16 and faster in int8."""
    same = {"fp32": 1.0, "fp16": 1.0, "int8": 1.0}
    _fill(builder, [(OLD, same), (NEW, {"fp32": 1.0, "fp16": 1.3, "int8": 0.8})])
    return builder


def test_the_newest_two_versions_are_compared_at_first(two_versions: HistoryBuilder) -> None:
    """The page opens with the older one as A, its sentence, and a row per point."""
    page = _page(two_versions)
    assert page.chosen is not None
    assert [each.label for each in page.chosen] == ["onnxruntime 1.30.0", "onnxruntime 1.31.1"]
    assert page.sentence.startswith(
        "onnxruntime 1.31.1 against onnxruntime 1.30.0: faster in 3, slower in 3 and unchanged in 3 of 9;"
    )
    assert sorted(row.point for row in page.rows) == ["batch=1", "batch=16", "batch=4"]
    words = [[cell.word if cell else None for cell in row.cells] for row in page.rows]
    assert page.precisions == ("fp32", "fp16", "int8")
    assert words == [["same", "slower", "faster"]] * 3


def test_every_pair_of_configurations_can_be_chosen(two_versions: HistoryBuilder) -> None:
    """The data of the script have both directions of each pair, and cells that say what the page would."""
    _fill(two_versions, [(NEW, {"fp32": 1.0})], environment=DESKTOP, first=20)
    page = _page(two_versions)
    keys = [each.key for each in page.configurations]
    assert len(keys) == 3
    assert set(page.data["pairs"]) == {f"{a} {b}" for a in keys for b in keys if a != b}
    assert page.chosen is not None
    sentence, metric, rows = page.data["pairs"][f"{page.chosen[0].key} {page.chosen[1].key}"]
    assert (sentence, metric) == (page.sentence, page.metric)
    words = list(page.data["words"])
    shown = [[(words[c[0]], *c[1:4]) if c else None for c in cells] for _, *cells in rows]
    assert shown == [[(c.word, c.shade, c.change, c.interval) if c else None for c in row.cells] for row in page.rows]
    assert [page.data["rows"][place][3] for place, *_ in rows] == [row.point for row in page.rows]
    across = [pair for key, pair in page.data["pairs"].items() if page.configurations[0].key in key]
    assert all("nothing here is a regression" in sentence for sentence, *_ in across)


def test_one_version_has_nothing_to_compare(builder: HistoryBuilder) -> None:
    """The page says so, and shows what there is of the one."""
    _fill(builder, [(NEW, {"fp32": 1.0, "int8": 1.0})])
    page = _page(builder)
    assert (page.chosen, page.rows, page.slopes) == (None, (), ())
    assert len(page.trade_offs) == 1


def test_old_configurations_are_left_out_where_pairs_are_too_many(
    two_versions: HistoryBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest two stay, and the others are counted."""
    _fill(two_versions, [(replace(NEW, version="1.32.0"), {"fp32": 1.0})], first=20)
    monkeypatch.setattr("reports.versions_page._MOST_COMPARISONS", 1)
    page = _page(two_versions)
    assert [each.label for each in page.configurations] == ["onnxruntime 1.32.0", "onnxruntime 1.31.1"]
    assert page.left_out == 1


def test_slopes_go_from_version_to_version(two_versions: HistoryBuilder) -> None:
    """One figure per machine counts what got slower and faster, and names those that moved."""
    (figure,) = _page(two_versions).slopes
    assert figure.sentence.startswith("From the first to the last version that has it, 1 of 3 cases got slower and 1 f")
    assert "Each is at the tuned point; other points are left out" in figure.sentence
    assert "encoder-fp16-batch1x4x16" in figure.chart
    assert " at batch=" not in figure.chart
    assert 'class="named same"' not in figure.chart


def test_slopes_are_at_the_point_with_most_runs_on_both_sides(builder: HistoryBuilder) -> None:
    """Where the tuned point has a run a side, what is decided at another one is drawn, named and counted as there."""
    for index in range(20):
        subject, slower = (OLD, 1.0) if index < 10 else (NEW, 0.8)
        trial = builder.trial(builder.session(index), "encoder", "int8", subject=subject, slower=slower)
        everywhere = index in (9, 19)
        kept = tuple(each for each in trial.measurements if everywhere or each.point != "batch=4")
        builder.history.add_trial(replace(trial, quality="ok", measurements=kept, verdicts=()))
    page = _page(builder)
    assert page.sentence.startswith("onnxruntime 1.31.1 against onnxruntime 1.30.0: faster in 2 and not decided in 1")
    (figure,) = page.slopes
    assert "0 of 1 case got slower and 1 faster, judged as in the table above. Each is at" in figure.sentence
    assert "or, as 1 here, at the one in its name, which has more runs on both sides" in figure.sentence
    assert "▼ −20.3\u00a0% encoder-int8-batch1x4x16 at batch=1<" in figure.chart


def test_slopes_say_what_is_open_and_what_is_left_out(builder: HistoryBuilder) -> None:
    """Too few runs are told from a change, and a case that one version alone has is counted."""
    for index, (subject, slower) in enumerate([(OLD, 1.0), (NEW, 1.5)]):
        builder.history.add_trial(
            builder.trial(builder.session(index), "encoder", "fp16", subject=subject, slower=slower, quality="ok")
        )
    builder.history.add_trial(builder.trial(builder.session(2), "encoder", "int8", subject=NEW, quality="ok"))
    (figure,) = _page(builder).slopes
    assert "0 of 1 case got slower and 0 faster" in figure.sentence
    assert "Not decided, and drawn faint: 1, of them 1 for want of runs." in figure.sentence
    assert "Left out, as no two versions timed them alike: 1 case." in figure.sentence
    assert 'class="slope few"' in figure.chart


def test_slopes_are_of_one_pace(builder: HistoryBuilder) -> None:
    """A quick run and a normal one are not joined by a line, as the table does not compare them."""
    for index, (subject, pace) in enumerate([(OLD, "normal"), (NEW, "quick")]):
        session = builder.session(index, settings={"pace": pace})
        builder.history.add_trial(builder.trial(session, "encoder", "fp16", subject=subject, quality="ok"))
    assert _page(builder).slopes == ()


def test_slopes_say_how_many_lines_and_versions_they_leave_out(
    two_versions: HistoryBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are too many, what moved stays, and the rest is counted."""
    _fill(two_versions, [(replace(OLD, version="1.29.0"), {"fp32": 1.0})], first=20)
    monkeypatch.setattr("reports.versions_slopes._MOST_SUBJECTS", 2)
    monkeypatch.setattr("reports.versions_slopes._MOST_LINES", 2)
    (figure,) = _page(two_versions).slopes
    assert "Of 3 lines there are the 2 that say most." in figure.sentence
    assert "Older than the 2 versions here, and left out: 1." in figure.sentence
    assert figure.chart.count('class="slope') == 2
    assert 'class="slope same"' not in figure.chart


def test_a_precision_is_beaten_by_one_that_is_as_good_in_both(two_versions: HistoryBuilder) -> None:
    """Here fp16 is slower than fp32, whose result is exact."""
    (figure,) = _page(two_versions).trade_offs
    assert "fp16 is beaten" in figure.sentence
    assert "fp32 (exact)" in figure.chart


def test_a_score_on_a_labelled_set_comes_before_an_error(builder: HistoryBuilder) -> None:
    """Where top-1 was measured it is the axis."""
    _fill(builder, [(NEW, {"fp32": 1.0, "int8": 1.0})], extra={("top1", ""): 0.99})
    (figure,) = _page(builder).trade_offs
    assert "top-1 accuracy" in figure.sentence
    assert "fp32 is beaten" in figure.sentence, "it is slower, and no better"


def test_throughput_is_drawn_over_batches_and_over_streams(builder: HistoryBuilder) -> None:
    """Streams are those of the tuned point; gains are from the first column to the last."""
    streams = {("throughput_streams", f"batch=4,streams={n}"): 100.0 * n for n in (1, 2, 4)}
    _fill(builder, [(NEW, {"fp32": 1.0})], extra={**streams, ("throughput_streams", "batch=1,streams=9"): 1.0})
    page = _page(builder)
    assert [figure.title for figure in page.batches] == ["encoder · batch1x4x16"]
    (figure,) = page.streams
    assert figure.sentence.endswith("from the first streams to the last, fp32 × 4.00.")
    assert ">9<" not in figure.chart


def test_the_farthest_from_the_roofline_comes_first(builder: HistoryBuilder) -> None:
    """The sentence has both ends of the range; a case without a data sheet is not drawn."""
    _fill(builder, [(NEW, {"fp32": 1.0})], extra={("roofline_distance", "batch=4"): 12.0})
    _fill(builder, [(NEW, {"int8": 1.0})], extra={("roofline_distance", "batch=4"): 80.0}, first=10)
    _fill(builder, [(NEW, {"fp16": 1.0})], first=20)
    (figure,) = _page(builder).rooflines
    assert "from 12.0 × to 80.0 × over 2 cases" in figure.sentence
    assert figure.chart.index("encoder-int8") < figure.chart.index("encoder-fp32")


def test_a_page_of_the_same_runs_is_left_as_it_is(two_versions: HistoryBuilder) -> None:
    """Its state is another one as soon as a run is added."""

    def state() -> str:
        (file,) = versions_files(site_of(two_versions.history, title="Report"))
        return file.state

    before = state()
    assert state() == before
    _fill(two_versions, [(NEW, {"fp32": 1.0})], first=30)
    assert state() != before


def test_without_timings_there_is_no_page(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A history of failures has nothing to compare, and no link leads there."""
    trial = builder.trial(builder.session(0), "encoder", "fp16", outcome="crashed", measurements=(), verdicts=())
    builder.history.add_trial(trial)
    index = write_report(builder.history, tmp_path / "report")
    assert not (index.parent / VERSIONS).exists()
    assert VERSIONS not in index.read_text(encoding="utf-8")


def test_the_page_is_sound_and_says_colours_in_words(two_versions: HistoryBuilder, tmp_path: Path) -> None:
    """Each coloured cell has its symbol and its word; menus have labels; what needs scripts is hidden without."""
    index = write_report(two_versions.history, tmp_path / "report")
    page = ParsedPage.of(index.parent / VERSIONS)
    assert page.problems == []
    cells = [attributes for tag, attributes in page.elements if tag == "td" and attributes.get("class") == "slower-3"]
    assert len(cells) == page.texts.count("slower") == 3
    assert [tag for tag, _ in page.elements].count("select") == 2
    (choose,) = page.with_class("choose")
    assert "hidden" in choose
    assert page.with_class("chart")
    assert all(chart.get("aria-label") for chart in page.with_class("chart"))
    data: Any = page.data
    assert not any(isinstance(value, float) and math.isnan(value) for value in data["pairs"].values())
