"""Task accuracy: what an engine's errors mean on labelled data, sample by sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness.errors import ConfigurationError, RunFailed


class Flips(NamedTuple):
    """Samples on which two classifiers differ in being right.

    Attributes:
        gained: right now, wrong in the reference.
        lost: wrong now, right in the reference.
    """

    gained: int
    lost: int


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """Top-1 accuracy of an engine beside that of its reference, on the same samples.

    Attributes:
        samples: number of labelled samples.
        top1: share of them that the engine gets right.
        reference_top1: share that the reference gets right.
        gained: samples that only the engine gets right.
        lost: samples that only the reference gets right.
        p: exact McNemar probability of flips this one-sided or more, if gains and losses were equally likely.
        kept: ``top1`` as a share of ``reference_top1``; NaN if that is 0.
        required: the smallest share that must be kept.
    """

    samples: int
    top1: float
    reference_top1: float
    gained: int
    lost: int
    p: float
    kept: float
    required: float

    @property
    def passed(self) -> bool:
        """Whether enough of the reference's accuracy is kept; never where the reference has none."""
        return self.kept >= self.required

    @property
    def sentence(self) -> str:
        """All the numbers, in one sentence."""
        kept = (
            "there is nothing to keep"
            if math.isnan(self.kept)
            else f"{self.kept:.3%} kept {'>=' if self.passed else '<'} {self.required:g}"
        )
        return (
            f"top-1 {self.top1:.2%} against {self.reference_top1:.2%} of the reference on {self.samples} samples: "
            f"{kept}; {self.gained} gained, {self.lost} lost (exact McNemar p = {self.p:.2g})"
        )


def correct_top1(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Say of each sample whether its highest score is at its label: bool [samples].

    Among equal scores the first class wins, as in ONNX's ArgMax. A sample with a NaN among its scores is wrong.

    Args:
        scores: [samples, classes], any real dtype.
        labels: [samples], whole numbers in [0, classes).

    Raises:
        RunFailed: the scores are not of that shape.
        ConfigurationError: the labels are not, or there are none.
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise ConfigurationError(
            f"labels must be whole numbers of shape [samples], at least one, not {labels.dtype}{list(labels.shape)}"
        )
    if scores.ndim != 2 or scores.shape[0] != labels.size or scores.shape[1] == 0:
        raise RunFailed(f"scores of shape {list(scores.shape)} are not [{labels.size} samples, classes]")
    outside = labels[(labels < 0) | (labels >= scores.shape[1])]
    if outside.size:
        raise ConfigurationError(
            f"label {int(outside[0])} is not one of the {scores.shape[1]} classes that the scores are for"
        )
    # argmax of ml_dtypes' types is not in every version of it; float64 holds all of their values.
    wide = scores.astype(np.float64)
    return np.asarray((wide.argmax(axis=1) == labels) & ~np.isnan(wide).any(axis=1))


def top1(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of samples whose highest score is at their label; see ``correct_top1``."""
    return float(correct_top1(scores, labels).mean())


def paired_flips(correct: np.ndarray, reference_correct: np.ndarray) -> Flips:
    """Count the samples that became right and those that became wrong.

    Args:
        correct: bool [samples].
        reference_correct: bool [samples], of the same samples in the same order.

    Raises:
        RunFailed: the two are not of one length.
    """
    if np.shape(correct) != np.shape(reference_correct):
        raise RunFailed(
            f"{np.size(correct)} samples cannot be paired with {np.size(reference_correct)} of the reference"
        )
    now, before = np.asarray(correct, dtype=bool), np.asarray(reference_correct, dtype=bool)
    return Flips(gained=int(np.count_nonzero(now & ~before)), lost=int(np.count_nonzero(before & ~now)))


def mcnemar_exact(gained: int, lost: int) -> float:
    """Return the two-sided p-value of ``gained`` and ``lost`` flips under equal chances.

    p = min(1, 2 Σ_{i ≤ min(gained, lost)} C(n, i) / 2ⁿ) with n = gained + lost, computed in whole numbers; 1 where
    nothing flipped. Q. McNemar, Psychometrika 12 (1947) 153; in this exact form M. W. Fagerland et al., BMC Medical
    Research Methodology 13 (2013) 91.

    Raises:
        ValueError: a count is negative.
    """
    if gained < 0 or lost < 0:
        raise ValueError(f"counts of flips cannot be negative: gained={gained}, lost={lost}")
    flips = gained + lost
    term = tail = 1
    for i in range(min(gained, lost)):
        term = term * (flips - i) // (i + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << flips))


def share_kept(score: float, reference_score: float) -> float:
    """Return ``score`` as a share of ``reference_score``, NaN if that is 0: of nothing, no share is kept."""
    return score / reference_score if reference_score else math.nan


def judge_classification(
    scores: np.ndarray, reference_scores: np.ndarray, labels: np.ndarray, *, kept: float = 0.99
) -> TaskResult:
    """Compare a classifier with its reference on the same labelled samples.

    Args:
        scores: of the engine, [samples, classes].
        reference_scores: of the FP32 graph, [samples, classes].
        labels: whole numbers [samples].
        kept: the smallest share of the reference's top-1 accuracy that passes; MLPerf Inference asks for 0.99 or 0.999.

    Raises:
        RunFailed: scores are not of their shape.
        ConfigurationError: labels are not of theirs, or ``kept`` is not in (0, 1].
    """
    if not 0.0 < kept <= 1.0:
        raise ConfigurationError(f"the share of accuracy to keep must be above 0 and at most 1, not {kept!r}")
    now, before = correct_top1(scores, labels), correct_top1(reference_scores, labels)
    flips = paired_flips(now, before)
    right, reference_right = int(np.count_nonzero(now)), int(np.count_nonzero(before))
    return TaskResult(
        samples=now.size,
        top1=right / now.size,
        reference_top1=reference_right / now.size,
        gained=flips.gained,
        lost=flips.lost,
        p=mcnemar_exact(*flips),
        # A ratio of whole numbers rounds once, so that 99 of 100 is 0.99 and not a little less.
        kept=share_kept(right, reference_right),
        required=kept,
    )
