from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.accuracy import BrokenLimit, compare_tensors, judge_outputs, judge_tensor
from harness.cases import Tolerance
from harness.errors import ConfigurationError, RunFailed

NAN = float("nan")
ERROR = replace(
    compare_tensors(np.array([[0.9, 1.2]]), np.array([[0.9, 0.9]])),
    mean_abs=0.15, rmse=0.2, max_rel=0.33, cosine=0.91, sqnr_db=13.0, max_abs=0.31,
)  # fmt: skip
ANYTHING = (Tolerance(max_abs=1.0),)


@pytest.mark.parametrize(
    ("measure", "kept", "broken"),
    [
        ("max_abs", 0.31, 0.3),
        ("mean_abs", 0.15, 0.1),
        ("rmse", 0.2, 0.1),
        ("max_rel", 0.33, 0.3),
        ("cosine", 0.91, 0.92),
        ("sqnr_db", 13.0, 13.1),
    ],
)
def test_each_measure_has_its_own_limit(measure: str, kept: float, broken: float) -> None:
    """An error on the limit keeps it, one beyond it breaks that limit and no other."""
    assert judge_tensor(ERROR, Tolerance(**{measure: kept})).passed
    judgement = judge_tensor(ERROR, Tolerance(**{measure: broken}))
    assert not judgement.passed
    assert judgement.broken == (BrokenLimit(measure, getattr(ERROR, measure), broken),)


@pytest.mark.parametrize("measure", ["max_abs", "mean_abs", "rmse", "max_rel", "cosine", "sqnr_db"])
@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_a_measure_that_is_nan_keeps_no_limit(measure: str, limit: float) -> None:
    """NaN never passes, whichever way the limit goes."""
    judgement = judge_tensor(replace(ERROR, **{measure: NAN}), Tolerance(**{measure: limit}))
    assert not judgement.passed
    assert f"{measure} is NaN" in judgement.sentence


def test_a_stray_nan_breaks_any_tolerance() -> None:
    """However wide the limits, NaN on one side only fails, and the sentence says where it is."""
    error = compare_tensors(np.array([1.0, NAN]), np.ones(2))
    judgement = judge_tensor(error, Tolerance(max_abs=1e9))
    assert not judgement.passed
    assert judgement.sentence == "NaN or Inf on one side only in 1 element at [1] (actual nan, expected 1)"


@pytest.mark.parametrize(
    ("tolerance", "sentence"),
    [
        pytest.param(
            Tolerance(max_abs=0.01, cosine=0.999),
            "max_abs 0.31 > 0.01 at [0, 1] (actual 1.2, expected 0.9), cosine 0.91 < 0.999",
            id="the place stands beside max_abs",
        ),
        pytest.param(
            Tolerance(cosine=0.999),
            "cosine 0.91 < 0.999; max_abs 0.31 at [0, 1] (actual 1.2, expected 0.9)",
            id="the place is said without max_abs too",
        ),
        pytest.param(
            Tolerance(cosine=0.91000001),
            "cosine 0.91 < 0.91000001; max_abs 0.31 at [0, 1] (actual 1.2, expected 0.9)",
            id="as many digits as tell the two apart",
        ),
        pytest.param(Tolerance(max_abs=0.5, cosine=0.9), "max_abs 0.31 <= 0.5, cosine 0.91 >= 0.9", id="all kept"),
    ],
)
def test_the_sentence_says_what_was_measured_allowed_and_where(tolerance: Tolerance, sentence: str) -> None:
    """A judgement can be read without looking anything up."""
    assert judge_tensor(ERROR, tolerance).sentence == sentence


def test_outputs_are_judged_by_name_and_in_the_order_of_the_reference() -> None:
    """Each output is held against the tolerance for its own name."""
    expected = {"boxes": np.ones(2), "scores": np.ones(2)}
    actual = {"scores": np.full(2, 1.5), "boxes": np.full(2, 1.5)}
    judgements = judge_outputs(actual, expected, [Tolerance(max_abs=0.1), Tolerance(tensors="boxes", max_abs=0.6)])
    assert [(j.output, j.passed) for j in judgements] == [("boxes", True), ("scores", False)]
    assert judgements[1].sentence.startswith("output 'scores': max_abs 0.5 > 0.1 at [0]")


def test_missing_and_surplus_outputs_fail_with_the_nearest_name() -> None:
    """An output under another name is two failures, each naming the other as a suggestion."""
    judgements = judge_outputs({"logit": np.ones(1)}, {"logits": np.ones(1)}, ANYTHING)
    assert [(j.output, j.passed, j.judgement) for j in judgements] == [("logits", False, None), ("logit", False, None)]
    assert "'logits' is no output of the engine. Did you mean 'logit'?" in judgements[0].sentence
    assert "'logit' is no output of the reference. Did you mean 'logits'?" in judgements[1].sentence


def test_an_output_of_another_shape_fails_and_the_others_are_judged() -> None:
    """A shape that does not fit is a failure of that output alone."""
    judgements = judge_outputs({"a": np.ones(2), "b": np.ones(2)}, {"a": np.ones((2, 1)), "b": np.ones(2)}, ANYTHING)
    assert [j.passed for j in judgements] == [False, True]
    assert "[2]" in judgements[0].sentence
    assert "[2, 1]" in judgements[0].sentence


def test_an_output_without_a_tolerance_is_an_error() -> None:
    """Limits for layers or for other names do not let an output pass."""
    tolerances = [Tolerance(scope="layers", max_abs=1.0), Tolerance(tensors="score*", max_abs=1.0)]
    outputs = {"scores": np.ones(1), "boxes": np.ones(1)}
    with pytest.raises(ConfigurationError, match=r"output 'boxes'; the patterns for outputs are: 'score\*'"):
        judge_outputs(outputs, outputs, tolerances)


@pytest.mark.parametrize(
    "pattern",
    [pytest.param("boxs", id="a misspelt name"), pytest.param("box_*", id="a pattern that matches none")],
)
def test_a_tolerance_for_no_output_is_an_error(pattern: str) -> None:
    """Limits that nothing is held against are never ignored in silence, and the nearest output is suggested."""
    tolerances = [Tolerance(tensors=pattern, max_abs=1.0), *ANYTHING]
    outputs = {"boxes": np.ones(1), "scores": np.ones(1)}
    with pytest.raises(ConfigurationError, match=r"applies to nothing: .* is no output of the graph.* 'boxes'"):
        judge_outputs(outputs, outputs, tolerances)


def test_a_name_with_brackets_is_a_name() -> None:
    """What reads as a pattern in a shell is first of all the name of an output."""
    outputs = {"out[0]": np.ones(1)}
    assert judge_outputs(outputs, outputs, [Tolerance(tensors="out[0]", max_abs=1.0)])[0].passed


def test_no_outputs_at_all_is_an_error() -> None:
    """Nothing to compare is not a pass."""
    with pytest.raises(RunFailed, match="no outputs"):
        judge_outputs({}, {}, ANYTHING)
