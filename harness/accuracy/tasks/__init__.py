"""Task accuracy: what an engine's errors mean on labelled data, sample by sample."""

from __future__ import annotations

from harness.accuracy.tasks.boxes import detections, overlaps, suppress
from harness.accuracy.tasks.classification import (
    Confusion,
    TaskResult,
    confusion_matrix,
    correct_top1,
    correct_top_k,
    judge_classification,
    macro_f1,
    top1,
)
from harness.accuracy.tasks.detection import ClassMatches, average_precision, judge_detection, match_detections
from harness.accuracy.tasks.embedding import cosines, judge_embedding, retrieved
from harness.accuracy.tasks.judge import judge_task, predict
from harness.accuracy.tasks.paired import (
    Flips,
    Interval,
    mcnemar_exact,
    paired_bootstrap,
    paired_flips,
    share_kept,
)
from harness.accuracy.tasks.scores import ScoreResult, judge_score
from harness.accuracy.tasks.segmentation import judge_segmentation, mean_iou, pixel_counts
from harness.accuracy.tasks.sequences import Spans, bio_spans, entity_f1, judge_sequences, sequence_counts

__all__ = [
    "ClassMatches", "Confusion", "Flips", "Interval", "ScoreResult", "Spans", "TaskResult", "average_precision",
    "bio_spans", "confusion_matrix", "correct_top1", "correct_top_k", "cosines", "detections", "entity_f1",
    "judge_classification", "judge_detection", "judge_embedding", "judge_score", "judge_segmentation",
    "judge_sequences", "judge_task", "macro_f1", "match_detections", "mcnemar_exact", "mean_iou", "overlaps",
    "paired_bootstrap", "paired_flips", "pixel_counts", "predict", "retrieved", "sequence_counts", "share_kept",
    "suppress", "top1",
]  # fmt: skip
