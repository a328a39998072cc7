from __future__ import annotations

import numpy as np
import pytest

from harness.accuracy.tasks.segmentation import judge_segmentation, mean_iou, pixel_counts
from harness.errors import ConfigurationError, RunFailed

CLASSES = 6


def score_of(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean IoU of six classes, every sample counted once."""
    return float(mean_iou(pixel_counts(predicted, labels, CLASSES), np.ones((1, len(labels))))[0])


@pytest.mark.parametrize("seed", range(5))
def test_mean_iou_is_scikit_learns(seed: int) -> None:
    """On random pixels the score is the macro average of scikit-learn's Jaccard index over classes that are there."""
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES - 1, size=(7, 9, 8))
    predicted = np.where(generator.random(labels.shape) < 0.6, labels, generator.integers(0, CLASSES - 1, labels.shape))
    labels[generator.random(labels.shape) < 0.1] = 255
    kept = labels != 255
    expected = metrics.jaccard_score(labels[kept], predicted[kept], average="macro")
    assert score_of(predicted, labels) == pytest.approx(expected, abs=1e-9)


def test_a_pixel_that_is_no_class_is_wrong() -> None:
    """What was predicted from NaN takes from its own class, and gives to none."""
    labels = np.array([[[0, 0, 1, 1]]])
    assert score_of(np.array([[[0, -1, 1, 1]]]), labels) == (0.5 + 1) / 2


def test_ignored_pixels_do_not_count() -> None:
    """Labels of 255 and negative ones are scored nowhere."""
    assert score_of(np.array([[[0, 3, 4]]]), np.array([[[0, 255, -1]]])) == 1.0


def test_a_segmentation_must_keep_its_share() -> None:
    """A lost class fails, with its interval."""
    labels = np.tile([[[0, 1]]], (10, 1, 1))
    result = judge_segmentation(np.zeros_like(labels), labels, labels, classes=2)
    assert (result.score, result.reference_score, result.passed) == (0.25, 1.0, False)
    assert result.interval == (-0.75, -0.75)
    assert result.metrics == {"mean_iou": 0.25}


@pytest.mark.parametrize(
    ("predicted", "labels", "error", "words"),
    [
        pytest.param((1, 2, 3), np.zeros((1, 2, 2), int), RunFailed, r"\[1, 2, 3\]", id="pixels too many"),
        pytest.param((1, 2, 2), np.zeros((1, 2, 2)), ConfigurationError, "float64", id="labels that are not whole"),
        pytest.param((1, 2, 2), np.full((1, 2, 2), 6), ConfigurationError, "label 6 .* 6 classes", id="no such class"),
        pytest.param((1, 2, 2), np.full((1, 2, 2), 255), ConfigurationError, "nothing to score", id="all ignored"),
    ],
)
def test_shapes_and_labels_are_checked(predicted: tuple[int, ...], labels: np.ndarray, error: type, words: str) -> None:
    """What has not its shape or names no class is refused by its value."""
    with pytest.raises(error, match=words):
        pixel_counts(np.zeros(predicted, int), labels, CLASSES)
