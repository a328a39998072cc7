from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, fromstring

import pytest

from harness.commands.gate_junit import gate_junit
from tests.commands.gated import SEEN, assessed, case, hostile

if TYPE_CHECKING:
    from harness.commands.gate import Assessment


def parsed(assessment: Assessment) -> Element:
    """Return the test suite of an assessment's document."""
    (suite,) = fromstring(gate_junit(assessment).encode())  # noqa: S314 - it is ours
    return suite


def outcomes(suite: Element) -> list[str]:
    """Return how each test case ended."""
    return [test_case[0].tag if len(test_case) else "passed" for test_case in suite.iter("testcase")]


@pytest.mark.parametrize(
    ("assessment", "expected"),
    [
        pytest.param(assessed(case("pass", "improved")), ["passed", "passed"], id="what passes"),
        pytest.param(assessed(case("regressed")), ["failure"], id="what regressed"),
        pytest.param(assessed(case("inconclusive", "insufficient")), ["skipped", "skipped"], id="what is open"),
        pytest.param(assessed(case("insufficient"), count=("insufficient",)), ["failure"], id="what is counted"),
        pytest.param(assessed(case("quarantined")), ["skipped"], id="what is in quarantine"),
        pytest.param(assessed(case("pass", failed="broken")), ["passed", "failure"], id="a stage that failed"),
        pytest.param(assessed(case("pass"), lacking={"gone": "1" * 12}), ["passed", "error"],
                     id="a case that is missing"),
        pytest.param(assessed(case("pass"), status="running"), ["passed", "error"], id="a session that was killed"),
        pytest.param(assessed(), ["error"], id="a session without a case"),
    ],
)  # fmt: skip
def test_what_blocks_fails(assessment: Assessment, expected: list[str]) -> None:
    """Failures and errors are what the exit code is not 0 for; what could not be judged is skipped, never passed."""
    suite = parsed(assessment)
    assert outcomes(suite) == expected
    assert bool({"failure", "error"} & set(expected)) == (assessment.exit_code != 0)


def test_the_counts_are_those_of_the_test_cases() -> None:
    """The attributes of the suite agree with what is in it."""
    suite = parsed(hostile())
    counted = Counter(outcomes(suite))
    attributes = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert attributes == {"tests": 4, "failures": 2, "errors": 1, "skipped": 1}
    assert attributes == {
        "tests": sum(counted.values()),
        "failures": counted["failure"],
        "errors": counted["error"],
        "skipped": counted["skipped"],
    }


def test_a_failure_tells_its_reason_and_cause() -> None:
    """The message is the verdict's sentence, and the text has the cause beside it."""
    (failure,) = parsed(assessed(case("regressed", cause="same engine"))).iter("failure")
    assert failure.attrib == {"type": "regressed", "message": "regressed: it is regressed"}
    assert failure.text == "it is regressed\ncause: same engine"


def test_foreign_text_stays_text() -> None:
    """Hostile names neither end an element nor hold what XML has no character for."""
    first = next(parsed(hostile()).iter("testcase"))
    assert first.attrib["classname"] == SEEN


def test_the_order_of_elements_is_that_of_the_ant_schema() -> None:
    """Properties come first and streams last, and every attribute that the schema demands is there."""
    suite = parsed(assessed(case("pass")))
    assert [element.tag for element in suite] == ["properties", "testcase", "system-out", "system-err"]
    demanded = {"id", "name", "package", "timestamp", "hostname", "tests", "failures", "errors", "time"}
    assert demanded <= set(suite.attrib)
    assert suite.attrib["timestamp"] == "2024-06-01T12:00:00"
