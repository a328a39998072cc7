from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from harness.operators.table import (
    Difference,
    OperatorResult,
    by_operator,
    count_outcomes,
    differences,
    in_words,
    precisions_of,
)

if TYPE_CHECKING:
    from harness.history.records import Outcome
    from harness.operators.table import Change


def result(case: str, outcome: Outcome = "ok", precision: str = "fp32", operator: str = "Conv") -> OperatorResult:
    """Return a result that says ``why`` where it is no pass."""
    why = "" if outcome == "ok" else "why\nin more words"
    return OperatorResult(case=case, operator=operator, precision=precision, outcome=outcome, message=why)


RESULTS = [
    result("conv"),
    result("conv", "failed", "fp16"),
    result("conv_pads", "unsupported"),
    result("abs", operator="Abs"),
]


def test_results_are_counted_by_precision_and_by_operator() -> None:
    """Operators come in alphabetical order, precisions in that of the results."""
    assert precisions_of(RESULTS) == ("fp32", "fp16")
    assert count_outcomes(RESULTS) == {"fp32": Counter(ok=2, unsupported=1), "fp16": Counter(failed=1)}
    assert list(by_operator(RESULTS)) == ["Abs", "Conv"]
    assert by_operator(RESULTS)["Conv"] == {"fp32": Counter(ok=1, unsupported=1), "fp16": Counter(failed=1)}


def test_counts_are_said_the_good_ones_first() -> None:
    """Whatever order they were counted in."""
    assert in_words({"timed_out": 1, "crashed": 2, "ok": 3}) == "3 pass, 2 crash, 1 timed out"
    assert in_words({}) == "none"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        pytest.param("ok", "failed", "regressed", id="it is wrong now"),
        pytest.param("ok", "unsupported", "regressed", id="it is refused now"),
        pytest.param("ok", "crashed", "regressed", id="it kills its worker now"),
        pytest.param("ok", None, "not run", id="it was left out"),
        pytest.param("failed", "crashed", "changed", id="bad in another way"),
        pytest.param("unsupported", "ok", "improved", id="it is supported now"),
        pytest.param(None, "failed", "new", id="nobody ran it before"),
    ],
)
def test_a_difference_has_a_word(before: Outcome | None, after: Outcome | None, change: Change) -> None:
    """A pass that is lost is a regression, however it was lost."""
    difference = Difference(case="conv", operator="Conv", precision="fp32", before=before, after=after)
    assert difference.change == change


def test_differences_name_what_is_worse_first() -> None:
    """Equal outcomes are no difference; the reason is the first line of the run that does not pass."""
    before = [result("a", "failed"), result("b"), result("c"), result("d", "failed")]
    after = [result("a"), result("b", "crashed"), result("d", "failed")]
    found = differences(before, after)
    assert [(each.case, each.change, each.reason) for each in found] == [
        ("b", "regressed", "why"),
        ("c", "not run", ""),
        ("a", "improved", "why"),
    ]
