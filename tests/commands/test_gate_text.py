from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.text import Text

from harness.commands.gate import GatedCase, GatedSession, assess
from harness.commands.gate_text import gate_markdown, gate_text, write_summary
from harness.errors import ConfigurationError
from harness.history.records import FindingRecord, VerdictRecord
from tests.history.building import verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.commands.gate import Assessment
    from harness.verdicts.gate import Status


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


@pytest.mark.parametrize(
    ("status", "mark", "style"),
    [
        pytest.param("pass", "✅", "bold green", id="all was judged and passed"),
        pytest.param("insufficient", "⚪", "bold", id="nothing could be judged"),
        pytest.param("regressed", "❌", "bold red", id="a series regressed"),
    ],
)
def test_green_is_for_what_was_judged(status: Status, mark: str, style: str) -> None:
    """A session of which nothing can be said yet is neither green nor red."""
    record = VerdictRecord(metric="latency_host", point="batch=1", verdict=verdict(status))
    case = GatedCase(id="net-fp16-static", outcome="ok", verdicts=(record,))
    judged = assess(GatedSession(id="0" * 12, status="finished", cases=[case]))
    assert gate_markdown(judged).startswith(f"### {mark} trt-harness: {judged.headline}")
    last = gate_text(judged)[-1]
    assert isinstance(last, Text)
    assert last.style == style


def test_a_session_that_did_not_finish_lists_its_cases() -> None:
    """What the finished cases said is there, beside the word that others may be lacking."""
    failed = GatedCase(id="net-fp16-static", outcome="crashed")
    text = gate_markdown(assess(GatedSession(id="0" * 12, status="running", cases=[failed])))
    assert "| failed | net-fp16-static |" in text
    assert "| unfinished |" in text
    assert "finished before the session ended: net-fp16-static" in text
    assert "session 000000000000 (running): 1 case; series: none judged" in text


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
