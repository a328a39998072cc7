from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.decisions import Decision
from harness.history.rows import MatrixCell
from reports.case_files import case_files
from reports.finding import FindingReference, write_finding
from reports.links import case_file
from reports.renamings import Rename, Renamings
from reports.verdict_reading import baseline_of, evidence_of
from reports.write import site_of, write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import DESKTOP, FIRST_DAY, NEW, OLD, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from harness.history.records import EnvironmentRecord
    from tests.reports.sample_history import HistoryBuilder

WAS, IS = "squeezenet-fp16-batch1x4x16", "smallnet-fp16-batch1x4x16"
RENAMED_IN, RUNS = 12, 16
SIGNED: dict[str, Any] = {"reason": "the zoo calls it so", "author": "Ada"}


def alias(former: str, now: str, **changes: Any) -> Decision:
    """Return a renaming that was told of after all sessions."""
    values = {"created_at": FIRST_DAY.replace(month=3), "parameters": {"new": now}, **SIGNED, **changes}
    return Decision(action="alias", case=former, **values)


def run(build: HistoryBuilder, index: int, name: str, **changes: Any) -> None:
    """Add a session that runs the case under one of its names."""
    session = build.session(index)
    trial = build.trial(session, "squeezenet", "fp16", quality="ok", **changes)
    build.history.add_trial(replace(trial, case_id=name, model=name.partition("-")[0], case_hash=name))
    build.history.finish_session(session.id)


def fill_renamed(build: HistoryBuilder) -> None:
    """Add a case that has another name from session ``RENAMED_IN`` on, and is slower since three sessions before."""
    for index in range(RUNS):
        slower = 1.3 if index >= RENAMED_IN - 3 else 1.0
        run(build, index, IS if index >= RENAMED_IN else WAS, slower=slower, subject=NEW if index else OLD)
    build.history.find_change_points(f"{RENAMED_IN - 1:012x}")


def cell(name: str, trial: int, environment: EnvironmentRecord = SERVER) -> MatrixCell:
    """Return the newest trial of a case on a machine."""
    return MatrixCell(
        case_id=name, case_version=1, model=name, precision="fp16", profile="p", environment=environment.name,
        environment_hash=environment.hash, subject_hash=NEW.hash, session_id="s", trial_id=trial, started_at=FIRST_DAY,
        outcome="ok", message="", quality="ok", values={}, verdicts={}, findings=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "decisions", "called"),
    [
        pytest.param([cell("a", 1), cell("b", 2)], [], {}, id="no decision"),
        pytest.param([cell("a", 1), cell("b", 2)], [alias("a", "b", id=1)], {"a": "b"}, id="a renaming"),
        pytest.param([cell("b", 1), cell("a", 2)], [alias("a", "b", id=1)], {"a": "b"}, id="the former name ran later"),
        pytest.param([cell("a", 1)], [alias("a", "b", id=1)], {}, id="the new name has not run yet"),
        pytest.param(
            [cell("a", 1), cell("b", 2)], [alias("a", "b", id=1), alias("b", "c", id=2)], {"a": "b"},
            id="the last name has not run yet",
        ),
        pytest.param(
            [cell("a", 1), cell("b", 2), cell("c", 3)], [alias("a", "b", id=1), alias("b", "c", id=2)],
            {"a": "c", "b": "c"}, id="renamed twice",
        ),
        pytest.param([cell("x-a", 1), cell("y-a", 2)], [alias("x-*", "y-*", id=1)], {"x-a": "y-a"}, id="a pattern"),
        pytest.param([cell("a", 1), cell("b", 2, DESKTOP)], [alias("a", "b", id=1)], {}, id="on another machine"),
        pytest.param(
            [cell("a", 1), cell("b", 2)],
            [alias("a", "b", id=1), Decision(action="withdraw", case="a", withdraws=1, created_at=FIRST_DAY, **SIGNED)],
            {}, id="a renaming that was withdrawn",
        ),
    ],
)  # fmt: skip
def test_cases_that_a_renaming_makes_one_have_one_name(
    cells: list[MatrixCell], decisions: list[Decision], called: dict[str, str]
) -> None:
    """It is that of today, or, as long as that never ran on a machine, that of the newest run there."""
    renamings = Renamings.of(cells, decisions)
    names = {each.case_id: renamings.name(each.case_id, each.environment_hash) for each in cells}
    assert {former: now for former, now in names.items() if former != now} == called


@pytest.mark.parametrize(
    ("cells", "decisions", "awaited"),
    [
        pytest.param([cell("a", 1)], [], {}, id="no decision"),
        pytest.param([cell("a", 1)], [alias("a", "b", id=1)], {"a": "b"}, id="it has not run"),
        pytest.param([cell("a", 1), cell("b", 2)], [alias("a", "b", id=1)], {}, id="it has run"),
        pytest.param(
            [cell("a", 1), cell("b", 2)], [alias("a", "b", id=1), alias("b", "c", id=2)], {"b": "c"},
            id="the last of two has not run",
        ),
        pytest.param([cell("x-a", 1)], [alias("x-*", "y-*", id=1)], {"x-a": "y-a"}, id="a pattern"),
        pytest.param([cell("a", 1), cell("b", 2, DESKTOP)], [alias("a", "b", id=1)], {"a": "b"}, id="it ran elsewhere"),
        pytest.param(
            [cell("a", 1)],
            [alias("a", "b", id=1), Decision(action="withdraw", case="a", withdraws=1, created_at=FIRST_DAY, **SIGNED)],
            {}, id="a renaming that was withdrawn",
        ),
    ],
)  # fmt: skip
def test_a_name_that_has_not_run_on_a_machine_is_awaited_there(
    cells: list[MatrixCell], decisions: list[Decision], awaited: dict[str, str]
) -> None:
    """It is told of the name that the case keeps until then, and of no other."""
    renamings = Renamings.of(cells, decisions)
    assert renamings.awaited == {(former, SERVER.hash): now for former, now in awaited.items()}
    for each in cells:
        told = renamings.told_of_awaited(each.case_id, each.environment_hash)
        expected = awaited.get(each.case_id) if each.environment_hash == SERVER.hash else None
        assert told.startswith(f"Renamed to {expected} by a decision") if expected else told == ""


def test_a_page_says_that_its_case_is_to_be_called_otherwise(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A renaming rewrites the pages of case and model, which keep the former name; the first run takes that away."""
    run(builder, 0, WAS)
    folder = write_report(builder.history, tmp_path / "report").parent
    pages = (folder / case_file(WAS, 1, SERVER.hash), folder / "model-squeezenet.html")
    told = f"Renamed to {IS} by a decision; nothing has run here under that name yet"
    assert [told in ParsedPage.of(page).text for page in pages] == [False, False]
    builder.history.decide(alias(WAS, IS))
    write_report(builder.history, folder)
    assert [told in ParsedPage.of(page).text for page in pages] == [True, True]
    # This decision names no case that ran.
    last = IS.replace("small", "tiny")
    builder.history.decide(alias(IS, last))
    write_report(builder.history, folder)
    assert [f"Renamed to {last} by a decision" in ParsedPage.of(page).text for page in pages] == [True, True]
    run(builder, 1, IS)
    write_report(builder.history, folder)
    text = ParsedPage.of(folder / case_file(IS, 1, SERVER.hash)).text
    assert told not in text
    assert f"Formerly {WAS}" in text


def test_a_series_goes_on_under_the_new_name(builder: HistoryBuilder) -> None:
    """Runs, changes of level, trials and the cells of each subject are those of one case."""
    fill_renamed(builder)
    builder.history.decide(alias(WAS, IS))
    reading = site_of(builder.history, title="Report").reading
    assert {row.case_id for row in reading.series} == {IS}
    row = next(row for row in reading.series if (row.metric, row.point) == ("latency_host", "batch=4"))
    assert [run.session_id for run in reading.runs[row.id]] == [f"{index:012x}" for index in range(RUNS)]
    assert [change.session_id for change in reading.changes[row.id]] == [f"{RENAMED_IN - 3:012x}"]
    ((place, cells),) = reading.cells.items()
    assert place == (IS, SERVER.hash)
    assert [cell.subject_hash for cell in cells] == [OLD.hash, NEW.hash]
    last, then = f"{RENAMED_IN - 1:012x}", f"{RENAMED_IN:012x}"
    assert reading.renames == {place: [Rename(WAS, last, then)]}


def test_a_former_name_is_no_case_of_its_own(builder: HistoryBuilder, tmp_path: Path) -> None:
    """The overview has one case that is not missing, and what stands at the former address leads to it."""
    fill_renamed(builder)
    before = site_of(builder.history, title="Report")
    assert {case.case_id: case.standing.key for case in before.cases}[WAS] == "missing"
    builder.history.decide(alias(WAS, IS))
    folder = write_report(builder.history, tmp_path / "report").parent
    index = ParsedPage.of(folder / "index.html")
    assert WAS not in index.text.partition("Decisions")[0]
    assert "last 16 runs" in index.text
    assert not (folder / "model-squeezenet.html").exists()
    led = ParsedPage.of(folder / case_file(WAS, 1, SERVER.hash))
    assert case_file(IS, 1, SERVER.hash) in led.attributes("href")


def test_the_page_of_a_case_has_the_runs_of_its_former_name(builder: HistoryBuilder) -> None:
    """Chart, table and changes go back before the renaming, which is marked and told in a sentence."""
    fill_renamed(builder)
    builder.history.decide(alias("squeezenet-*", "smallnet-*"))
    site = site_of(builder.history, title="Report")
    (file,) = [file for file in case_files(site) if file.name == case_file(IS, 1, SERVER.hash)]
    page = ParsedPage(file.content())
    latency = next(s for s in page.data["series"] if s["title"].endswith("at batch=4"))
    assert len(latency["values"]) == RUNS
    assert all(value is not None for value in latency["values"])
    assert [step[0] for step in latency["steps"]] == [RENAMED_IN - 3, RENAMED_IN]
    assert latency["steps"][-1][1:] == ["renamed", f"before session {RENAMED_IN:012x} called {WAS}", True]
    (mark,) = page.data["marks"]
    assert mark["span"] == [RENAMED_IN - 0.5, None]
    assert f"Formerly {WAS} up to session {RENAMED_IN - 1:012x} of 2026-01-16 03:30 UTC" in page.text
    assert f"The newest {RUNS} of {RUNS} runs" in page.text
    assert "Since when" in page.text


def test_a_renaming_and_its_withdrawal_write_the_pages_anew(builder: HistoryBuilder) -> None:
    """The state of what shows the case is another one with the renaming, and the former one without it again."""
    fill_renamed(builder)

    def states() -> dict[str, str]:
        site = site_of(builder.history, title="Report")
        told = {case.case_id: site.state_of(case) for case in site.cases}
        return told | {file.name: file.state for file in case_files(site)}

    before = states()
    number = builder.history.decide(alias(WAS, IS))
    renamed = states()
    for name in (IS, case_file(IS, 1, SERVER.hash), case_file(WAS, 1, SERVER.hash)):
        assert renamed[name] != before[name]
    withdrawal = Decision(action="withdraw", case=WAS, withdraws=number, created_at=FIRST_DAY, **SIGNED)
    builder.history.decide(withdrawal)
    assert states()[IS] == before[IS]


def test_a_verdict_rests_on_runs_under_the_former_name(builder: HistoryBuilder) -> None:
    """The first regression under the new name has the baseline of the old one, and the last good trial of then."""
    fill_renamed(builder)
    builder.history.decide(alias(WAS, IS))
    site = site_of(builder.history, title="Report")
    told = next(t for t in site.told if t.session_id == f"{RENAMED_IN:012x}" and t.series.metric == "latency_host")
    evidence = evidence_of(told, baseline_of(told, site.reading), builder.history.queries, site.reading)
    assert evidence.certain
    assert evidence.good_session == f"{RENAMED_IN - 4:012x}"
    assert evidence.samples[1] is not None


def test_a_finding_is_found_by_a_trial_under_a_former_name(builder: HistoryBuilder, tmp_path: Path) -> None:
    """The file is that of the verdict's page, which has the name of today."""
    fill_renamed(builder)
    builder.history.decide(alias(WAS, IS))
    file = write_finding(builder.history, FindingReference.of(str(RENAMED_IN)), None, folder=tmp_path)
    assert IS in ParsedPage.of(file).text
