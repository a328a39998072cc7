from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree.ElementTree import parse

import pytest

from harness.commands.gate_files import write_answers
from harness.commands.gate_markdown import gate_markdown
from harness.commands.gate_sources import Sources
from harness.errors import ConfigurationError
from tests.commands.gated import assessed, case

if TYPE_CHECKING:
    from pathlib import Path

ASSESSMENT = assessed(case("regressed"))


def test_each_form_goes_to_its_file(tmp_path: Path) -> None:
    """Files are written anew each time, in folders that need not exist."""
    files = {name: tmp_path / "deep" / f"gate.{name}" for name in ("summary", "junit", "sarif")}
    for _ in range(2):
        write_answers(ASSESSMENT, Sources(), **files, report_url="https://report")
    assert files["summary"].read_text() == gate_markdown(ASSESSMENT, report_url="https://report")
    assert parse(files["junit"]).getroot().tag == "testsuites"  # noqa: S314 - it is ours
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"


def test_the_summary_of_a_step_is_added_to(tmp_path: Path) -> None:
    """GitHub's file keeps what it held, and gets the Markdown also where that has a file of its own."""
    step, summary = tmp_path / "step.md", tmp_path / "summary.md"
    step.write_text("before\n")
    write_answers(ASSESSMENT, Sources(), summary=summary, step_summary=str(step))
    assert step.read_text() == f"before\n{summary.read_text()}"


@pytest.mark.parametrize("option", ["summary", "junit", "sarif"])
def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, option: str) -> None:
    """The error names the file and the option."""
    with pytest.raises(ConfigurationError, match=rf"cannot be written.*--{option}"):
        write_answers(ASSESSMENT, Sources(), **{option: tmp_path})
