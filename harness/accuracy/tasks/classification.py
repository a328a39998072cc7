"""Classification: one class for each sample, right or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.accuracy.tasks.paired import check_kept, describe_kept, mcnemar_exact, paired_flips, share_kept
from harness.errors import ConfigurationError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Mapping


# Of how many pairs of classes a result says that they are confused more often than in the reference.
_MOST_CONFUSIONS = 3


class Confusion(NamedTuple):
    """One class taken for another more often than by the reference.

    Attributes:
        label: what it is.
        predicted: what it is taken for.
        times: how often.
        reference_times: how often by the reference.
    """

    label: int
    predicted: int
    times: int
    reference_times: int


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """Accuracy of a classifier beside that of its reference, on the same samples.

    Attributes:
        samples: number of labelled samples.
        top1: share of them that the engine gets right.
        reference_top1: share that the reference gets right.
        gained: samples that only the engine gets right.
        lost: samples that only the reference gets right.
        p: exact McNemar probability of flips this one-sided or more, if gains and losses were equally likely.
        kept: ``top1`` as a share of ``reference_top1``; NaN if that is 0.
        required: the smallest share that must be kept.
        metrics: what is recorded, by the names of harness.cases.METRICS: ``top1``, ``macro_f1`` and, where there are
            more than five classes, ``top5``.
        confusions: the pairs of classes that are confused more often than by the reference, the worst first.
    """

    samples: int
    top1: float
    reference_top1: float
    gained: int
    lost: int
    p: float
    kept: float
    required: float
    metrics: Mapping[str, float]
    confusions: tuple[Confusion, ...]

    @property
    def passed(self) -> bool:
        """Whether enough of the reference's accuracy is kept; never where the reference has none."""
        return self.kept >= self.required

    @property
    def sentence(self) -> str:
        """All the numbers, in one sentence."""
        confused = ", ".join(
            f"{c.label} taken for {c.predicted} {c.times} times instead of {c.reference_times}" for c in self.confusions
        )
        return (
            f"top-1 {self.top1:.2%} against {self.reference_top1:.2%} of the reference on {self.samples} samples: "
            f"{describe_kept(self.kept, self.required)}; {self.gained} gained, {self.lost} lost "
            f"(exact McNemar p = {self.p:.2g}){'; ' if confused else ''}{confused}"
        )


def correct_top_k(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Say of each sample whether its label is among its ``k`` highest scores: bool [samples].

    Among equal scores the first class wins, as in ONNX's ArgMax. A sample with a NaN among its scores is wrong.

    Args:
        scores: [samples, classes], any real dtype.
        labels: [samples], whole numbers in [0, classes).
        k: how many scores are looked at.

    Raises:
        RunFailed: the scores are not of that shape.
        ConfigurationError: the labels are not, or there are none.
    """
    # Comparing ml_dtypes' types is not in every version of it; float64 holds all of their values.
    scores, labels = _checked(scores, labels)
    own = scores[np.arange(labels.size), labels][:, None]
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    ahead = np.count_nonzero((scores > own) | ((scores == own) & earlier), axis=1)
    return np.asarray((ahead < k) & ~np.isnan(scores).any(axis=1))


def correct_top1(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Say of each sample whether its highest score is at its label: bool [samples]; see ``correct_top_k``."""
    return correct_top_k(scores, labels, 1)


def top1(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of samples whose highest score is at their label; see ``correct_top_k``."""
    return float(correct_top1(scores, labels).mean())


def confusion_matrix(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count how often each class (row) got its highest score at each class (column): int64 [classes, classes].

    Ties as in ``correct_top_k``. A sample with a NaN among its scores is taken for nothing and is in no column. Raises
    as ``correct_top_k`` does.
    """
    scores, labels = _checked(scores, labels)
    classes = scores.shape[1]
    told = ~np.isnan(scores).any(axis=1)
    cells = labels[told] * classes + scores[told].argmax(axis=1)
    counts: np.ndarray = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    return counts


def macro_f1(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over classes of F1 = 2 · right / (labelled + predicted), as scikit-learn's ``f1_score`` does.

    Classes that are neither labelled nor predicted are left out. Raises as ``correct_top_k`` does.
    """
    confusion = confusion_matrix(scores, labels)
    either = np.bincount(labels, minlength=len(confusion)) + confusion.sum(axis=0)
    return float((2 * np.diagonal(confusion)[either > 0] / either[either > 0]).mean())


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
    check_kept(kept)
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
        metrics={
            "top1": right / now.size,
            "macro_f1": macro_f1(scores, labels),
            **({"top5": float(correct_top_k(scores, labels, 5).mean())} if np.shape(scores)[1] > 5 else {}),
        },
        confusions=_confusions(confusion_matrix(scores, labels), confusion_matrix(reference_scores, labels)),
    )


def _confusions(counts: np.ndarray, reference_counts: np.ndarray) -> tuple[Confusion, ...]:
    """Return the cells off the diagonal that grew, the one that grew most first."""
    if counts.shape != reference_counts.shape:
        raise RunFailed(
            f"scores of {len(counts)} classes cannot be held against {len(reference_counts)} of the reference"
        )
    growth = counts - reference_counts
    np.fill_diagonal(growth, 0)
    worst = np.argsort(-growth, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    cells = (np.unravel_index(cell, growth.shape) for cell in worst if growth.flat[cell] > 0)
    return tuple(
        Confusion(int(row), int(col), int(counts[row, col]), int(reference_counts[row, col])) for row, col in cells
    )


def _checked(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores as float64 and the labels, or raise where they are not of their shape."""
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
    return scores.astype(np.float64), labels
