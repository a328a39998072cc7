"""Boxes: their overlap, and what a detector's raw candidates come to."""

from __future__ import annotations

import numpy as np

# Columns of a detection: left, top, right, bottom, score, class. A row of class -1 is none.
SCORE, CLASS = 4, 5
COLUMNS = 6
# COCO's maxDets: more detections of an image do not count.
MOST_DETECTIONS = 100
# How many pairs of candidate and class of an image reach non-maximum suppression, whose cost is their number squared.
_MOST_CANDIDATES = 1000


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union of every two boxes, float64 [boxes, others]; 0 where they do not overlap.

    Args:
        boxes: left, top, right, bottom, [boxes, 4].
        others: likewise.
    """
    first, second = np.asarray(boxes, np.float64)[:, None], np.asarray(others, np.float64)[None]
    sides = np.minimum(first[..., 2:4], second[..., 2:4]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.where((sides > 0).all(axis=-1), sides.prod(axis=-1), 0.0)
    union = (first[..., 2:4] - first[..., :2]).prod(axis=-1) + (second[..., 2:4] - second[..., :2]).prod(axis=-1)
    result = np.zeros(shared.shape)
    np.divide(shared, union - shared, out=result, where=shared > 0)
    return result


def suppress(boxes: np.ndarray, classes: np.ndarray, limit: float, most: int) -> np.ndarray:
    """Return which boxes greedy non-maximum suppression keeps: places, int64, in the order of the boxes.

    Args:
        boxes: [boxes, 4], the best first.
        classes: [boxes]; only boxes of one class suppress each other.
        limit: the overlap above which the later of two is dropped.
        most: how many are kept at most.
    """
    rivals = (overlaps(boxes, boxes) > limit) & (classes[:, None] == classes[None])
    alive = np.ones(len(boxes), bool)
    kept: list[int] = []
    for place in range(len(boxes)):
        if alive[place]:
            kept.append(place)
            alive &= ~rivals[place]
        if len(kept) == most:
            break
    return np.array(kept, np.int64)


def detections(
    boxes: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray | None,
    *,
    least_score: float,
    suppression: float | None,
) -> np.ndarray:
    """Return the best detections of each image: float64 [images, 100, 6], the best first, rows of class -1 last.

    Every candidate stands for each of its classes that scores enough, as in the evaluation of YOLOv5. A candidate that
    is not finite detects nothing.

    Args:
        boxes: left, top, right, bottom, [images, candidates, 4].
        scores: [images, candidates, classes], or [images, candidates] beside ``classes``.
        classes: [images, candidates], negative where there is no box; None if ``scores`` has a column for each.
        least_score: candidates below it are dropped.
        suppression: the limit of ``suppress``; None for none.
    """
    columns = scores.astype(np.float64)
    columns = columns if classes is None else columns[..., None]
    result = np.zeros((len(boxes), MOST_DETECTIONS, COLUMNS))
    result[..., CLASS] = -1
    for image, (corners, columns_of_image) in enumerate(zip(boxes.astype(np.float64), columns, strict=True)):
        finite = np.isfinite(corners).all(axis=1)[:, None] & np.isfinite(columns_of_image)
        candidate, column = np.nonzero(finite & (columns_of_image >= least_score))
        label = column if classes is None else classes[image][candidate].astype(np.int64)
        score = columns_of_image[candidate, column]
        best = np.argsort(-score, kind="stable")
        best = best[label[best] >= 0][:_MOST_CANDIDATES]
        if suppression is not None:
            best = best[suppress(corners[candidate[best]], label[best], suppression, MOST_DETECTIONS)]
        best = best[:MOST_DETECTIONS]
        result[image, : len(best)] = np.column_stack([corners[candidate[best]], score[best], label[best]])
    return result
