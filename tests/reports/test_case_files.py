from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.decisions import Decision
from harness.history.store import History
from reports.case_files import case_files
from reports.case_history import read_extents
from reports.links import case_file, engine_file, session_file, verdict_file
from reports.write import site_of, write_report
from tests.reports.case_building import BUILT_AGAIN, CASE, FIRST_SLOW, HOSTILE, RUNS, fill_case
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import DESKTOP, FIRST_DAY, SERVER, HistoryBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reports.site import SiteFile

NAME = case_file(CASE, 1, SERVER.hash)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryBuilder]:
    """Yield a history that no test changes."""
    with History.open(tmp_path_factory.mktemp("case") / "history.db") as history:
        build = HistoryBuilder(history)
        fill_case(build)
        yield build


@pytest.fixture(scope="module")
def source(filled: HistoryBuilder) -> str:
    """Return the page of the case in a report in which every link has a file."""
    return the_file(filled, linked=True).content()


@pytest.fixture(scope="module")
def page(source: str) -> ParsedPage:
    """Return the same, parsed."""
    return ParsedPage(source)


def the_file(build: HistoryBuilder, *, linked: bool = False, **options: Any) -> SiteFile:
    """Return the file of the case; ``linked`` says whether the report has all that it could lead to."""
    site = site_of(build.history, title="Report", **options)
    (file,) = [file for file in case_files(site) if file.name == NAME]
    if linked:
        site.links._offered = Everything()
    return file


class Everything(set[str]):
    """A set that has whatever it is asked for."""

    def __contains__(self, _: object) -> bool:
        return True


def series_of(page: ParsedPage, title: str) -> dict[str, Any]:
    """Return the data of the series whose title begins with ``title``."""
    return next(series for series in page.data["series"] if series["title"].startswith(title))


def test_every_case_on_every_machine_has_a_file(builder: HistoryBuilder) -> None:
    """The name is that which other pages link to."""
    session = builder.session(0)
    for machine in (SERVER, DESKTOP):
        builder.history.add_trial(builder.trial(session, "resnet50", "fp16", environment=machine))
    names = {file.name for file in case_files(site_of(builder.history, title="Report"))}
    assert names == {case_file(CASE, 1, machine.hash) for machine in (SERVER, DESKTOP)}


def test_runs_have_their_values_intervals_and_last_words(page: ParsedPage) -> None:
    """Lists go with the trials; what was decided on several trials says so."""
    latency = series_of(page, "latency, host to host, median at batch=4")
    trials = page.data["trials"]
    assert len(trials["id"]) == len(latency["values"]) == len(latency["bounds"]) == RUNS + 2
    last = latency["status"][-1]
    assert page.data["statuses"][last][0] == "regressed"
    baseline, low, high = latency["bounds"][-1]
    assert baseline < low < latency["values"][-1] < high
    assert latency["decided"][str(trials["id"][-1])] == [pytest.approx(latency["values"][-1]), 5]
    assert trials["ordinal"][BUILT_AGAIN : BUILT_AGAIN + 3] == [0, 1, 2]


def test_a_change_of_level_is_marked_and_explained(page: ParsedPage) -> None:
    """The line stands before its session and is called after what is new; the table tells everything that is."""
    (step,) = series_of(page, "latency, host to host, median at batch=4")["steps"]
    assert step[:2] == [FIRST_SLOW, "onnxruntime 1.31.1"]
    assert "onnxruntime 1.30.0 → onnxruntime 1.31.1" in page.text
    assert "% worse" in page.text


def test_a_change_of_level_is_told_from_a_verdict(page: ParsedPage) -> None:
    """A level may be worse below a title that says inconclusive, and the table says how both are true."""
    assert "A change of level is found over several runs: it is no verdict of the gate" in page.text


def test_decisions_are_in_a_table_and_in_the_charts(page: ParsedPage) -> None:
    """Those about the case, with author, reason and what became of them; those about others are not there."""
    assert "Ada" in page.text
    assert "withdrawn by Bob, 2026-01-15: mended" in page.text
    assert "pinned as a baseline" in page.text
    assert "not this one" not in page.text
    marks = page.data["marks"]
    latency = series_of(page, "latency, host to host, median at batch=4")["id"]
    assert [latency in mark["series"] for mark in marks] == [True, True]
    assert series_of(page, "throughput")["id"] not in next(m for m in marks if m["span"][1] is not None)["series"]


def test_engines_stand_side_by_side(page: ParsedPage) -> None:
    """Each trial has a dot; the further builds of one session are engines of their own, one with other tactics."""
    assert len(page.with_class("dot")) == RUNS + 2
    labels = [label for label, _ in page.data["engines"]]
    assert labels[BUILT_AGAIN + 1].startswith("A")
    assert labels[BUILT_AGAIN + 2] == "B1"
    assert "choices of tactics" in page.text


def test_telemetry_goes_with_the_trials(page: ParsedPage) -> None:
    """What the machine was like during each run has charts of its own."""
    clock = next(gauge for gauge in page.data["telemetry"] if gauge["title"].startswith("GPU clock"))
    assert clock["values"][:2] == [1900, 1901]
    assert "The machine during the same runs" in page.text


def test_without_scripts_there_is_a_drawing_of_each_series_and_the_newest_runs(page: ParsedPage) -> None:
    """Charts that need a script stand beside drawings that need none, and a table has the numbers."""
    drawings = [svg["data-series"] for svg in page.with_class("trend")]
    assert set(drawings) >= {series["id"] for series in page.data["series"]}
    assert f"The newest 20 of {RUNS} runs" in page.text
    assert "▲ regressed" in page.text


def test_links_lead_to_what_the_report_has(filled: HistoryBuilder, page: ParsedPage) -> None:
    """With other parts there are links to sessions, engines and verdicts, and without them none."""
    linked = {
        *(session[4] for session in page.data["sessions"]),
        *(engine[1] for engine in page.data["engines"]),
        *(href for series in page.data["series"] for href in series["pages"].values()),
    }
    last = page.data["trials"]["id"][-1]
    assert verdict_file(last, CASE, "latency_host", "batch=4") in linked
    assert session_file(f"{RUNS - 1:012x}") in linked
    assert any(href == engine_file(build) for build in builds(filled) for href in linked)
    alone = ParsedPage(the_file(filled).content())
    assert {session[4] for session in alone.data["sessions"]} == {engine[1] for engine in alone.data["engines"]} == {""}
    assert not [series["pages"] for series in alone.data["series"] if series["pages"]]


def test_the_evidence_for_how_a_case_stands_is_one_step_away(page: ParsedPage) -> None:
    """Beside the sentence at the top is a link to the verdict that it is about."""
    assert "The evidence" in page.text
    last = page.data["trials"]["id"][-1]
    assert any(href.startswith(f"verdict-{last}-") for href in page.attributes("href"))


def builds(build: HistoryBuilder) -> list[str]:
    """Return the builds of the case's engines."""
    return read_extents(build.history)[CASE, 1, SERVER.hash].builds


def test_the_library_goes_with_its_licence(source: str) -> None:
    """The page has the notice that the library asks for, and no address of the network."""
    assert "Copyright (c) 2022 Leon Sorokin" in source
    assert "Permission is hereby granted, free of charge" in source
    assert "http" not in source.replace("http-equiv", "")


def test_a_page_stays_small(source: str) -> None:
    """Library, styles, data and drawings of 24 runs together."""
    assert len(source.encode()) < 260_000


def test_what_people_wrote_is_escaped(source: str, page: ParsedPage) -> None:
    """A reason with markup in it is text, in the table as in the data."""
    assert page.problems == []
    assert HOSTILE.replace("\x1b[31m", "") in page.text
    assert "</script><b>" not in source
    assert "\x1b" not in source


def test_the_state_is_that_of_what_is_shown(builder: HistoryBuilder) -> None:
    """It stays as long as nothing is added, and every trial and every decision changes it."""
    fill_case(builder)
    states = [the_file(builder).state, the_file(builder).state]
    assert states[0] == states[1]
    builder.history.decide(Decision(action="ack", case=CASE, reason="wanted", author="Ada", created_at=FIRST_DAY))
    states.append(the_file(builder).state)
    states.append(the_file(builder, last=RUNS - 1).state)
    session = builder.session(RUNS)
    trial = builder.trial(session, "resnet50", "fp16")
    builder.history.add_trial(trial)
    states.append(the_file(builder).state)
    builder.history.add_trial(replace(trial, index=1, verdicts=()))
    states.append(the_file(builder).state)
    assert len(set(states)) == len(states) - 1


def test_another_case_leaves_the_page_as_it_is(builder: HistoryBuilder, tmp_path: Path) -> None:
    """After a session that asked for another model alone the file is the one that was written before."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    folder = write_report(builder.history, tmp_path / "report").parent
    before = (folder / NAME).stat()
    other = builder.session(1, settings={"models": ["encoder"]})
    builder.history.add_trial(builder.trial(other, "encoder", "fp16"))
    write_report(builder.history, folder)
    assert (folder / NAME).stat().st_ino == before.st_ino
    assert len(list(folder.glob("case-*.html"))) == 2
