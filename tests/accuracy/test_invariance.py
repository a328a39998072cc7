from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy import INVARIANCE_LIMITS, compare_rows, judge_invariance
from harness.cases import RECIPES
from harness.errors import ConfigurationError, RunFailed

ALONE = np.array([[1.0, -4.0, 2.0]], np.float32)


def batch_of(rows: int) -> np.ndarray:
    """Repeat the sample."""
    return np.repeat(ALONE, rows, axis=0)


def test_repeated_rows_are_bit_equal() -> None:
    """A batch that repeats the sample's own result passes the strictest limit."""
    error = compare_rows(ALONE, batch_of(4))
    assert (error.bit_equal, error.max_abs, error.relative, error.rows, error.scale) == (True, 0.0, 0.0, 4, 4.0)
    judgement = judge_invariance(error, allowed=0.0)
    assert judgement.passed
    assert judgement.sentence == "all 4 rows have the bits of the sample run alone"


def test_the_row_that_differs_is_named() -> None:
    """One row that was mixed up fails at any recipe's limit, with its number and by how much."""
    batched = batch_of(4)
    batched[2] = batched[2, ::-1]
    error = compare_rows(ALONE, batched)
    assert (error.worst_row, error.max_abs, error.relative, error.bit_equal) == (2, 1.0, 0.25, False)
    judgement = judge_invariance(error, allowed=max(INVARIANCE_LIMITS.values()))
    assert not judgement.passed
    assert "row 2 of a batch of 4 differs" in judgement.sentence
    assert "by 1, 0.25 of the largest magnitude > 0.05" in judgement.sentence


def test_rounding_by_another_kernel_is_allowed_relative_to_scale() -> None:
    """A difference within the limit passes, on the limit as well, and is not called bit-equal."""
    batched = batch_of(2)
    batched[1, 0] += 1e-5
    error = compare_rows(ALONE, batched)
    assert not error.bit_equal
    assert judge_invariance(error, allowed=error.relative).passed
    assert not judge_invariance(error, allowed=error.relative / 2).passed


def test_signed_zeros_are_equal_but_not_in_bits() -> None:
    """Equality of bits is stricter than equality of values."""
    error = compare_rows(np.array([[0.0]]), np.array([[0.0], [-0.0]]))
    assert (error.max_abs, error.bit_equal) == (0.0, False)
    assert judge_invariance(error, allowed=0.0).passed


def test_a_stray_nan_fails_whatever_is_allowed() -> None:
    """NaN in one row of the batch is a failure with that row's number."""
    batched = batch_of(3)
    batched[1, 2] = np.nan
    judgement = judge_invariance(compare_rows(ALONE, batched), allowed=1e9)
    assert not judgement.passed
    assert "row 1 of a batch of 3 has NaN or Inf" in judgement.sentence


def test_nan_in_every_row_and_alone_is_invariant() -> None:
    """Invariance asks whether rows are alike, not whether they are right."""
    error = compare_rows(np.array([[np.nan]]), np.array([[np.nan], [np.nan]]))
    assert error.bit_equal
    assert judge_invariance(error, allowed=0.0).passed


def test_a_sample_of_zeros_allows_no_difference() -> None:
    """Any difference from zeros is infinite relative to them."""
    error = compare_rows(np.zeros((1, 2)), np.array([[0.0, 0.0], [0.0, 1e-30]]))
    assert error.relative == math.inf
    assert not judge_invariance(error, allowed=1e9).passed


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_batch_may_be_any_dimension(axis: int) -> None:
    """Outputs whose batch is not their first dimension, e.g. sequence-first ones, are compared along it."""
    alone = np.expand_dims(np.arange(6.0).reshape(3, 2), axis)
    batched = np.repeat(alone, 4, axis=axis)
    np.moveaxis(batched, axis, 0)[3, 2, 0] += 1.0
    error = compare_rows(alone, batched, axis=axis)
    assert (error.rows, error.worst_row, error.max_abs) == (4, 3, 1.0)


@pytest.mark.parametrize(
    ("alone", "batched", "axis"),
    [
        pytest.param(np.ones((1, 2)), np.ones((3, 4)), 0, id="another width"),
        pytest.param(np.ones((2, 2)), np.ones((2, 2)), 0, id="an output that ignores the batch"),
        pytest.param(np.ones((1, 2)), np.ones((0, 2)), 0, id="no rows"),
        pytest.param(np.ones((1, 2)), np.ones((3, 2), np.float32), 0, id="another type"),
        pytest.param(np.ones((1, 2)), np.ones((3, 2)), 2, id="no such dimension"),
        pytest.param(np.float64(1), np.float64(1), 0, id="scalars"),
    ],
)
def test_what_does_not_fit_is_refused(alone: np.ndarray, batched: np.ndarray, axis: int) -> None:
    """Outputs that cannot be a batch and one of its rows are refused with their shapes."""
    with pytest.raises(RunFailed, match=r"\[.*\].*\[.*\]"):
        compare_rows(alone, batched, axis=axis)


@pytest.mark.parametrize("allowed", [-1e-3, math.nan, math.inf])
def test_the_limit_must_be_a_number_that_limits(allowed: float) -> None:
    """A limit that could not fail anything, or nothing but fail, is refused."""
    with pytest.raises(ConfigurationError, match="batch invariance"):
        judge_invariance(compare_rows(ALONE, ALONE), allowed=allowed)


def test_every_recipe_has_a_limit() -> None:
    """No precision is left without a word on how invariant it must be."""
    assert set(INVARIANCE_LIMITS) == set(RECIPES)
