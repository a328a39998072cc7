from __future__ import annotations

import numpy as np
import pytest

from harness.accuracy.unusual import UNUSUAL_LIMITS, UnusualJudgement, judge_unusual
from harness.cases import RECIPES

NAN, INF = np.nan, np.inf


def judge(kind: str, actual: float, oracle: float, reference: float, *, ordinary: float = 1.0) -> UnusualJudgement:
    """Judge a tensor of which one element is as given and another one is 1 on all sides."""
    tensors = (np.array([[1.0, value]], np.float32) for value in (actual, oracle, reference))
    return judge_unusual(kind, *tensors, ordinary=ordinary, allowed=0.01)


@pytest.mark.parametrize(
    ("kind", "actual", "oracle", "reference", "outcome"),
    [
        pytest.param("nan", 0.0, NAN, NAN, "failed", id="NaN became a number"),
        pytest.param("nan", INF, NAN, NAN, "passed", id="NaN became Inf, which the order of a sum decides"),
        pytest.param("nan", 0.0, 0.0, NAN, "left out", id="the recipe makes a number of NaN, too"),
        pytest.param("nan", NAN, 0.0, 0.0, "left out", id="FP32 makes a number of NaN, the engine does not"),
        pytest.param("infinite", 5.0, INF, INF, "failed", id="Inf became a number"),
        pytest.param("infinite", NAN, INF, INF, "passed", id="Inf became NaN"),
        pytest.param("zero", NAN, 0.5, 0.5, "failed", id="zeros became NaN"),
        pytest.param("zero", NAN, NAN, 0.5, "failed", id="zeros became NaN, as in the recipe but not in FP32"),
        pytest.param("zero", 0.5, NAN, 0.5, "passed", id="the engine has what FP32 has and the recipe lost"),
        pytest.param("zero", NAN, NAN, NAN, "passed", id="FP32 itself divides by zero"),
        pytest.param("zero", 0.0, NAN, NAN, "failed", id="the engine makes a number where FP32 divides by zero"),
        pytest.param("constant", 0.509, 0.5, 0.7, "passed", id="within a hundredth of the recipe's value"),
        pytest.param("constant", 0.511, 0.5, 0.5, "failed", id="beyond it"),
        pytest.param("denormal", 0.7, 0.5, 0.7, "failed", id="FP32's value where the recipe has another one"),
        pytest.param("huge", INF, 9e3, 9e3, "failed", id="an overflow that the recipe has not"),
        pytest.param("huge", INF, INF, 9e4, "passed", id="an overflow that the recipe has as well"),
        pytest.param("huge", 9e4, INF, 9e4, "passed", id="no overflow where the recipe has one"),
        pytest.param("huge", 2e3, 9e3, 9e3, "passed", id="another number out of huge ones"),
    ],
)
def test_the_engine_may_lose_what_its_recipe_loses_and_no_more(
    kind: str, actual: float, oracle: float, reference: float, outcome: str
) -> None:
    """NaN and Inf stay, numbers stay numbers and near, each as far as FP32 and the recipe's own graph have it so."""
    assert judge(kind, actual, oracle, reference).outcome == outcome


def test_a_failure_names_place_values_and_count() -> None:
    """It says what came out instead of what, where, and how far it may be."""
    assert judge("zero", NAN, 0.5, 0.5).sentence == "nan came out instead of 0.5 at [0, 1] (elements in all: 1 of 2)"
    assert judge("constant", 3.0, 0.5, 0.5).sentence == (
        "3 came out instead of 0.5 at [0, 1], and 0.01 is how far they may be apart (elements in all: 1 of 2)"
    )
    assert judge("nan", 3.0, NAN, NAN).sentence.startswith("3 came out where FP32 has nan, at [0, 1]")


def test_small_values_are_measured_by_what_is_ordinary() -> None:
    """A rounding of an output that is zero on zeros is held against what the output is otherwise."""
    zeros = np.zeros(3, np.float32)
    nearly = zeros + np.float32(1e-4)
    assert judge_unusual("zero", nearly, zeros, zeros, ordinary=1.0, allowed=1e-3).outcome == "passed"
    assert judge_unusual("zero", nearly, zeros, zeros, ordinary=0.01, allowed=1e-3).outcome == "failed"


def test_whole_numbers_and_overflows_throughout_are_left_out() -> None:
    """Which of equal scores comes first means nothing, and neither does an output that FP32 has lost altogether."""
    indices = np.array([3])
    assert judge_unusual("zero", indices, indices + 1, indices, ordinary=1.0, allowed=0.0).outcome == "left out"
    lost = np.full(2, INF, np.float16)
    found = judge_unusual("huge", lost, lost, np.ones(2), ordinary=1.0, allowed=0.1)
    assert (found.outcome, found.sentence) == ("left out", "FP32 or the recipe itself overflows on it")


def test_outputs_of_other_shapes_fail() -> None:
    """An engine whose output has another shape is not compared in part."""
    found = judge_unusual("zero", np.ones(3), np.ones(2), np.ones(2), ordinary=1.0, allowed=0.1)
    assert (found.outcome, found.sentence) == ("failed", "engine, recipe and FP32 give other shapes: [3], [2], [2]")


def test_every_recipe_has_a_limit() -> None:
    """No case is without one, and eight bits have the widest."""
    assert set(UNUSUAL_LIMITS) == set(RECIPES)
    assert max(UNUSUAL_LIMITS, key=lambda recipe: UNUSUAL_LIMITS[recipe]).startswith("int8")
