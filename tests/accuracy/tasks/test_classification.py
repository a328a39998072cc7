from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.accuracy import (
    Flips,
    correct_top1,
    judge_classification,
    mcnemar_exact,
    paired_flips,
    share_kept,
    top1,
)
from harness.accuracy.tasks import confusion_matrix, correct_top_k, macro_f1
from harness.errors import ConfigurationError, RunFailed

NAN = math.nan


def scores_for(predicted: list[int], classes: int = 3) -> np.ndarray:
    """Make scores whose highest is at the given classes."""
    return np.eye(classes, dtype=np.float32)[predicted]


def test_top1_is_the_share_of_labels_with_the_highest_score() -> None:
    """Two of three right is two thirds."""
    assert top1(scores_for([0, 1, 2]), np.array([0, 1, 1])) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("row", "label", "correct"),
    [
        pytest.param([1.0, 1.0, 0.0], 0, True, id="the first of equal scores wins"),
        pytest.param([1.0, 1.0, 0.0], 1, False, id="the second of equal scores loses"),
        pytest.param([NAN, 0.0, 0.0], 0, False, id="a NaN at the label is wrong"),
        pytest.param([0.0, 1.0, NAN], 1, False, id="a NaN elsewhere is wrong too"),
        pytest.param([NAN, NAN, NAN], 0, False, id="all NaN is wrong"),
        pytest.param([0.0, -math.inf, math.inf], 2, True, id="infinite scores can be compared"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_ties_and_nan_have_one_meaning(dtype: type, row: list[float], label: int, *, correct: bool) -> None:
    """Equal scores go to the first class, and a sample with NaN counts as wrong."""
    assert correct_top1(np.array([row], dtype), np.array([label])).tolist() == [correct]


@pytest.mark.parametrize(
    ("scores", "labels", "error", "words"),
    [
        pytest.param(np.ones(3), np.zeros(3, int), RunFailed, r"\[3\]", id="scores without classes"),
        pytest.param(np.ones((2, 3)), np.zeros(3, int), RunFailed, r"\[2, 3\]", id="fewer scores than labels"),
        pytest.param(np.ones((1, 0)), np.zeros(1, int), RunFailed, r"\[1, 0\]", id="no classes"),
        pytest.param(np.ones((0, 3)), np.zeros(0, int), ConfigurationError, "at least one", id="no samples"),
        pytest.param(np.ones((1, 3)), np.zeros(1), ConfigurationError, "float64", id="labels that are not whole"),
        pytest.param(np.ones((1, 3)), np.array([3]), ConfigurationError, "label 3", id="a label beyond the classes"),
        pytest.param(np.ones((1, 3)), np.array([-1]), ConfigurationError, "label -1", id="a negative label"),
    ],
)
def test_scores_and_labels_that_do_not_fit_are_refused(
    scores: np.ndarray, labels: np.ndarray, error: type[Exception], words: str
) -> None:
    """What cannot be an accuracy is an error that says what does not fit."""
    with pytest.raises(error, match=words):
        correct_top1(scores, labels)


def test_flips_are_counted_by_direction() -> None:
    """Samples that became right and those that became wrong are counted apart."""
    now, before = np.array([True, True, False, False, True]), np.array([True, False, True, True, True])
    assert paired_flips(now, before) == Flips(gained=1, lost=2)


def test_flips_need_the_same_samples() -> None:
    """Sets of different size cannot be paired."""
    with pytest.raises(RunFailed, match="3 samples cannot be paired with 4"):
        paired_flips(np.ones(3, bool), np.ones(4, bool))


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        pytest.param(0, 0, 1.0, id="no flips"),
        pytest.param(5, 5, 1.0, id="balanced"),
        pytest.param(0, 1, 1.0, id="a single flip"),
        pytest.param(0, 6, 2 / 64, id="six to none"),
        pytest.param(8, 2, 2 * (1 + 10 + 45) / 1024, id="eight to two"),
        pytest.param(0, 2000, 0.0, id="too small for a float"),
    ],
)
def test_mcnemar_has_its_known_values(gained: int, lost: int, p: float) -> None:
    """The p-value is twice the binomial tail, at most 1, the same in both directions."""
    assert mcnemar_exact(gained, lost) == pytest.approx(p, rel=1e-12)
    assert mcnemar_exact(lost, gained) == mcnemar_exact(gained, lost)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_two_sided_binomial_test(gained: int, lost: int) -> None:
    """The p-value is that of a fair coin, as scipy computes it."""
    if gained + lost:
        expected = binomtest(gained, gained + lost, 0.5).pvalue
        assert mcnemar_exact(gained, lost) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_refuses_negative_counts() -> None:
    """Counts are not negative."""
    with pytest.raises(ValueError, match="lost=-1"):
        mcnemar_exact(1, -1)


def test_of_nothing_no_share_is_kept() -> None:
    """The share of a reference of zero is NaN, which passes nowhere."""
    assert share_kept(0.9, 1.0) == 0.9
    assert math.isnan(share_kept(0.5, 0.0))


@pytest.mark.parametrize(
    ("right", "passed"),
    [(100, True), (99, True), (98, False)],
    ids=["everything kept", "exactly the limit kept", "one sample too few"],
)
def test_a_precision_must_keep_its_share_of_the_reference(right: int, *, passed: bool) -> None:
    """The limit itself passes, without rounding, and below it nothing does."""
    labels = np.zeros(200, int)
    result = judge_classification(
        scores_for([0] * right + [1] * (200 - right)), scores_for([0] * 100 + [1] * 100), labels
    )
    assert result.passed is passed
    assert (result.samples, result.reference_top1, result.top1) == (200, 0.5, right / 200)


def test_the_sentence_has_every_number() -> None:
    """Accuracies, samples, share, limit, flips and p can be read from one sentence."""
    labels = np.zeros(10, int)
    result = judge_classification(scores_for([1] * 6 + [0] * 4), scores_for([0] * 9 + [1]), labels)
    assert (result.gained, result.lost, result.p) == (1, 6, mcnemar_exact(1, 6))
    assert result.sentence == (
        "top-1 40.00% against 90.00% of the reference on 10 samples: 44.444% kept < 0.99; "
        "1 gained, 6 lost (exact McNemar p = 0.12); 0 taken for 1 6 times instead of 1"
    )


def test_an_engine_that_returns_nan_keeps_nothing() -> None:
    """NaN scores are all wrong, though argmax would have put them at class 0."""
    result = judge_classification(np.full((4, 3), NAN), scores_for([0] * 4), np.zeros(4, int))
    assert (result.top1, result.kept, result.passed) == (0.0, 0.0, False)


def test_a_reference_that_is_always_wrong_lets_nothing_pass() -> None:
    """Where there is no accuracy to keep, there is no pass."""
    result = judge_classification(scores_for([0, 0]), scores_for([1, 1]), np.zeros(2, int))
    assert not result.passed
    assert "there is nothing to keep" in result.sentence


@pytest.mark.parametrize("kept", [0.0, 1.1, NAN])
def test_the_share_to_keep_must_be_a_share(kept: float) -> None:
    """A limit that nothing could break, or nothing could keep, is refused by its value."""
    with pytest.raises(ConfigurationError, match=repr(kept)):
        judge_classification(scores_for([0]), scores_for([0]), np.array([0]), kept=kept)


@pytest.mark.parametrize("seed", range(5))
def test_the_other_scores_are_scikit_learns(seed: int) -> None:
    """On random scores top-5 accuracy, macro F1 and the confusion matrix are scikit-learn's, and all are recorded."""
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(seed)
    scores, labels = generator.normal(size=(300, 12)), generator.integers(0, 10, size=300)
    scores[np.arange(300), labels] += 1.0
    scores[:, 11] = -9.0  # a class that is neither labelled nor predicted
    told = scores.argmax(axis=1)
    expected = {
        "top1": metrics.accuracy_score(labels, told),
        "top5": metrics.top_k_accuracy_score(labels, scores, k=5, labels=range(12)),
        "macro_f1": metrics.f1_score(labels, told, average="macro"),
    }
    assert judge_classification(scores, scores, labels).metrics == pytest.approx(expected, abs=1e-9)
    assert (confusion_matrix(scores, labels) == metrics.confusion_matrix(labels, told, labels=range(12))).all()


def test_five_classes_have_no_top_five() -> None:
    """Where every class is among the first five, that share says nothing and is not recorded."""
    result = judge_classification(scores_for([0], 5), scores_for([0], 5), np.array([0]))
    assert result.metrics == {"top1": 1.0, "macro_f1": 1.0}


def test_equal_scores_are_ranked_by_class() -> None:
    """Of equal scores the first classes are among the k highest."""
    assert correct_top_k(np.zeros((4, 4)), np.arange(4), 2).tolist() == [True, True, False, False]


def test_a_sample_of_nan_is_taken_for_nothing() -> None:
    """NaN takes from the F1 of its own class and from no other's."""
    scores = scores_for([0, 0, 1])
    scores[1] = NAN
    labels = np.array([0, 0, 1])
    assert confusion_matrix(scores, labels).sum() == 2
    assert macro_f1(scores, labels) == pytest.approx((2 / 3 + 1) / 2)


def test_the_worst_confusions_come_first() -> None:
    """Pairs of classes are told by how much more often than by the reference they are confused."""
    labels = np.array([0] * 5 + [1] * 5)
    result = judge_classification(
        scores_for([2, 2, 2, 0, 0, 0, 1, 1, 1, 1]), scores_for([2, 0, 0, 0, 0, 0, 0, 1, 1, 1]), labels
    )
    assert result.confusions == ((0, 2, 3, 1),)


def test_a_reference_of_other_classes_is_refused() -> None:
    """An engine and its reference tell the same classes apart."""
    with pytest.raises(RunFailed, match=r"3 classes .* 4 of the reference"):
        judge_classification(scores_for([0]), scores_for([0], 4), np.array([0]))
