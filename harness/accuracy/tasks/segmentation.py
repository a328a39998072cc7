"""Segmentation: the mean intersection over union of the classes."""

from __future__ import annotations

import math

import numpy as np

from harness.accuracy.tasks.labels import checked_labels
from harness.accuracy.tasks.scores import ScoreResult, judge_score, ratio
from harness.errors import ConfigurationError


def pixel_counts(predicted: np.ndarray, labels: np.ndarray, classes: int, *, ignored: int = 255) -> np.ndarray:
    """Count the pixels of each class in each sample: int64 [3, samples, classes], shared, labelled and predicted.

    Args:
        predicted: whole numbers [samples, height, width]; what is no class is right nowhere.
        labels: likewise; negative ones and ``ignored`` are not counted, whatever is predicted there.
        classes: how many there are.
        ignored: a label that is no class.

    Raises:
        RunFailed: the prediction is not of the labels' shape.
        ConfigurationError: the labels are not whole numbers of that shape, hold one that is no class, or nothing else.
    """
    predicted, labels = checked_labels(predicted, labels, of="pixels", axes=("samples", "height", "width"))
    counted = (labels >= 0) & (labels != ignored)
    if not counted.any():
        raise ConfigurationError(f"every label is negative or {ignored!r} (ignored), so there is nothing to score")
    outside = labels[counted & (labels >= classes)]
    if outside.size:
        raise ConfigurationError(
            f"label {int(outside[0])} is not one of the {classes} classes, nor {ignored!r} (ignored)"
        )

    def count(values: np.ndarray, where: np.ndarray) -> np.ndarray:
        samples = np.broadcast_to(np.arange(len(values))[:, None, None], values.shape)
        cells = samples[where] * classes + values[where]
        return np.bincount(cells, minlength=len(values) * classes).reshape(len(values), classes)

    told = counted & (predicted >= 0) & (predicted < classes)
    return np.stack([count(labels, told & (predicted == labels)), count(labels, counted), count(predicted, told)])


def mean_iou(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean IoU under each weighting of the samples: float64 [weightings].

    Pixels are summed over samples first, as in PASCAL VOC (M. Everingham et al., IJCV 88 (2010) 303); classes that are
    neither labelled nor predicted are left out. NaN where nothing is left.

    Args:
        counts: as ``pixel_counts`` returned them.
        weights: float64 [weightings, samples].
    """
    shared, labelled, predicted = (weights @ part for part in counts)
    union = labelled + predicted - shared
    present = np.count_nonzero(union, axis=1)
    return ratio(ratio(shared, union, otherwise=0.0).sum(axis=1), present, otherwise=math.nan)


def judge_segmentation(
    predicted: np.ndarray,
    reference_predicted: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    ignored: int = 255,
    kept: float = 0.99,
) -> ScoreResult:
    """Compare a segmentation with that of its reference on the same labelled samples, by mean IoU.

    Args:
        predicted: of the engine; see ``pixel_counts``, also for what is raised.
        reference_predicted: of the FP32 graph.
        labels: see ``pixel_counts``.
        classes: how many there are.
        ignored: a label that is no class.
        kept: the smallest share of the reference's mean IoU that passes, in (0, 1].
    """
    own = pixel_counts(predicted, labels, classes, ignored=ignored)
    reference = pixel_counts(reference_predicted, labels, classes, ignored=ignored)
    return judge_score(
        "mean IoU",
        lambda weights: mean_iou(own, weights),
        lambda weights: mean_iou(reference, weights),
        len(labels),
        kept=kept,
        metrics={"mean_iou": float(mean_iou(own, np.ones((1, len(labels))))[0])},
    )
