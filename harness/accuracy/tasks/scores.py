"""Scores that are no mean over samples, held against those of the reference on the same samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.accuracy.tasks.paired import LEVEL, Interval, check_kept, describe_kept, paired_bootstrap, share_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """One score of an engine beside that of its reference, on the same samples.

    Attributes:
        title: what the score is called in sentences.
        samples: number of labelled samples.
        score: the engine's, in [0, 1].
        reference_score: the reference's.
        interval: where ``score - reference_score`` lies, by ``paired_bootstrap``.
        kept: ``score`` as a share of ``reference_score``; NaN if that is 0.
        required: the smallest share that must be kept.
        metrics: what is recorded, by the names of harness.cases.METRICS.
    """

    title: str
    samples: int
    score: float
    reference_score: float
    interval: Interval
    kept: float
    required: float
    metrics: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """Whether enough of the reference's score is kept; never where the reference has none."""
        return self.kept >= self.required

    @property
    def sentence(self) -> str:
        """All the numbers, in one sentence."""
        return (
            f"{self.title} {self.score:.2%} against {self.reference_score:.2%} of the reference on {self.samples} "
            f"samples: {describe_kept(self.kept, self.required)}; a difference of "
            f"{100 * (self.score - self.reference_score):+.2f} points (paired bootstrap, {LEVEL:.0%}: "
            f"{100 * self.interval.low:+.2f} to {100 * self.interval.high:+.2f})"
        )


def judge_score(
    title: str,
    score: Callable[[np.ndarray], np.ndarray],
    reference_score: Callable[[np.ndarray], np.ndarray],
    samples: int,
    *,
    kept: float,
    metrics: Mapping[str, float],
) -> ScoreResult:
    """Compare a score with that of the reference.

    Args:
        title: what the score is called in sentences.
        score: of the engine, under weights of the samples: float64 [weightings, samples] in, [weightings] out.
        reference_score: of the FP32 graph, likewise.
        samples: how many there are.
        kept: the smallest share of the reference's score that passes.
        metrics: what is to be recorded.

    Raises:
        ConfigurationError: ``kept`` is not in (0, 1].
    """
    check_kept(kept)
    once = np.ones((1, samples))
    own, reference = float(score(once)[0]), float(reference_score(once)[0])
    return ScoreResult(
        title=title,
        samples=samples,
        score=own,
        reference_score=reference,
        interval=paired_bootstrap(score, reference_score, samples),
        kept=share_kept(own, reference),
        required=kept,
        metrics=metrics,
    )


def ratio(numerator: np.ndarray, denominator: np.ndarray, *, otherwise: float) -> np.ndarray:
    """Divide element by element; where the denominator is 0, the result is ``otherwise``."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    result = np.full(denominator.shape, otherwise, np.float64)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result
