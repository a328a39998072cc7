"""What is tested: frozen records, without input or output."""

from __future__ import annotations

from harness.cases.calibration import Calibration
from harness.cases.case import Case, expand
from harness.cases.feed import Feed, Integers, Normal, Uniform, make_inputs
from harness.cases.invariance import INVARIANCES, Padding
from harness.cases.metric import METRICS, Metric, metric_named
from harness.cases.model import Model
from harness.cases.precision import BF16, FP16, FP32, INT8, RECIPES, TF32, Precision
from harness.cases.profile import AxisRange, Point, Profile, TensorSpec, specs_from_json, specs_to_json
from harness.cases.task import (
    Classification,
    Detection,
    Embedding,
    Segmentation,
    SequenceLabelling,
    Task,
    task_from_json,
)
from harness.cases.tolerance import Tolerance, tolerance_for

__all__ = [
    "BF16", "FP16", "FP32", "INT8", "INVARIANCES", "METRICS", "RECIPES", "TF32", "AxisRange", "Calibration", "Case",
    "Classification", "Detection", "Embedding", "Feed", "Integers", "Metric", "Model", "Normal", "Padding", "Point",
    "Precision", "Profile", "Segmentation", "SequenceLabelling", "Task", "TensorSpec", "Tolerance", "Uniform", "expand",
    "make_inputs", "metric_named", "specs_from_json", "specs_to_json", "task_from_json", "tolerance_for",
]  # fmt: skip
