from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.accuracy.operators import error_shares, judge_operator
from harness.errors import RunFailed

NAN, INF = math.nan, math.inf


def floats(*values: float) -> np.ndarray:
    """Return float32 values."""
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("actual", "expected", "recipe", "passes"),
    [
        pytest.param(floats(1.0009), floats(1.0), "fp32", True, id="a thousandth in fp32"),
        pytest.param(floats(1.0011), floats(1.0), "fp32", False, id="more than a thousandth in fp32"),
        pytest.param(floats(1e-6, 1), floats(0, 1), "fp32", True, id="a sum that cancels beside a larger one"),
        pytest.param(floats(1e-6), floats(0), "fp32", False, id="the same alone"),
        pytest.param(floats(1.009), floats(1.0), "fp16", True, id="roundings of float16"),
        pytest.param(floats(1.011), floats(1.0), "fp16", False, id="more than roundings of float16"),
        pytest.param(floats(1.07), floats(1.0), "bf16", True, id="roundings of bfloat16"),
        pytest.param(floats(1.09), floats(1.0), "bf16", False, id="more than roundings of bfloat16"),
        pytest.param(floats(0.09, 1.0), floats(0.0, 1.0), "int8", True, id="steps of int8"),
        pytest.param(floats(0.1, 1.0), floats(0.0, 1.0), "int8", False, id="more than steps of int8"),
        pytest.param(np.float16([1.009]), np.float16([1.0]), "fp32", True, id="a case of float16 by itself"),
        pytest.param(floats(NAN, INF, -INF), floats(NAN, INF, -INF), "fp32", True, id="equal NaN and infinities"),
        pytest.param(floats(1.0), floats(NAN), "fp32", False, id="a number for NaN"),
        pytest.param(floats(NAN), floats(1.0), "fp32", False, id="NaN for a number"),
        pytest.param(floats(-INF), floats(INF), "fp32", False, id="the other infinity"),
        pytest.param(floats(INF), floats(7e4), "fp16", True, id="a number that float16 lacks"),
        pytest.param(floats(INF), floats(7e4), "fp32", False, id="an infinity where float32 has the number"),
        pytest.param(np.int64([2**53 + 1]), np.int64([2**53]), "fp32", False, id="whole numbers are exact"),
        pytest.param(np.int32([5]), np.int64([5]), "fp32", True, id="narrower whole numbers of the same value"),
        pytest.param(np.array([True]), np.array([False]), "fp16", False, id="a truth value"),
        pytest.param(floats(), floats(), "fp32", True, id="no elements"),
    ],
)
def test_an_element_may_be_off_by_what_its_type_explains(
    actual: np.ndarray, expected: np.ndarray, recipe: str, passes: bool
) -> None:
    """The formula of the module, at either side of its bound."""
    (judgement,) = judge_operator({"y": actual}, {"y": expected}, recipe)
    assert judgement.passed is passes


@pytest.mark.parametrize(
    ("actual", "nearby", "passes"),
    [
        pytest.param(2.0, 2.0, True, id="what rounded inputs make of it"),
        pytest.param(3.0, 2.0, False, id="further off than that"),
        pytest.param(1.0, 2.0, True, id="what unrounded ones make of it"),
        pytest.param(NAN, INF, True, id="rounded inputs overflow"),
    ],
)
def test_rounding_the_inputs_is_reckoned_with(actual: float, nearby: float, passes: bool) -> None:
    """A step at 2 makes 1 of 1.9999 and 2 of the same number in float16."""
    shares = error_shares(floats(actual), floats(1.0), "fp16", floats(nearby))
    assert (float(shares[0]) <= 1) is passes


def test_whole_numbers_follow_rounded_inputs() -> None:
    """An index may be the one that rounded inputs give, and no other."""
    expected, nearby = np.int64([3, 3]), np.int64([4, 3])
    assert error_shares(np.int64([4, 4]), expected, "fp16", nearby).tolist() == [1.0, INF]


def test_a_failure_says_where_and_by_how_much() -> None:
    """The worst element is named with both values and the share of what is allowed."""
    (judgement,) = judge_operator({"y": floats(1, 2, 4)}, {"y": floats(1, 2, 3)}, "fp32")
    assert judgement.sentence == (
        "output 'y': 4.0 at [2] instead of 3.0, 333 times what fp32 is allowed; 1 of 3 elements are wrong"
    )


@pytest.mark.parametrize(
    ("actual", "text"),
    [
        pytest.param({"z": floats(1)}, "'y' is no output of the engine", id="another name"),
        pytest.param({"y": floats(1, 2)}, "it is of shape [2] instead of [1]", id="another shape"),
    ],
)
def test_outputs_that_cannot_be_compared_are_infinitely_off(actual: dict[str, Any], text: str) -> None:
    """They are never a pass."""
    (judgement,) = judge_operator(actual, {"y": floats(1)}, "fp32")
    assert judgement.share == INF
    assert text in judgement.sentence


def test_a_case_without_outputs_is_refused() -> None:
    """Comparing nothing would pass."""
    with pytest.raises(RunFailed, match="expects no output"):
        judge_operator({}, {}, "fp32")
