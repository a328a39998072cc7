from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy.same_runs import compare_runs, largest
from harness.errors import RunFailed

X = np.array([[1.0, -4.0]], np.float32)
Y = np.array([2.0], np.float32)


def test_equal_runs_are_bit_equal() -> None:
    """Every output has the same bits."""
    difference = compare_runs({"x": X.copy(), "y": Y.copy()}, {"x": X, "y": Y})
    assert (difference.bit_equal, difference.relative, str(difference)) == (True, 0.0, "bit-equal")


def test_the_output_that_differs_most_is_named() -> None:
    """The difference is a share of that output's own largest magnitude, with the place and both values."""
    difference = compare_runs({"x": X + np.float32(0.04), "y": Y + np.float32(1)}, {"x": X, "y": Y})
    assert (difference.output, difference.relative, difference.bit_equal) == ("y", 0.5, False)
    assert str(difference) == ("output 'y' differs by 0.5 of its largest magnitude at [0] (actual 3, expected 2)")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        pytest.param(np.array([np.nan]), np.array([1.0]), id="NaN for a number"),
        pytest.param(np.array([np.inf]), np.array([-np.inf]), id="another infinity"),
        pytest.param(np.array([1e-9]), np.array([0.0]), id="something for nothing"),
    ],
)
def test_what_no_share_can_tell_is_infinitely_far(actual: np.ndarray, expected: np.ndarray) -> None:
    """It is larger than any limit."""
    difference = compare_runs({"x": actual}, {"x": expected})
    assert math.isinf(difference.relative)
    assert "differs at [0]" in str(difference)


def test_equal_values_of_other_bits_are_no_bit_equality() -> None:
    """Of two runs that differ in a zero's sign alone, the difference is 0 and is no equality of bits."""
    signed = compare_runs({"x": np.array([-0.0]), "y": Y}, {"x": np.array([0.0]), "y": Y})
    assert (signed.relative, signed.bit_equal) == (0.0, False)
    assert not largest([compare_runs({"y": Y}, {"y": Y}), signed]).bit_equal


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        pytest.param({}, {"x": X}, "'x' is no output of the other run", id="an output is missing"),
        pytest.param({"x": Y}, {"x": X}, r"shape \[1\]", id="another shape"),
        pytest.param({"x": X}, {}, "no outputs to compare", id="nothing"),
    ],
)
def test_runs_that_cannot_be_compared_are_errors(
    actual: dict[str, np.ndarray], expected: dict[str, np.ndarray], message: str
) -> None:
    """Nothing missing passes."""
    with pytest.raises(RunFailed, match=message):
        compare_runs(actual, expected)
