"""What each calibration method makes of one model: its outputs, its score, and where it clips what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.accuracy import TensorError, compare_tensors, judge_task
from harness.cases import Calibration
from harness.cases.calibration import MINMAX
from harness.graphs.clipping import with_clips
from harness.graphs.thresholds import MagnitudeHistogram, clip_by, share_clipped
from harness.sensitivity.subject import Subject, engine_of
from harness.workers.tasks import LABELS, read_labelled_set, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from harness.cases import Model, Precision, Task
    from harness.runtimes.base import Engine

    Arrays = dict[str, np.ndarray]

COMPARED = (MINMAX, "percentile-99.99", "percentile-99.999", "entropy", "mse")
# What inputs are made from where the model has no labelled set.
SEED = "calibration compared"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Where a method ends the range of one activation.

    Attributes:
        tensor: its name.
        range: largest magnitude that the calibration set reached, in the tensor's unit.
        threshold: where its range ends, in the tensor's unit: at most ``range``.
        share: of the calibration set's values, how many lie beyond the threshold, to the resolution of a bin.
    """

    tensor: str
    range: float
    threshold: float
    share: float


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """What one method makes of the model.

    Attributes:
        method: see harness.cases.Calibration.
        errors: by output, on inputs that the calibration set does not hold.
        metrics: score on the labelled set, by metric; empty where the model has none.
        clips: of every quantised activation, the one of which most is clipped first.
        clipped: share of all values of the calibration set that lie beyond their threshold.
        point: label of the point whose inputs the outputs were compared on; None where that was the first batch of the
            labelled set.
    """

    method: str
    errors: Mapping[str, TensorError]
    metrics: Mapping[str, float]
    clips: tuple[Clip, ...]
    clipped: float
    point: str | None

    @property
    def cosine(self) -> float:
        """The smallest cosine of an output."""
        return min(error.cosine for error in self.errors.values())

    @property
    def sqnr_db(self) -> float:
        """The smallest ratio of signal to error of an output, in dB."""
        return min(error.sqnr_db for error in self.errors.values())


def compare_methods(
    model: Model,
    precision: Precision,
    methods: Sequence[str],
    cache: Path,
    *,
    on_method: Callable[[str], None] = lambda _method: None,
) -> list[MethodResult]:
    """Quantise ``model`` once, end its ranges by each method in turn, and hold each graph against FP32.

    All runs are of onnxruntime's CPU provider. The outputs are compared on the first batch of the labelled set where
    the model has one, else on inputs of its feeds at the opt point of the first profile with its largest batch.

    Args:
        model: its graph, feeds, calibration set and task.
        precision: of recipe ``int8``: says which nodes stay in FP32.
        methods: see harness.cases.Calibration; its own method does not matter here.
        cache: the folder that graphs are kept in.
        on_method: told of each method before its turn.

    Raises:
        ConfigurationError: there is no such method, the labelled set cannot be used, or the cache cannot.
        UsageError: the model, its profile or its calibration set cannot be used; see ``prepare``.
        RuntimeFailure: onnxruntime cannot load or run the graph.
    """
    asked = [Calibration(method=method).method for method in dict.fromkeys(methods)]
    subject = Subject(replace(model, calibration=replace(model.calibration, method=MINMAX)), "int8", cache)
    labelled = read_labelled_set(model.task.source) if model.task else {}
    inputs, expected, scores = _reference(subject, model.task, labelled)
    folded, quantised = subject.folded_and_quantised(precision.keep_fp32)
    histograms = subject.histograms(folded, quantised)
    results = []
    for method in asked:
        on_method(method)
        thresholds = {tensor: clip_by(histogram, method) for tensor, histogram in histograms.items()}
        engine = engine_of(quantised if method == MINMAX else with_clips(folded, quantised, thresholds))
        actual = engine.run(inputs)
        metrics: Mapping[str, float] = {}
        if model.task is not None and scores is not None:
            ours = run_task(engine, labelled, model.task)
            metrics = judge_task(model.task, ours, scores, labelled[LABELS]).metrics
        results.append(
            MethodResult(
                method=method,
                errors={name: compare_tensors(actual[name], array) for name, array in expected.items()},
                metrics=dict(metrics),
                clips=_clips(histograms, thresholds),
                clipped=_share_of_all(histograms, thresholds),
                point=None if model.task else subject.point,
            )
        )
        engine.close()
    return results


def _reference(
    subject: Subject, task: Task | None, labelled: Mapping[str, np.ndarray]
) -> tuple[Arrays, Arrays, np.ndarray | None]:
    """Return inputs, what FP32 makes of them, and its predictions on the labelled set, if there is one."""
    if task is None:
        return (*subject.reference(SEED), None)
    engine: Engine = engine_of(subject.fp32())
    inputs = {name: array[: task.batch] for name, array in labelled.items() if name != LABELS}
    return inputs, engine.run(inputs), run_task(engine, labelled, task)


def _clips(histograms: Mapping[str, MagnitudeHistogram], thresholds: Mapping[str, float]) -> tuple[Clip, ...]:
    clips = [
        Clip(
            tensor=tensor,
            range=histogram.largest,
            threshold=thresholds[tensor],
            share=share_clipped(histogram, thresholds[tensor]),
        )
        for tensor, histogram in histograms.items()
    ]
    return tuple(sorted(clips, key=lambda clip: (-clip.share, clip.threshold / clip.range)))


def _share_of_all(histograms: Mapping[str, MagnitudeHistogram], thresholds: Mapping[str, float]) -> float:
    total = sum(histogram.total for histogram in histograms.values())
    clipped = sum(
        share_clipped(histogram, thresholds[name]) * histogram.total for name, histogram in histograms.items()
    )
    return clipped / max(total, 1)
