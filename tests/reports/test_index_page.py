from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from harness.history.decisions import Decision, end_of_day
from harness.history.records import VerdictRecord
from reports.index_page import index_page
from reports.links import case_file, environment_file, session_file
from reports.write import site_of, write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import FIRST_DAY, NEW, OLD, SERVER, a_verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.verdicts.gate import Status
    from tests.reports.sample_history import HistoryBuilder


@pytest.fixture(scope="module")
def index(sample_report: Path) -> ParsedPage:
    """Return the first page of the sample report."""
    return ParsedPage.of(sample_report / "index.html")


def test_the_headline_says_whether_anything_is_wrong(index: ParsedPage) -> None:
    """One sentence at the top counts what needs attention, by its kind."""
    assert "4 of 13 cases need attention: 1 crashed, 1 failed, 1 regressed and 1 missing." in index.text
    assert "crashed" in index.with_class("headline")[0]["class"]


def test_what_needs_attention_is_said_in_sentences_with_links(index: ParsedPage, sample_report: Path) -> None:
    """Each of the four has a sentence, the worst first, and a link to a section that exists."""
    text = index.text
    sentences = [
        "encoder-int8-batch1x4x16 : build: the worker died in 'build': signal 11 (SIGSEGV)",
        "squeezenet-int8-batch1x4x16 : layers: 32 of 66 layers are outside their tolerance",
        "resnet50-fp16-batch1x4x16 : latency, host to host, median at batch=",
        "encoder-fp16-batch1x4x16 : ran in session 00000000000c",
    ]
    places = [text.index(sentence) for sentence in sentences]
    assert places == sorted(places)
    for href in index.attributes("href"):
        file, _, anchor = href.partition("#")
        if file:
            assert anchor == "" or anchor in ParsedPage.of(sample_report / file).attributes("id")


def counted(build: HistoryBuilder, *sessions: tuple[str, ...]) -> str:
    """Return what the first page says below a machine's name after finished sessions of these models."""
    for index, models in enumerate(sessions):
        session = build.session(index)
        for model in models:
            build.history.add_trial(build.trial(session, model, "fp16"))
        build.history.finish_session(session.id)
    (matrix,) = index_page(site_of(build.history, title="Report")).matrices
    return f"{matrix.ran}|{matrix.standing}"


def test_a_machine_tells_its_last_session_from_all_of_its_cases(builder: HistoryBuilder, tmp_path: Path) -> None:
    """What the gate judges, one session, and how every case stands, are two sentences, each with its own numbers."""
    assert counted(builder, ("encoder", "resnet50"), ("resnet50",)) == (
        "1 case, 1 insufficient|2 cases here: 1 missing, 1 insufficient"
    )
    text = ParsedPage.of(write_report(builder.history, tmp_path / "report")).text
    start = text.index("Last session here")
    assert (
        "onnxruntime 1.31.1: 1 case, 1 insufficient. All 2 cases here: 1 missing, 1 insufficient, each as"
        in text[start:]
    )
    assert "the gate judges one session alone" in text[start:]


def test_a_machine_whose_last_session_had_every_case_needs_no_second_sentence(builder: HistoryBuilder) -> None:
    """The two would say the same."""
    assert counted(builder, ("encoder", "resnet50")) == "2 cases, 2 insufficient|"


def test_a_last_session_that_did_not_finish_is_marked_below_the_machine(
    builder: HistoryBuilder, tmp_path: Path
) -> None:
    """Its numbers are of what it had run by then."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
    builder.history.finish_session(session.id, "interrupted")
    text = ParsedPage.of(write_report(builder.history, tmp_path / "report")).text
    assert f"{session.id} (interrupted), onnxruntime 1.31.1: 1 case" in text


def test_every_cell_of_the_matrix_is_there(index: ParsedPage) -> None:
    """Three models in four precisions on one machine, one case on the other; each cell says how it stands in words."""
    cells = index.with_class("cell")
    assert len(cells) == 3 * 4 + 1
    words = [cell.get("data-words") for cell in cells]
    assert words == [
        *("pass", "skipped", "missing", "crashed"),
        *("pass", "skipped", "regressed", "pass"),
        *("pass", "skipped", "pass", "failed"),
        "insufficient",
    ]


def test_precisions_are_in_their_usual_order(index: ParsedPage) -> None:
    """Columns go from FP32 down, not by the alphabet."""
    columns = [a["data-precision"] for tag, a in index.elements if tag == "th" and "data-precision" in a]
    assert columns == ["fp32", "tf32", "fp16", "int8", "fp32"]


def test_a_short_baseline_is_counted_and_never_green(index: ParsedPage) -> None:
    """The second machine has four runs, three of them a baseline."""
    assert "3 of 8 runs" in index.text
    badges = [a for a in index.with_class("badge") if "insufficient" in a["class"].split()]
    assert badges
    assert all("pass" not in a["class"].split() for a in badges)


def test_a_skip_gives_its_reason(index: ParsedPage) -> None:
    """TF32 on the CPU is skipped, with the runtime's words."""
    assert index.text.count("onnxruntime's CPU provider has no TF32 arithmetic") == 3


def test_latency_is_that_of_the_tuned_point_with_its_trend(index: ParsedPage) -> None:
    """Cells that were timed have the last runs, milliseconds and their change; the row says that it was at batch 4."""
    trend = r"last [\d]+ runs: [\d.]+ ms to [\d.]+ ms"
    timed = re.findall(rf"{trend} ([\d.]+) ms", index.text)
    changed = re.findall(rf"{trend} [\d.]+ ms (?:[+−][\d.]+ %|no change)", index.text)
    assert (len(index.with_class("spark")), len(timed), len(changed)) == (9, 9, 8)
    assert index.text.count("batch1x4x16 at batch=4, tuned") == 4
    latencies = [float(cell["data-latency"]) for cell in index.with_class("cell") if "data-latency" in cell]
    assert [f"{latency:.3g}" for latency in latencies] == [f"{float(shown):.3g}" for shown in timed]


def test_a_row_of_several_points_names_them_in_its_cells(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A quick session measured one of two precisions at another point, so neither goes for the row."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp32"))
    trial = builder.trial(session, "resnet50", "fp16", verdicts=())
    quick = tuple(each for each in trial.measurements if each.point == "batch=1")
    builder.history.add_trial(replace(trial, measurements=quick))
    text = ParsedPage.of(write_report(builder.history, tmp_path / "report")).text
    assert "batch1x4x16 at" not in text
    assert text.index(" at batch=4, tuned") < text.index(" ms at batch=1 ")


def test_a_point_that_the_engine_is_not_tuned_for_is_not_called_so(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A quick session runs the smallest point only, and its cell says which one that is and no more."""
    trial = builder.trial(builder.session(0), "resnet50", "fp16", verdicts=())
    quick = tuple(each for each in trial.measurements if each.point == "batch=1")
    builder.history.add_trial(replace(trial, measurements=quick))
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert "at batch=1" in page.text
    assert ", tuned" not in page.text


@pytest.mark.parametrize("quality", ["contended", "throttled", "unstable"])
def test_timings_that_cannot_be_trusted_are_marked(builder: HistoryBuilder, tmp_path: Path, quality: str) -> None:
    """A word and a symbol stand beside the latency, whatever the verdict's colour; a good one stands alone."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16", quality=quality))
    builder.history.add_trial(builder.trial(builder.session(0), "squeezenet", "fp16", quality="ok"))
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert len(re.findall(rf" ms ⚠ {quality}", page.text)) == 1
    # The other one explains the marks.
    assert len(page.with_class("warning")) == 2


def test_a_short_baseline_gives_no_change(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A difference from too few runs is no percent change, in the matrix or on the model's page."""
    for place, slower in enumerate((1.0, 1.5)):
        builder.history.add_trial(builder.trial(builder.session(place), "resnet50", "fp16", slower=slower))
    report = write_report(builder.history, tmp_path / "report")
    shown = ParsedPage.of(report)
    assert "at batch=4" in shown.text
    assert shown.with_class("latency")
    assert shown.with_class("change") == []
    assert "+5" not in ParsedPage.of(report.parent / "model-resnet50.html").text


def test_sessions_are_listed_newest_first(index: ParsedPage) -> None:
    """Of fourteen sessions the newest is first, with its counts."""
    text = index.text
    assert "The last 14 of 14, newest first." in text
    table = text[text.index("newest first.") :]
    assert table.index("00000000000d") < table.index("00000000000c") < table.index("000000000000")


def test_a_history_without_problems_says_so(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Where all is well, the headline is good news and there is no list."""
    for index in range(10):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16"))
    builder.history.finish_session(f"{index:012x}")
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert "Nothing needs attention: of 1 case, 1 pass." in page.text
    assert "pass" in page.with_class("headline")[0]["class"].split()
    assert "What needs attention" not in page.text


def test_a_young_history_is_not_green(builder: HistoryBuilder, tmp_path: Path) -> None:
    """After the first session nothing failed, and nothing can be judged either."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
    builder.history.finish_session(session.id)
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert "Nothing failed, but 1 of 1 case cannot be judged yet" in page.text
    assert "pass" not in page.with_class("headline")[0]["class"].split()


@pytest.mark.parametrize(
    ("status", "told"),
    [("interrupted", "was interrupted"), ("running", "still runs, or was killed"), ("finished", "")],
)
def test_a_last_session_that_did_not_finish_is_no_good_news(
    builder: HistoryBuilder, tmp_path: Path, status: str, told: str
) -> None:
    """The list of what needs attention says so in the gate's words, as the summary does; the headline is not green."""
    for index in range(10):
        session = builder.session(index)
        builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
        if index < 9 or status != "running":
            builder.history.finish_session(session.id, "finished" if index < 9 else status)
    report = write_report(builder.history, tmp_path / "report")
    page = ParsedPage.of(report)
    sentence = f"session 000000000009 {told}; cases may be lacking"
    said = [sentence in text for text in (page.text, (report.parent / "summary.md").read_text(encoding="utf-8"))]
    assert said == [bool(told)] * 2
    assert ("the last session did not finish" in page.text) == bool(told)
    assert ("pass" in page.with_class("headline")[0]["class"].split()) == (not told)


@pytest.mark.parametrize(
    ("series", "status", "moved", "change"),
    [
        pytest.param(("engine_bytes", ""), "regressed", "engine size +10.0\u00a0%", "no change", id="engine size"),
        pytest.param(("latency_host", "batch=4"), "regressed", "", "+10.0\u00a0%", id="the latency that is shown"),
        pytest.param(("latency_host", "batch=16"), "inconclusive", "latency at batch=16 +10.0\u00a0%", "no change",
                     id="a latency at another point"),
        pytest.param(("engine_bytes", ""), "pass", "", "no change", id="nothing"),
    ],
)  # fmt: skip
def test_a_cell_names_the_metric_that_its_word_is_of(
    builder: HistoryBuilder, series: tuple[str, str], status: Status, moved: str, change: str
) -> None:
    """Unless it is the latency that it shows with its change; one that did not change at all says that."""
    trial = builder.trial(builder.session(0), "resnet50", "fp16")
    words = {("latency_host", "batch=4"): a_verdict(status="pass", effect=0.0)}
    words[series] = a_verdict(status=status, effect=0.1)
    verdicts = [VerdictRecord(metric=key[0], point=key[1], verdict=verdict) for key, verdict in words.items()]
    builder.history.add_trial(replace(trial, verdicts=tuple(verdicts)))
    cell = index_page(site_of(builder.history, title="Report")).matrices[0].rows[0].cells[0]
    assert cell is not None
    assert (cell.moved, cell.change) == (moved, change)


@pytest.mark.parametrize(("days", "told"), [(0, False), (1, True)], ids=["on the same day", "on a later day"])
def test_a_cell_tells_its_day_where_its_machine_ran_later(builder: HistoryBuilder, days: int, told: bool) -> None:
    """A session of the same day that asked for another model makes no case look old."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    at = FIRST_DAY + timedelta(days=days, hours=1)
    other = builder.session(1, started_at=at, settings={"models": ["encoder"]})
    builder.history.add_trial(builder.trial(other, "encoder", "fp16"))
    rows = index_page(site_of(builder.history, title="Report")).matrices[0].rows
    assert [cell.others for row in rows for cell in row.cells if cell] == [(), ("last run 2026-01-05",) if told else ()]


def test_two_subjects_in_one_session_are_both_in_the_cell(builder: HistoryBuilder, tmp_path: Path) -> None:
    """The worse one gives the cell its word, the other one is named below."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=OLD))
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=NEW, outcome="timed_out"))
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert [cell["data-words"] for cell in page.with_class("cell")] == ["timed out"]
    assert "onnxruntime 1.30.0: insufficient" in page.text


def test_a_cause_in_several_cases_is_one_entry(builder: HistoryBuilder, tmp_path: Path) -> None:
    """It counts them, and each is linked below it."""
    for model in ("encoder", "resnet50", "squeezenet"):
        builder.history.add_trial(builder.trial(builder.session(0), model, "fp16", outcome="timed_out", message="slow"))
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert len(page.with_class("attention")) == 1
    assert "3 cases of encoder, resnet50 and squeezenet" in page.text
    linked = [a.get("data-model") for tag, a in page.elements if tag == "li" and "data-case" in a]
    assert linked == ["encoder", "resnet50", "squeezenet"]


def test_decisions_in_force_are_listed(builder: HistoryBuilder, tmp_path: Path) -> None:
    """What is acknowledged and what is in quarantine, until when, why and by whom."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    made = datetime(2026, 1, 6, tzinfo=timezone.utc)
    for decision in (
        Decision(action="ack", case="resnet50-fp16-*", reason="worth it", author="Ada", created_at=made),
        Decision(
            action="quarantine", case="*", reason="flaky", author="Bo", created_at=made, until=end_of_day("2031-05-31")
        ),
    ):
        builder.history.decide(decision)
    text = ParsedPage.of(write_report(builder.history, tmp_path / "report")).text
    assert re.search(r"quarantined \* 2031-05-31, [\d]+ days left flaky Bo 2026-01-06", text)
    assert "acknowledged resnet50-fp16-* – worth it Ada 2026-01-06" in text


def test_other_pages_are_linked_where_the_report_has_them(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Cells lead to the page of their case, sessions and machines to theirs; without these, to what there is."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
    site = site_of(builder.history, title="Report")
    assert (alone := index_page(site)).matrices[0].rows[0].cells[0] is not None
    assert alone.matrices[0].rows[0].cells[0].href == "model-resnet50.html#case-0-fp16-batch1x4x16"
    assert (alone.matrices[0].href, set(alone.session_links.values())) == ("", {""})
    (case,) = site.cases
    names = [
        case_file(case.case_id, case.version, SERVER.hash), session_file(session.id), environment_file(SERVER.hash)
    ]  # fmt: skip
    site.links.offer(names)
    linked = index_page(site)
    assert linked.matrices[0].rows[0].cells[0] is not None
    assert linked.matrices[0].rows[0].cells[0].href == names[0]
    assert (list(linked.session_links.values()), linked.matrices[0].href) == (names[1:2], names[2])


def test_a_sparkline_has_one_run_of_each_session(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Of two subjects side by side it follows the one that the cell is about, instead of jumping between them."""
    for place in range(3):
        session = builder.session(place)
        for subject in (OLD, NEW):
            builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=subject))
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report"))
    assert "last 3 runs: " in page.text
