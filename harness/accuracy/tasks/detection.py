"""Detection: COCO's average precision.

The definition is that of pycocotools (``cocoeval.py``; T.-Y. Lin et al., Microsoft COCO, ECCV 2014) for boxes of every
area, without crowds and with at most 100 detections of each class in an image: detections in the order of their scores
each take the unmatched object that they overlap most; precision, made monotone, is read at 101 recalls and averaged
over these, over IoU thresholds and over the classes that have objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.accuracy.tasks.boxes import CLASS, COLUMNS, MOST_DETECTIONS, SCORE, overlaps
from harness.accuracy.tasks.scores import ScoreResult, judge_score
from harness.errors import ConfigurationError, RunFailed

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
_LABEL_COLUMNS = 5
# pycocotools lets an overlap of all but 1 count as 1.
_LARGEST_THRESHOLD = 1 - 1e-10


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """The detections of one class in all samples, the best first, and which of them are right.

    Attributes:
        sample: int64 [detections], the sample that each is in.
        right: bool [thresholds, detections].
        objects: int64 [samples], how many there are to be found.
    """

    sample: np.ndarray
    right: np.ndarray
    objects: np.ndarray


def match_detections(detections: np.ndarray, labels: np.ndarray) -> tuple[ClassMatches, ...]:
    """Match detections with labelled objects at ``IOU_THRESHOLDS``, for each class that has objects.

    Args:
        detections: left, top, right, bottom, score, class: [samples, detections, 6]; a negative class is no detection.
        labels: left, top, right, bottom, class: [samples, objects, 5]; a negative class is no object.

    Raises:
        RunFailed: the detections are not of that shape.
        ConfigurationError: the labels are not, or there is no object.
    """
    detections, labels = np.asarray(detections, np.float64), np.asarray(labels, np.float64)
    if labels.ndim != 3 or labels.shape[2] != _LABEL_COLUMNS:
        raise ConfigurationError(
            f"labels of boxes are left, top, right, bottom, class: [samples, objects, 5], not {list(labels.shape)}"
        )
    if detections.ndim != 3 or detections.shape[2] != COLUMNS or len(detections) != len(labels):
        raise RunFailed(f"detections of shape {list(detections.shape)} are not [{len(labels)} samples, detections, 6]")
    classes = np.unique(labels[..., -1])
    classes = classes[classes >= 0]
    if not classes.size:
        raise ConfigurationError("the labels hold no object of a class of 0 or more, so there is nothing to detect")
    return tuple(_match_class(detections, labels, number) for number in classes)


def average_precision(matches: tuple[ClassMatches, ...], weights: np.ndarray) -> np.ndarray:
    """Return the average precision at each threshold: float64 [weightings, thresholds].

    A sample of weight 2 counts as if it were there twice. NaN where no weighted sample has an object.

    Args:
        matches: as ``match_detections`` returned them.
        weights: float64 [weightings, samples], not negative.
    """
    total = np.zeros((len(weights), len(IOU_THRESHOLDS)))
    classes = np.zeros((len(weights), 1))
    for match in matches:
        objects = weights @ match.objects
        there = objects > 0
        classes[there] += 1
        if not match.sample.size:
            continue
        weight = weights[there][:, match.sample]
        found = np.cumsum(weight, axis=1)
        for threshold, right in enumerate(match.right):
            # Recall rises, and precision has its maxima, at right detections only: the others need no column.
            hits = np.cumsum(weight[:, right], axis=1)
            precision = hits / (found[:, right] + np.spacing(1.0))
            total[there, threshold] += _interpolated(hits / objects[there, None], precision)
    return np.asarray(np.divide(total, classes, out=np.full(total.shape, np.nan), where=classes > 0))


def judge_detection(
    detections: np.ndarray, reference_detections: np.ndarray, labels: np.ndarray, *, kept: float = 0.99
) -> ScoreResult:
    """Compare a detector with its reference on the same labelled images, by AP over IoU 0.5 to 0.95.

    Args:
        detections: of the engine; see ``match_detections``.
        reference_detections: of the FP32 graph.
        labels: see ``match_detections``.
        kept: the smallest share of the reference's average precision that passes.

    Raises:
        RunFailed: detections are not of their shape.
        ConfigurationError: labels are not of theirs or hold no object, or ``kept`` is not in (0, 1].
    """
    own, reference = match_detections(detections, labels), match_detections(reference_detections, labels)
    precision = average_precision(own, np.ones((1, len(labels))))[0]
    return judge_score(
        "AP at IoU 0.5:0.95",
        lambda weights: average_precision(own, weights).mean(axis=1),
        lambda weights: average_precision(reference, weights).mean(axis=1),
        len(labels),
        kept=kept,
        metrics={"box_ap": float(precision.mean()), "box_ap50": float(precision[0])},
    )


def _match_class(detections: np.ndarray, labels: np.ndarray, number: float) -> ClassMatches:
    found = (detections[..., CLASS] == number) & ~np.isnan(detections[..., SCORE])
    sought = labels[..., -1] == number
    samples, rights, scores = [], [], []
    for sample in np.flatnonzero(found.any(axis=1)):
        mine = detections[sample, found[sample]]
        mine = mine[np.argsort(-mine[:, SCORE], kind="stable")[:MOST_DETECTIONS]]
        # A box with one side turned round has an area below 0, outside COCO's range of all areas: it counts as nothing.
        mine = mine[~((mine[:, 2:4] - mine[:, :2]).prod(axis=1) < 0)]
        samples.append(np.full(len(mine), sample))
        scores.append(mine[:, SCORE])
        rights.append(_match(overlaps(mine[:, :4], labels[sample, sought[sample], :4])))
    objects = np.count_nonzero(sought, axis=1)
    if not samples:
        return ClassMatches(np.zeros(0, np.int64), np.zeros((len(IOU_THRESHOLDS), 0), bool), objects)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return ClassMatches(np.concatenate(samples)[order], np.concatenate(rights, axis=1)[:, order], objects)


def _match(overlap: np.ndarray) -> np.ndarray:
    """Match detections (rows, the best first) with objects (columns): bool [thresholds, detections]."""
    thresholds = np.minimum(IOU_THRESHOLDS, _LARGEST_THRESHOLD)
    right = np.zeros((len(thresholds), len(overlap)), bool)
    if not overlap.size:
        return right
    free = np.ones((len(thresholds), overlap.shape[1]), bool)
    for detection in np.flatnonzero(overlap.max(axis=1) >= thresholds[0]):
        left = np.where(free, overlap[detection], -1.0)
        # Of equally good objects pycocotools takes the last.
        best = left.shape[1] - 1 - left[:, ::-1].argmax(axis=1)
        rows = np.flatnonzero(left[np.arange(len(left)), best] >= thresholds)
        right[rows, detection] = True
        free[rows, best[rows]] = False
    return right


def _interpolated(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return the mean over ``RECALLS`` of the best precision at that recall or more: [weightings]."""
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    # What is never reached has precision 0, which is appended at the place that searchsorted then gives.
    best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)
    places = np.array([np.searchsorted(row, RECALLS, side="left") for row in recall]).reshape(len(best), -1)
    return np.asarray(np.take_along_axis(best, places, axis=1).mean(axis=1))
