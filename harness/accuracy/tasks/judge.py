"""From a task and the outputs of a graph to a judgement, whatever the kind of task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.accuracy.tasks.boxes import detections
from harness.accuracy.tasks.classification import TaskResult, judge_classification
from harness.accuracy.tasks.detection import judge_detection
from harness.accuracy.tasks.embedding import judge_embedding
from harness.accuracy.tasks.segmentation import judge_segmentation
from harness.accuracy.tasks.sequences import judge_sequences
from harness.cases import Classification, Detection, Embedding, Segmentation, SequenceLabelling, Task
from harness.errors import ConfigurationError, RunFailed, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.accuracy.tasks.scores import ScoreResult


def predict(task: Task, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Reduce the outputs of one run to what the task judges, as small as it can be.

    Args:
        task: says which outputs are read, and how.
        outputs: by name; the first dimension is the sample.

    Returns:
        Classification: the scores. Detection: float64 [batch, 100, 6], see ``boxes.detections``. Segmentation: classes
        int32 [batch, height, width], and sequence labelling: tags int32 [batch, tokens], -1 where a score is NaN.
        Embedding: the vectors.

    Raises:
        RunFailed: the graph has no such output, or it is not of its shape.
    """
    for name in task.outputs:
        if name not in outputs:
            raise RunFailed(unknown_value("output of the graph", name, outputs))
    first = np.asarray(outputs[task.outputs[0]])
    if isinstance(task, Detection):
        return _detections(task, first, outputs)
    if isinstance(task, Segmentation):
        return _places(task.output, first, axis=1, dimensions=4, size=task.classes)
    if isinstance(task, SequenceLabelling):
        return _places(task.output, first, axis=2, dimensions=3, size=len(task.tags))
    return first


def judge_task(
    task: Task, predictions: np.ndarray, reference_predictions: np.ndarray, labels: np.ndarray
) -> TaskResult | ScoreResult:
    """Compare an engine with its reference on a labelled set.

    Args:
        task: what is asked.
        predictions: of the engine, as ``predict`` returned them, of all samples.
        reference_predictions: of the FP32 graph.
        labels: see the kind of task.

    Raises:
        RunFailed: predictions are not of their shape.
        ConfigurationError: labels are not of theirs, or the task is of no known kind.
    """
    pair = predictions, reference_predictions, labels
    if isinstance(task, Classification):
        return judge_classification(*pair, kept=task.kept)
    if isinstance(task, Detection):
        return judge_detection(*pair, kept=task.kept)
    if isinstance(task, Segmentation):
        return judge_segmentation(*pair, classes=task.classes, ignored=task.ignored, kept=task.kept)
    if isinstance(task, Embedding):
        return judge_embedding(*pair, k=task.k, kept=task.kept)
    if isinstance(task, SequenceLabelling):
        return judge_sequences(*pair, tags=task.tags, kept=task.kept)
    raise ConfigurationError(f"{type(task).__name__} is no kind of task that can be judged")


def _detections(task: Detection, boxes: np.ndarray, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    scores = np.asarray(outputs[task.scores])
    classes = None if task.classes is None else np.asarray(outputs[task.classes])
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise RunFailed(f"output {task.boxes!r} of shape {list(boxes.shape)} is not [batch, candidates, 4]")
    expected = "[batch, candidates, classes]" if classes is None else "[batch, candidates]"
    for name, array in ((task.scores, scores), (task.classes, classes)):
        if array is not None and (array.shape[:2] != boxes.shape[:2] or array.ndim != expected.count(",") + 1):
            raise RunFailed(
                f"output {name!r} of shape {list(array.shape)} is not {expected} beside boxes {list(boxes.shape)}"
            )
    return detections(boxes, scores, classes, least_score=task.least_score, suppression=task.suppression)


def _places(name: str, output: np.ndarray, *, axis: int, dimensions: int, size: int) -> np.ndarray:
    """Return the place of the highest score along ``axis``; what has one dimension less holds places already."""
    if output.ndim == dimensions - 1 and output.dtype.kind in "iu":
        return output.astype(np.int32)
    if output.ndim != dimensions or output.shape[axis] != size:
        raise RunFailed(
            f"output {name!r} is {output.dtype}{list(output.shape)}: neither scores of {dimensions} dimensions, {size} "
            f"of them along axis {axis}, nor whole numbers of {dimensions - 1} dimensions"
        )
    wide = output.astype(np.float64)
    return np.where(np.isnan(wide).any(axis=axis), -1, wide.argmax(axis=axis)).astype(np.int32)
