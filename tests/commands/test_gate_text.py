from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from rich.text import Text

from harness.commands.gate_markdown import gate_markdown
from harness.commands.gate_text import gate_data, gate_text
from tests.commands.gated import SEEN, assessed, case, hostile

if TYPE_CHECKING:
    from harness.commands.gate import Assessment
    from harness.verdicts.gate import Status


def printed(assessment: Assessment) -> str:
    """Return what a terminal shows of an assessment."""
    console = Console(width=2000, record=True, force_terminal=False)
    with console.capture() as captured:
        console.print(*gate_text(assessment), sep="\n", markup=False, highlight=False)
    return captured.get()


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
    judged = assessed(case(status))
    assert gate_markdown(judged).startswith(f"### {mark} trt-harness: {judged.headline}")
    last = gate_text(judged)[-1]
    assert isinstance(last, Text)
    assert last.style == style


def test_a_session_that_did_not_finish_lists_its_cases() -> None:
    """What the finished cases said is there, beside the word that others may be lacking."""
    text = printed(assessed(case(failed="broken"), status="running"))
    assert "failed      net-fp16-static" in text
    assert "unfinished" in text
    assert "finished before the session ended: net-fp16-static" in text
    assert "session 000000000000 (running): 1 case; series: none judged" in text


def test_a_case_under_two_subjects_is_one_case() -> None:
    """Terminal, Markdown and JSON count cases as the report does, with subjects and trials beside them."""
    trials = (replace(case("pass", case_id=f"net@{subject}"), name="net", subject=subject) for subject in "ab")
    judged = assessed(*trials)
    assert "(finished): 1 case under 2 subjects (2 trials); series: 2 pass" in printed(judged)
    assert "(finished): 1 case under 2 subjects (2 trials); series: 2 pass" in gate_markdown(judged)
    data = gate_data(judged)
    assert (data["cases"], data["subjects"], data["trials"]) == (1, 2, 2)


def test_short_baselines_are_told_by_case() -> None:
    """They are one line, however many series they are of."""
    text = printed(assessed(*(case("insufficient", "insufficient", case_id=f"net{i}") for i in range(6))))
    assert "insufficient: the baselines of 12 series of net0, net1, net2, net3, net4 … are too short" in text


def test_the_terminal_says_the_answer_last() -> None:
    """The last line has the answer and the exit code."""
    last = printed(assessed(case(failed="broken"))).rstrip().splitlines()[-1]
    about = "session 000000000000 (suite, started 2024-06-01 12:00 UTC)"
    assert last == f"gate of {about}: 1 failed (exit code 1)"


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        pytest.param({"kind": "check", "source": "/models/net.onnx"}, "check of net.onnx", id="a check of a file"),
        pytest.param({"kind": "operators"}, "operators alone", id="operators"),
        pytest.param({"kind": "comparison"}, "comparison of two subjects", id="a comparison"),
    ],
)
def test_the_answer_says_what_the_session_was_for(facts: dict[str, Any], title: str) -> None:
    """Terminal and Markdown name the kind of the session that was judged, and when it was started."""
    judged = assessed(case("pass"), **facts)
    about = f"session 000000000000 ({title}, started 2024-06-01 12:00 UTC):"
    assert f"gate of {about}" in printed(judged)
    assert about in gate_markdown(judged)


def test_foreign_text_begins_no_line() -> None:
    """A hostile name is shown on one line, where no CI system takes it for a command, without what cannot be seen."""
    text = printed(hostile())
    assert SEEN in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert not {"\x00", "\x1b", "\u202e"} & set(text)
