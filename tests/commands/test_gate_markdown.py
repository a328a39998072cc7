from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from harness.commands.gate_markdown import LONGEST, gate_markdown
from tests.commands.gated import HOSTILE, SEEN, assessed, case, hostile


class _Tables(HTMLParser):
    """Collects the texts of table cells, and the names of all elements."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.elements: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as HTMLParser has it
        self.elements.add(tag)
        if tag == "td":
            self.cells.append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def rendered(text: str) -> _Tables:
    """Return the tables of Markdown as a browser gets them."""
    tables = _Tables()
    tables.feed(MarkdownIt("commonmark").enable("table").render(text))
    return tables


def test_each_concern_is_a_row_with_its_effect_and_cause() -> None:
    """A regression tells series, effect with interval, cause and q; a failed stage its message."""
    text = gate_markdown(assessed(case("regressed", cause="other tactics", failed="a|b <tag>\n  worst: y\n  more")))
    assert text.startswith("### ❌ trt-harness: 1 failed, 1 regressed\n")
    assert "| failed | net-fp16-static | outputs |  |  |  | a\\|b &lt;tag&gt; worst: y |" in text
    effect = "+10.0 % \\[+5.0 %, +15.0 %\\]".replace(" %", "\u00a0%")
    assert f"host to host, median at batch=1 | {effect} | other tactics | 0.01 | it is regressed |" in text
    assert "onnxruntime 1.31.1 on CPU: EPYC, 2 cores" in text


def test_all_series_are_folded_away() -> None:
    """A section that is closed at first has each series, with the smallest effect that could have been detected."""
    text = gate_markdown(assessed(case("pass", "regressed")))
    folded = text[text.index("<details>") : text.index("</details>")]
    assert "<summary>All 2 series</summary>" in folded
    assert [line.split(" | ")[2] for line in folded.splitlines() if line.startswith("| net")] == ["pass", "regressed"]
    assert "| +6.0\u00a0% | 10 |" in folded


@pytest.mark.parametrize(
    "url", [pytest.param("https://ci/run/1#artifacts", id="an address"), pytest.param("", id="none")]
)
def test_the_report_is_linked_where_it_is_known(url: str) -> None:
    """There is a link if there is an address."""
    assert (f"[Report](<{url}>)" in gate_markdown(assessed(case("pass")), report_url=url)) is bool(url)


def test_foreign_text_stays_text() -> None:
    """Hostile names end no cell, become no element and no link, and notify nobody."""
    text = gate_markdown(hostile())
    tables = rendered(text)
    seen = SEEN.replace("@", "@\u200b")
    assert tables.cells[1] == tables.cells[8] == tables.cells[15] == seen
    assert tables.cells[6] == "a|b ::error::c"
    assert len(tables.cells) == 4 * 7 + 2 * 8
    assert "@everyone" not in text
    assert not tables.elements & {"img", "a", "code", "strong"}
    assert HOSTILE not in text


def test_of_very_many_concerns_the_first_are_listed() -> None:
    """30 rows are shown and the others counted; all of it fits into a comment, with its sections closed."""
    text = gate_markdown(assessed(*(case("regressed", case_id=f"net{i}-fp16-static") for i in range(1000))))
    assert text.count("| regressed | net") == 30
    assert "… and 970 more" in text
    assert LONGEST - 1000 < len(text) <= LONGEST
    assert text.endswith("`trt-harness query latest` lists them.\n\n</details>\n")


def test_series_that_changed_with_another_stand_under_it() -> None:
    """Of series that changed together each is a line of the same row, up to five."""
    from dataclasses import replace

    assessment = assessed(case("regressed"))
    (concern,) = assessment.concerns
    also = tuple(f"throughput|{i}" for i in range(7))
    text = gate_markdown(replace(assessment, concerns=(replace(concern, also=also),)))
    assert "it is regressed<br>↳ throughput\\|0<br>↳ throughput\\|1" in text
    assert text.count("↳") == 6
