from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.write import write_report
from tests.reports.parsed_page import ParsedPage

if TYPE_CHECKING:
    from pathlib import Path

    from harness.history.records import TrialRecord, VerdictRecord
    from tests.reports.sample_history import HistoryBuilder

LOG = "INFO: building\nWARNING: falling back to FP32\nERROR: 2: something broke\n"


def only_engine(folder: Path) -> ParsedPage:
    """Return the page of the one engine of a report."""
    (path,) = folder.glob("engine-*.html")
    return ParsedPage.of(path)


def engines_of(folder: Path, index: int) -> list[ParsedPage]:
    """Return the pages of the engines that the session of this index ran."""
    pages = [ParsedPage.of(path) for path in folder.glob("engine-*.html")]
    return [page for page in pages if any(f"session-{index:012x}" in href for href in page.attributes("href"))]


def regressed(trial: TrialRecord) -> tuple[VerdictRecord, ...]:
    """Return the verdicts of a trial, all of them regressed."""
    return tuple(replace(each, verdict=replace(each.verdict, status="regressed")) for each in trial.verdicts)


def test_an_engine_tells_its_facts_layers_and_log(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Its types and layers are there, errors of the build before its warnings, and every line of the log."""
    trial = builder.trial(builder.session(0), "resnet50", "fp16")
    assert trial.engine is not None
    builder.history.add_trial(replace(trial, engine=replace(trial.engine, log=LOG)))
    page = only_engine(write_report(builder.history, tmp_path / "report").parent)
    assert "float16 90.0" in page.text
    assert "The 20 slowest of 66 layers" in page.text
    assert page.text.index("something broke") < page.text.index("falling back")
    assert "The whole log, 3 lines" in page.text
    assert [a["class"] for tag, a in page.elements if tag == "tr" and "class" in a] == [
        "said-info", "said-warning", "said-error",
    ]  # fmt: skip


def test_layers_that_have_a_page_are_not_listed_twice(builder: HistoryBuilder, tmp_path: Path) -> None:
    """The newest engine lists its slowest layers and leads to all of them; one without such a page lists all itself."""
    for index in (10, 11):
        trial = builder.trial(builder.session(index), "resnet50", "fp16", slower=1.3 if index == 10 else 1.0)
        builder.history.add_trial(trial if index == 11 else replace(trial, verdicts=regressed(trial)))
    folder = write_report(builder.history, tmp_path / "report").parent
    (old,), (new,) = engines_of(folder, 10), engines_of(folder, 11)
    times = [float(a["data-value"]) for tag, a in new.elements if tag == "td" and "data-value" in a][::2]
    assert times == sorted(times, reverse=True)
    assert len(times) == 20
    assert any(href.startswith("layers-") for href in new.attributes("href"))
    assert "All 66 layers in the engine's order" in old.text
    assert not any(href.startswith("layers-") for href in old.attributes("href"))


def test_an_engine_of_several_trials_names_them(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Trials that ran the very same build are listed, the newest first, with links to their sessions."""
    first = builder.trial(builder.session(0), "resnet50", "fp16")
    builder.history.add_trial(first)
    builder.history.add_trial(replace(first, session=builder.session(1).id))
    page = only_engine(write_report(builder.history, tmp_path / "report").parent)
    assert "2 trials ran it, the newest first" in page.text
    links = [href for href in page.attributes("href") if href.startswith("session-")]
    assert [href.split("-")[1] for href in links] == ["000000000001", "000000000000"]


def test_engines_that_a_verdict_speaks_of_have_pages(builder: HistoryBuilder, tmp_path: Path) -> None:
    """The engine of a regression keeps its page after a later session; one that nothing speaks of has none."""
    kept = []
    for index in range(12):
        trial = builder.trial(builder.session(index), "resnet50", "fp16", slower=1.3 if index == 10 else 1.0)
        builder.history.add_trial(trial)
        kept.append(trial)
    folder = write_report(builder.history, tmp_path / "report").parent
    sessions = {href.split("-")[1] for path in folder.glob("engine-*.html")
                for href in ParsedPage.of(path).attributes("href") if href.startswith("session-")}  # fmt: skip
    assert sessions == {"00000000000a", "00000000000b"}


def test_an_engine_without_a_log_says_so(builder: HistoryBuilder, tmp_path: Path) -> None:
    """What was not recorded is no silence of the builder, and warnings that were kept alone are shown."""
    trial = builder.trial(builder.session(0), "resnet50", "fp16")
    assert trial.engine is not None
    bare = replace(trial.engine, log="", warnings=(), warning_kinds={}, layer_list=())
    builder.history.add_trial(replace(trial, engine=bare))
    text = only_engine(write_report(builder.history, tmp_path / "report").parent).text
    assert "No log of its build is on record." in text
    assert "Its layers are not on record." in text
