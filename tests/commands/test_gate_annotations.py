from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.commands.gate_annotations import gate_annotations
from harness.commands.gate_sources import Sources
from tests.commands.gated import SEEN, assessed, case, hostile

if TYPE_CHECKING:
    from harness.commands.gate import Assessment

SOURCES = Sources(file="suites/catalogue.py", lines={"net": 7})


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does: its name, properties and message."""
    _, head, message = line.split("::", 2)
    name, _, properties = head.partition(" ")
    pairs = (pair.split("=", 1) for pair in properties.split(",") if pair)
    undone = {key: value.replace("%2C", ",").replace("%3A", ":") for key, value in pairs}
    return name, {key: _data(value) for key, value in undone.items()}, _data(message)


def _data(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


@pytest.mark.parametrize(
    ("assessment", "kinds"),
    [
        pytest.param(assessed(case("pass")), [], id="nothing to say"),
        pytest.param(assessed(case("regressed", failed="broken")), ["error", "error"], id="what blocks"),
        pytest.param(assessed(case("inconclusive", "inconclusive")), ["warning", "warning"], id="what is open"),
        pytest.param(assessed(case("inconclusive"), count=("inconclusive",)), ["error"], id="what is counted"),
        pytest.param(assessed(case("missing")), ["error"], id="what is missing"),
        pytest.param(assessed(case("insufficient", "insufficient")), ["notice"], id="short baselines"),
        pytest.param(assessed(case("insufficient", "insufficient"), count=("insufficient",)), ["error", "error"],
                     id="short baselines that are counted"),
        pytest.param(assessed(), ["error"], id="no case"),
        pytest.param(assessed(case("pass"), status="running"), ["error"], id="a session that was killed"),
    ],
)  # fmt: skip
def test_what_blocks_is_an_error(assessment: Assessment, kinds: list[str]) -> None:
    """There is an error for whatever the exit code is not 0 for, and none otherwise."""
    assert [read(line)[0] for line in gate_annotations(assessment, SOURCES)] == kinds
    assert ("error" in kinds) == (assessment.exit_code != 0)


def test_an_annotation_stands_at_the_record_of_its_model() -> None:
    """File, line and title are properties; the message is the reason, with what changed along with it."""
    assessment = assessed(case("regressed"))
    (concern,) = assessment.concerns
    assessment = replace(assessment, concerns=(replace(concern, also=("throughput: -10 %",)),))
    (line,) = gate_annotations(assessment, SOURCES)
    assert read(line) == (
        "error",
        {
            "file": "suites/catalogue.py",
            "line": "7",
            "title": "regressed: net-fp16-static latency, host to host, median at batch=1",
        },
        "it is regressed\nalso throughput: -10 %",
    )


def test_foreign_text_stays_text() -> None:
    """Hostile names begin no line, end no property, and are read as they were."""
    lines = gate_annotations(hostile(), SOURCES)
    assert all("\n" not in line and "\r" not in line and line.isprintable() for line in lines)
    told = [read(line) for line in lines]
    assert [name for name, _, _ in told] == ["error", "error", "error", "warning"]
    assert all(set(properties) == {"file", "line", "title"} for _, properties, _ in told)
    assert told[0][1]["title"] == f"failed: {SEEN} outputs"


def test_github_is_given_no_more_than_it_shows() -> None:
    """Of more than ten concerns nine are shown, and the tenth line counts the others."""
    cases = [case("regressed", case_id=f"net{i}-fp16-static") for i in range(25)]
    lines = gate_annotations(assessed(*cases), SOURCES)
    assert len(lines) == 10
    assert read(lines[-1])[1] == {"title": "and 16 more"}
    assert len(gate_annotations(assessed(*cases[:10]), SOURCES)) == 10
