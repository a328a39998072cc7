"""Arrays in, judgements out: how far an engine is from its reference, and whether that is too far."""

from __future__ import annotations

from harness.accuracy.invariance import (
    INVARIANCE_LIMITS,
    InvarianceError,
    InvarianceJudgement,
    compare_rows,
    judge_invariance,
)
from harness.accuracy.judge import BrokenLimit, Judgement, OutputJudgement, judge_outputs, judge_tensor
from harness.accuracy.layers import LayerError, LayerJudgement, LayerReport, judge_layers
from harness.accuracy.metrics import TensorComparison, compare_tensors
from harness.accuracy.tasks import (
    Flips,
    ScoreResult,
    TaskResult,
    correct_top1,
    judge_classification,
    judge_task,
    mcnemar_exact,
    paired_bootstrap,
    paired_flips,
    predict,
    share_kept,
    top1,
)
from harness.accuracy.tensor_error import TensorError

__all__ = [
    "INVARIANCE_LIMITS", "BrokenLimit", "Flips", "InvarianceError", "InvarianceJudgement", "Judgement", "LayerError",
    "LayerJudgement", "LayerReport", "OutputJudgement", "ScoreResult", "TaskResult", "TensorComparison", "TensorError",
    "compare_rows", "compare_tensors", "correct_top1", "judge_classification", "judge_invariance", "judge_layers",
    "judge_outputs", "judge_task", "judge_tensor", "mcnemar_exact", "paired_bootstrap", "paired_flips", "predict",
    "share_kept", "top1",
]  # fmt: skip
