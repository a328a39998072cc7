from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.commands.gate_reading import read_session
from harness.history.decisions import Decision
from reports.links import SESSIONS, environment_file, session_file
from reports.write import write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import FIRST_DAY, NEW, OLD, SERVER

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
    assert "12 cases: 1 crashed, 1 failed, 1 regressed, 1 insufficient, 5 pass and 3 skipped." in last.text
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


def ended(build: HistoryBuilder, index: int, *models: str, status: str = "finished", **settings: Any) -> str:
    """Store a session that ran models and ended so; return its id."""
    session = build.session(index, settings=settings)
    for model in models:
        build.history.add_trial(build.trial(session, model, "fp16"))
    if status != "running":
        build.history.finish_session(session.id, status)
    return session.id


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param("interrupted", "was interrupted", id="interrupted"),
        pytest.param("running", "still runs, or was killed", id="running"),
    ],
)
def test_a_session_that_did_not_finish_says_so_and_what_it_lacks(
    builder: HistoryBuilder, tmp_path: Path, status: str, told: str
) -> None:
    """Its page begins with the gate's sentence, names the cases with the session that had them, and leads there."""
    before = ended(builder, 0, "resnet50", "encoder")
    broken = ended(builder, 1, "resnet50", status=status)
    folder = write_report(builder.history, tmp_path / "report").parent
    page = ParsedPage.of(folder / session_file(broken))
    assert f"Session {broken} {told}; cases may be lacking." in page.text
    assert f"Asked for and not run, unlike in session {before} : encoder-fp16-batch1x4x16" in page.text
    assert page.attributes("href").count(session_file(before)) == 2
    assert "cases may be lacking" not in ParsedPage.of(folder / session_file(before)).text


def test_a_session_that_lacks_many_cases_names_the_first(
    builder: HistoryBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite that was ended soon after it began does not fill the page with what it lacks."""
    monkeypatch.setattr("reports.unfinished._MOST_CASES", 1)
    ended(builder, 0, "resnet50", "encoder", "squeezenet")
    broken = ended(builder, 1, "resnet50", status="interrupted")
    folder = write_report(builder.history, tmp_path / "report").parent
    assert "encoder-fp16-batch1x4x16 and 1 more." in ParsedPage.of(folder / session_file(broken)).text


@pytest.mark.parametrize(
    ("earlier", "settings", "told"),
    [
        pytest.param((), {}, "no earlier session that finished was asked for the like", id="there is none before it"),
        pytest.param(("resnet50",), {"narrowed": "-k"}, "cases were left out by -k", id="narrowed on purpose"),
        pytest.param(("resnet50",), {}, "It has every case of the finished sessions before it", id="it has all"),
    ],
)
def test_a_session_of_which_no_case_is_known_to_be_lacking_says_why(
    builder: HistoryBuilder, tmp_path: Path, earlier: tuple[str, ...], settings: dict[str, Any], told: str
) -> None:
    """Beside the sentence that cases may be lacking, silence would be taken for all of them."""
    if earlier:
        ended(builder, 0, *earlier)
    broken = ended(builder, 1, "resnet50", status="interrupted", **settings)
    folder = write_report(builder.history, tmp_path / "report").parent
    text = ParsedPage.of(folder / session_file(broken)).text
    assert told in text
    assert "Asked for and not run" not in text


def test_a_decision_that_drops_a_case_rewrites_the_page_of_a_session_that_lacks_it(
    builder: HistoryBuilder, tmp_path: Path
) -> None:
    """What was taken out on purpose is not lacking any more."""
    ended(builder, 0, "resnet50", "encoder")
    broken = ended(builder, 1, "resnet50", status="interrupted")
    folder = write_report(builder.history, tmp_path / "report").parent
    dropped = {"reason": "retired", "author": "Ada", "created_at": FIRST_DAY.replace(month=3)}
    builder.history.decide(Decision(action="drop", case="encoder-*", **dropped))
    write_report(builder.history, folder)
    text = ParsedPage.of(folder / session_file(broken)).text
    assert "It has every case of the finished sessions before it" in text


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("index.html", id="the first page"),
        pytest.param(SESSIONS, id="the list of sessions"),
        pytest.param(environment_file(SERVER.hash), id="the machine"),
        pytest.param("model-resnet50.html", id="the model"),
    ],
)
def test_tables_of_sessions_mark_those_that_did_not_finish(builder: HistoryBuilder, tmp_path: Path, name: str) -> None:
    """Each has a column for how sessions ended, with a sign beside what is not finished."""
    ended(builder, 0, "resnet50")
    ended(builder, 1, "resnet50", status="interrupted")
    ended(builder, 2, "resnet50", status="running")
    page = ParsedPage.of(write_report(builder.history, tmp_path / "report").parent / name)
    _, _, table = page.text.rpartition("Started (UTC)")
    words = [word for word in table.split() if word in ("finished", "interrupted", "running", "◌")]
    assert words == ["◌", "running", "◌", "interrupted", "finished"]


def test_a_session_counts_a_case_under_two_subjects_once(builder: HistoryBuilder, tmp_path: Path) -> None:
    """It is counted as the tables of sessions and the gate do, with subjects and trials beside it."""
    session = builder.session(0)
    for subject in (OLD, NEW):
        builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=subject))
    folder = write_report(builder.history, tmp_path / "report").parent
    told = str(read_session(builder.history.queries, session.id).extent)
    assert told == "1 case under 2 subjects (2 trials)"
    assert f"{told}: 2 insufficient." in ParsedPage.of(folder / session_file(session.id)).text


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
