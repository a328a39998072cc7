from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.environment_page import changes_of_facts
from reports.links import environment_file
from reports.write import write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import DESKTOP, NEW, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reports.sample_history import HistoryBuilder


def test_a_machine_tells_what_it_is_known_by(sample_report: Path) -> None:
    """Identity and facts, its cases and the sessions there alone."""
    page = ParsedPage.of(sample_report / environment_file(DESKTOP.hash))
    assert "Ampere Altra" in page.text
    assert "Linux 6.8" in page.text
    assert "squeezenet-fp32-batch1x4x16" in page.text
    assert len([href for href in page.attributes("href") if href.startswith("session-")]) == 4


def test_an_upgrade_is_told_with_its_session(sample_report: Path) -> None:
    """The runtime's version changed on the server with the tenth session."""
    page = ParsedPage.of(sample_report / environment_file(SERVER.hash))
    start = page.text.index("What changed on it")
    assert "000000000009 onnxruntime 1.30.0 1.31.1" in page.text[start:]


def test_a_driver_is_a_fact_that_changes(builder: HistoryBuilder, tmp_path: Path) -> None:
    """What stands beside the runtime counts, and what trials tell of the machine."""
    for index, (driver, kernel) in enumerate([("550.1", "6.1"), ("550.1", "6.8"), ("560.2", "6.8")]):
        subject = replace(NEW, libraries={"driver": driver})
        trial = builder.trial(builder.session(index), "resnet50", "fp16", subject=subject)
        builder.history.add_trial(replace(trial, conditions={**trial.conditions, "machine": {"kernel": kernel}}))
    folder = write_report(builder.history, tmp_path / "report").parent
    text = ParsedPage.of(folder / environment_file(SERVER.hash)).text
    assert "000000000002 driver 550.1 560.2" in text
    assert "000000000001 kernel 6.1 6.8" in text


def test_a_gpu_does_not_become_a_processor(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Its architecture is not taken for the machine's, which only later sessions tell."""
    subject = replace(NEW, libraries={"architecture": "sm90"})
    for index, machine in enumerate([{}, {"architecture": "x86_64"}]):
        trial = builder.trial(builder.session(index), "resnet50", "fp16", subject=subject)
        builder.history.add_trial(replace(trial, conditions={**trial.conditions, "machine": machine}))
    folder = write_report(builder.history, tmp_path / "report").parent
    text = ParsedPage.of(folder / environment_file(SERVER.hash)).text
    assert "sm90 x86_64" not in text
    assert "Nothing that is known, in the sessions shown" in text


def test_a_fact_that_a_session_lacks_has_not_changed() -> None:
    """It is compared with the last session that knew it; several values are one set."""
    runs = [
        ("a", {"driver": frozenset({"1"}), "kernel": frozenset({"6.1"})}),
        ("b", {"kernel": frozenset({"6.1"})}),
        ("c", {"driver": frozenset({"1", "2"}), "kernel": frozenset({"6.1"})}),
        ("d", {"driver": frozenset({"1", "2"})}),
    ]
    assert changes_of_facts(runs) == [("c", "driver", frozenset({"1"}), frozenset({"1", "2"}))]
