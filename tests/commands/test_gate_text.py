from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from harness.commands.gate import GatedCase, GatedSession, assess
from harness.commands.gate_text import gate_markdown, gate_text, write_summary
from harness.errors import ConfigurationError
from harness.history.records import FindingRecord, VerdictRecord
from tests.history.building import verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.commands.gate import Assessment


def assessment(count: int = 1) -> Assessment:
    """Return an assessment of cases that failed, with baselines that are too short."""
    cases = [
        GatedCase(
            id=f"net{i}-fp16-static",
            outcome="failed",
            findings=(FindingRecord(stage="outputs", outcome="failed", message="a|b <tag>\n  worst: y\n  more"),),
            verdicts=(VerdictRecord(metric="latency_host", point="batch=1", verdict=verdict("insufficient", p=None)),),
        )
        for i in range(count)
    ]
    return assess(GatedSession(id="0" * 12, status="finished", cases=cases))


def test_markdown_is_a_table_of_what_wants_attention() -> None:
    """Each concern is a row whose text cannot break the table or become HTML."""
    text = gate_markdown(assessment())
    assert text.startswith("### ❌ trt-harness: 1 failed\n")
    assert "| failed | net0-fp16-static | outputs | a\\|b &lt;tag> worst: y |" in text
    assert "1 series of net0-fp16-static are too short to judge by" in text


def test_markdown_stays_small() -> None:
    """Of very many concerns the first 30 are listed, and the others counted."""
    text = gate_markdown(assessment(100))
    assert text.count("| failed |") == 30
    assert "… and 70 more" in text


def test_the_terminal_says_the_answer_last() -> None:
    """The last line has the answer and the exit code."""
    console = Console(width=300, record=True, force_terminal=False)
    with console.capture() as captured:
        console.print(*gate_text(assessment()), sep="\n")
    assert captured.get().rstrip().endswith("gate: 1 failed (exit code 1)")


def test_a_summary_goes_to_its_file_and_else_to_the_step(tmp_path: Path) -> None:
    """A file that was named is written anew; GitHub's summary is added to, and only where none was named."""
    named, step = tmp_path / "deep" / "summary.md", tmp_path / "step.md"
    step.write_text("before\n")
    write_summary(assessment(), named, str(step))
    write_summary(assessment(), named, str(step))
    assert named.read_text() == gate_markdown(assessment())
    assert step.read_text() == "before\n"
    write_summary(assessment(), None, str(step))
    assert step.read_text() == "before\n" + gate_markdown(assessment())


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The error names the file and the option."""
    with pytest.raises(ConfigurationError, match="--summary"):
        write_summary(assessment(), tmp_path, None)
