from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy.tasks.boxes import detections, overlaps, suppress
from harness.accuracy.tasks.detection import average_precision, judge_detection, match_detections
from harness.errors import ConfigurationError, RunFailed
from tests.accuracy.tasks.others import SEEDS, ask_pycocotools, recorded
from tests.accuracy.tasks.randoms import boxes

SQUARE = [0.0, 0.0, 10.0, 10.0]


def precision_of(found: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the average precision at each threshold, every sample counted once."""
    return average_precision(match_detections(found, labels), np.ones((1, len(labels))))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_is_what_pycocotools_said(seed: int) -> None:
    """Random boxes with ties, near misses and over a hundred detections get pycocotools' numbers, at each threshold."""
    assert precision_of(*boxes(seed)) == pytest.approx(recorded()["coco"][str(seed)], abs=1e-9)


def test_average_precision_is_what_pycocotools_says() -> None:
    """Where it is installed, pycocotools itself is asked about other boxes."""
    pytest.importorskip("pycocotools")
    for seed in range(100, 160):
        assert precision_of(*boxes(seed)) == pytest.approx(ask_pycocotools(*boxes(seed)), abs=1e-9)


def test_a_weight_is_a_repetition() -> None:
    """A sample of weight three counts as three copies of it, and one of weight 0 as none."""
    found, labels = boxes(1)
    found[..., 4] += np.arange(found[..., 4].size).reshape(found.shape[:2]) * 1e-6  # copies of one sample alone may tie
    weights = np.random.default_rng(2).integers(0, 4, size=(5, len(labels)))
    weighted = average_precision(match_detections(found, labels), weights.astype(float))
    for row, expected in zip(weights, weighted, strict=True):
        assert precision_of(np.repeat(found, row, axis=0), np.repeat(labels, row, axis=0)) == pytest.approx(expected)


def test_of_equally_good_objects_the_last_is_taken() -> None:
    """A detection half way between two objects takes the later one, as in pycocotools, and leaves none to the next."""
    labels = np.array([[[x, 0.0, x + 10, 10.0, 0.0] for x in (0, 2)]])
    found = np.array([[[1.0, 0.0, 11.0, 10.0, 0.9, 0.0], [3.0, 0.0, 13.0, 10.0, 0.8, 0.0]]])
    assert precision_of(found, labels)[5] == pytest.approx(51 / 101)


def test_what_is_perfect_has_a_precision_of_one_and_what_is_lost_none() -> None:
    """All objects found is 1, none is 0, and the share that is kept follows."""
    labels = np.array([[[*SQUARE, 0], [*SQUARE, 3]], [[*SQUARE, 3], [*SQUARE, -1]]])
    found = np.insert(labels, 4, 0.9, axis=2)
    nothing = np.full((2, 1, 6), -1.0)
    result = judge_detection(nothing, found, labels)
    assert (result.reference_score, result.score, result.kept, result.passed) == (1.0, 0.0, 0.0, False)
    assert result.interval == (-1.0, -1.0)
    assert judge_detection(found, found, labels).sentence == (
        "AP at IoU 0.5:0.95 100.00% against 100.00% of the reference on 2 samples: 100.000% kept >= 0.99; "
        "a difference of +0.00 points (paired bootstrap, 95%: +0.00 to +0.00)"
    )


@pytest.mark.parametrize(
    ("found", "labels", "error", "words"),
    [
        pytest.param((2, 3, 5), (2, 3, 5), RunFailed, r"\[2, 3, 5\]", id="detections without class"),
        pytest.param((1, 3, 6), (2, 3, 5), RunFailed, "2 samples", id="a sample too few"),
        pytest.param((2, 3, 6), (2, 3, 4), ConfigurationError, r"\[2, 3, 4\]", id="labels without class"),
    ],
)
def test_shapes_are_checked(found: tuple[int, ...], labels: tuple[int, ...], error: type, words: str) -> None:
    """What has not its shape is refused by the one that it has."""
    with pytest.raises(error, match=words):
        match_detections(np.zeros(found), np.zeros(labels))


def test_labels_without_objects_are_refused() -> None:
    """Where there is no object, there is no precision."""
    with pytest.raises(ConfigurationError, match="nothing to detect"):
        match_detections(np.zeros((1, 1, 6)), np.full((1, 2, 5), -1.0))


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        pytest.param(SQUARE, 1.0, id="the same"),
        pytest.param([5.0, 0.0, 15.0, 10.0], 50 / 150, id="half beside it"),
        pytest.param([10.0, 0.0, 20.0, 10.0], 0.0, id="touching"),
        pytest.param([20.0, 20.0, 30.0, 30.0], 0.0, id="apart in both directions"),
        pytest.param([5.0, 5.0, 5.0, 5.0], 0.0, id="a point"),
        pytest.param([math.nan, 0.0, 10.0, 10.0], 0.0, id="not a number"),
    ],
)
def test_overlap_is_intersection_over_union(other: list[float], overlap: float) -> None:
    """Overlaps have their values of the school book, in both orders."""
    assert overlaps(np.array([SQUARE]), np.array([other])) == pytest.approx(overlap)
    assert overlaps(np.array([other]), np.array([SQUARE])) == pytest.approx(overlap)


def test_suppression_is_greedy_and_within_a_class() -> None:
    """A box that is suppressed suppresses none itself, nor does one of another class."""
    row = np.array([[x, 0.0, x + 10, 10.0] for x in (0, 3, 6, 0)])
    assert suppress(row, np.array([0, 0, 0, 1]), 0.5, 100).tolist() == [0, 2, 3]
    assert suppress(row, np.array([0, 0, 0, 1]), 0.5, 2).tolist() == [0, 2]


def test_candidates_become_the_best_detections() -> None:
    """Scores over the least one stand for their class, the best first; NaN and infinite boxes detect nothing."""
    corners = np.array([[SQUARE, [20, 20, 30, 30], [math.inf, 0, 1, 1], [40, 40, 50, 50]]])
    scores = np.array([[[0.3, 0.8], [0.5, 0.0], [0.9, 0.9], [math.nan, 0.05]]])
    found = detections(corners, scores, None, least_score=0.1, suppression=0.5)
    assert found.shape == (1, 100, 6)
    assert found[0, :3, 4:].tolist() == [[0.8, 1], [0.5, 0], [0.3, 0]]
    assert (found[0, 3:, 5] == -1).all()


def test_a_graph_may_choose_the_classes() -> None:
    """Classes that are an output are taken as they are, and a negative one is no box."""
    corners = np.tile(SQUARE, (1, 3, 1))
    found = detections(corners, np.array([[0.5, 0.9, 0.7]]), np.array([[7, -1, 7]]), least_score=0.1, suppression=None)
    assert found[0, :3, 4:].tolist() == [[0.7, 7], [0.5, 7], [0, -1]]
