from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.links import SESSIONS, session_file
from reports.write import write_report
from tests.reports.parsed_page import ParsedPage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reports.sample_history import HistoryBuilder

LAST = f"{13:012x}"


@pytest.fixture(scope="module")
def last(sample_report: Path) -> ParsedPage:
    """Return the page of the session in which things went wrong."""
    return ParsedPage.of(sample_report / session_file(LAST))


def test_the_list_leads_to_every_session(sample_report: Path) -> None:
    """Fourteen sessions, the newest first, each with a link, and links to the files of data."""
    page = ParsedPage.of(sample_report / SESSIONS)
    links = [href for href in page.attributes("href") if href.startswith("session-")]
    assert links == [session_file(f"{index:012x}") for index in reversed(range(14))]
    assert {"data-latest.csv", "data-changes.json", "data-sessions.csv"} <= set(page.attributes("href"))


def test_a_session_says_how_its_trials_ended(last: ParsedPage) -> None:
    """In one sentence, the worst first, and in a row for each with what failed."""
    assert "12 trials: 1 crashed, 1 failed, 1 regressed, 1 insufficient, 5 pass and 3 skipped." in last.text
    assert "the worker died in 'build': signal 11 (SIGSEGV)" in last.text
    assert "32 of 66 layers are outside their tolerance" in last.text


def test_a_session_says_what_the_gate_said(last: ParsedPage) -> None:
    """Series that regressed stand with their change and the reason."""
    assert "What the gate said" in last.text
    assert "latency, host to host, median at batch=1" in last.text
    assert "is the smallest effect worth a word" in last.text


def test_sessions_lead_to_their_neighbours_and_parts(last: ParsedPage, sample_report: Path) -> None:
    """The one before, the machines, the newest layers and engines are one click away."""
    hrefs = last.attributes("href")
    assert session_file(f"{12:012x}") in hrefs
    for kind in ("environment-", "engine-", "layers-", "case-"):
        assert [href for href in hrefs if href.startswith(kind)], kind
    first = ParsedPage.of(sample_report / session_file(f"{0:012x}"))
    assert session_file(f"{1:012x}") in first.attributes("href")
    assert not [href for href in first.attributes("href") if href.startswith("layers-")]


def test_a_word_that_was_confirmed_otherwise_is_not_shown(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Only the last word of a session on a series counts: what a confirmation passed is no finding."""
    for index in range(9):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16"))
    session = builder.session(9)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", slower=1.3))
    folder = write_report(builder.history, tmp_path / "report").parent
    assert "What the gate said" in ParsedPage.of(folder / session_file(session.id)).text
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", index=1))
    write_report(builder.history, folder)
    assert "latency, host" not in ParsedPage.of(folder / session_file(session.id)).text


def test_an_older_session_is_left_as_it_is(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Another session rewrites its neighbour and the list, and nothing before them."""
    for index in range(3):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", "fp16"))
    folder = write_report(builder.history, tmp_path / "report").parent
    builder.history.add_trial(builder.trial(builder.session(3), "resnet50", "fp16"))
    before = {path.name: path.stat().st_ino for path in folder.glob("session*.html")}
    write_report(builder.history, folder)
    kept = {name for name, node in before.items() if (folder / name).stat().st_ino == node}
    assert session_file(f"{0:012x}") in kept
    assert {session_file(f"{2:012x}"), SESSIONS}.isdisjoint(kept)
