from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.commands.gate_sarif import gate_sarif
from harness.commands.gate_sources import Sources
from tests.commands.gated import assessed, case, hostile

if TYPE_CHECKING:
    from harness.commands.gate import Assessment

SOURCES = Sources(file="suites/my models.py", lines={"net": 7})


def run_of(assessment: Assessment, sources: Sources = SOURCES) -> Any:
    """Return the only run of the log, as strict JSON holds it."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    log = json.loads(json.dumps(gate_sarif(assessment, sources)), parse_constant=refuse)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return run


def test_each_concern_is_a_result_of_a_rule() -> None:
    """Results refer to rules that are there, and are errors where they block."""
    run = run_of(assessed(case("regressed", "inconclusive", "missing", failed="broken")))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    told = [(rules[result["ruleIndex"]], result["ruleId"], result["level"]) for result in run["results"]]
    assert told == [
        ("failed", "failed", "error"),
        ("regressed", "regressed", "error"),
        ("missing", "missing", "error"),
        ("inconclusive", "inconclusive", "warning"),
    ]


def test_a_result_stands_at_the_record_of_its_model() -> None:
    """The place is the catalogue's file, as a URI, and the line of the model in it."""
    (result,) = run_of(assessed(case("regressed")))["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "suites/my%20models.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("net-fp16-static latency")


def test_results_without_a_file_have_no_place_in_one() -> None:
    """Where the catalogue is not in the checkout only the case is named."""
    (result,) = run_of(assessed(case("regressed")), Sources())["results"]
    assert [list(location) for location in result["locations"]] == [["logicalLocations"]]


def test_concerns_of_one_model_are_told_apart() -> None:
    """The fingerprints of two series differ, and are the same in the next session."""
    first, second = (run_of(assessed(case("missing", "missing")))["results"] for _ in range(2))
    assert len({str(result["partialFingerprints"]) for result in first}) == 2
    assert [result["partialFingerprints"] for result in first] == [r["partialFingerprints"] for r in second]


@pytest.mark.parametrize(
    ("count", "results"), [pytest.param((), 0, id="not counted"), pytest.param(("insufficient",), 2, id="counted")]
)
def test_short_baselines_are_a_notification(count: tuple[str, ...], results: int) -> None:
    """They ask for no change of code, so they are results only where they block."""
    run = run_of(assessed(case("insufficient", "insufficient"), count=count))
    assert len(run["results"]) == results
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["level"] == "note"
    assert note["message"]["text"].startswith("2 series")


@pytest.mark.parametrize(
    "assessment",
    [pytest.param(assessed(), id="no case"), pytest.param(assessed(case("pass"), status="running"), id="cut")],
)
def test_a_session_that_says_nothing_is_an_error(assessment: Assessment) -> None:
    """A log without results is not taken for a clean one: the run has a notification of an error, and the exit code."""
    (invocation,) = run_of(assessment)["invocations"]
    assert invocation["exitCode"] == 2
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["error"]


def test_numbers_that_json_lacks_become_text() -> None:
    """An infinite effect is written as a text, since SARIF is JSON."""
    (result,) = run_of(assessed(case("regressed", effect=float("inf"))))["results"]
    assert result["properties"]["effect"] == "inf"
    assert result["properties"]["q"] == 0.01


def test_control_characters_are_left_out() -> None:
    """What cannot be seen is in no message."""
    for result in run_of(hostile())["results"]:
        assert not {"\x00", "\x1b", "\u202e"} & set(result["message"]["text"])
