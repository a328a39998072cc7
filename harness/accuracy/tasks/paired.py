"""Two results on the same samples: flips and their McNemar test, a paired bootstrap, the share that is kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.errors import ConfigurationError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Callable

# The interval's ends are the 25th smallest and largest of a thousand: steady to about a tenth of its width.
RESAMPLES = 1000
LEVEL = 0.95
# How many weights are drawn at a time; bounds the memory of sets of many samples.
_WEIGHTS_AT_ONCE = 2_000_000


class Flips(NamedTuple):
    """Samples on which two classifiers differ in being right.

    Attributes:
        gained: right now, wrong in the reference.
        lost: wrong now, right in the reference.
    """

    gained: int
    lost: int


class Interval(NamedTuple):
    """Where a difference lies, with the confidence of ``LEVEL``."""

    low: float
    high: float


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


def describe_kept(kept: float, required: float) -> str:
    """Say which share is kept and whether it is enough, for a sentence."""
    if math.isnan(kept):
        return "there is nothing to keep"
    return f"{kept:.3%} kept {'>=' if kept >= required else '<'} {required:g}"


def check_kept(required: float) -> None:
    """Raise ConfigurationError where ``required`` is no share that could be kept."""
    if not 0.0 < required <= 1.0:
        raise ConfigurationError(f"the share of accuracy to keep must be above 0 and at most 1, not {required!r}")


def paired_bootstrap(
    score: Callable[[np.ndarray], np.ndarray],
    reference_score: Callable[[np.ndarray], np.ndarray],
    samples: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the 95 % percentile interval of ``score`` minus ``reference_score`` over resampled samples.

    Each resample draws as many samples as there are, with replacement, the same ones for both: what a sample is drawn
    is its weight. So a score need not be a mean over samples, only computable under weights. B. Efron and
    R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. It covers less than it says below some 30
    samples. The same seed gives the same interval.

    Args:
        score: of the engine: weights float64 [resamples, samples] in, scores float64 [resamples] out.
        reference_score: of the reference, likewise. A resample where either is NaN (nothing to score in it) is left
            out; if all are, the interval is NaN.
        samples: how many there are.
        resamples: how many are drawn.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    at_once = max(1, _WEIGHTS_AT_ONCE // samples)
    differences = []
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        weights = generator.multinomial(samples, np.full(samples, 1.0 / samples), size=count).astype(np.float64)
        differences.append(score(weights) - reference_score(weights))
    drawn = np.concatenate(differences)
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return Interval(math.nan, math.nan)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
