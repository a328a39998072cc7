"""Embeddings: whether neighbours stay neighbours."""

from __future__ import annotations

import math

import numpy as np

from harness.accuracy.tasks.scores import ScoreResult, judge_score, ratio
from harness.errors import ConfigurationError, RunFailed

# How many similarities are held at a time.
_SIMILARITIES_AT_ONCE = 4_000_000


def cosines(vectors: np.ndarray, reference_vectors: np.ndarray) -> np.ndarray:
    """Return the cosine of each vector with that of the reference, 0 for one that is 0 or not finite.

    Args:
        vectors: [samples, dimensions], any real dtype.
        reference_vectors: likewise, of the same samples.

    Returns:
        float64 [samples].

    Raises:
        RunFailed: the two are not of one such shape.
    """
    own, reference = _directions(vectors), _directions(reference_vectors)
    if own.shape != reference.shape:
        raise RunFailed(f"vectors {list(own.shape)} cannot be paired with the reference's {list(reference.shape)}")
    return np.asarray(np.nan_to_num((own * reference).sum(axis=1)))


def retrieved(vectors: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Say of each sample whether another of its label is among its ``k`` nearest by cosine: float64 [samples], 0 or 1.

    NaN for a sample that does not ask: its label is negative, or no other bears it. Of equally near neighbours those of
    another label come first, so that vectors that are all alike retrieve nothing; so do vectors that are 0 or not
    finite. The mean is Recall@k as in H. O. Song et al., CVPR 2016.

    Args:
        vectors: [samples, dimensions], any real dtype.
        labels: whole numbers [samples].
        k: how many neighbours are looked at.

    Raises:
        RunFailed: the vectors are not of that shape.
        ConfigurationError: the labels are not, or no sample asks.
    """
    directions, labels = _directions(vectors), np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ConfigurationError(f"labels are whole numbers [samples], not {labels.dtype}{list(labels.shape)}")
    if len(directions) != labels.size:
        raise RunFailed(f"{len(directions)} vectors cannot be paired with {labels.size} labels")
    values, counts = np.unique(labels, return_counts=True)
    asking = np.flatnonzero((labels >= 0) & (counts[np.searchsorted(values, labels)] > 1))
    if not asking.size:
        raise ConfigurationError("no label of 0 or more is borne by two samples, so there is nothing to retrieve")
    result = np.full(labels.size, math.nan)
    at_once = max(1, _SIMILARITIES_AT_ONCE // labels.size)
    for start in range(0, asking.size, at_once):
        queries = asking[start : start + at_once]
        similar = directions[queries] @ directions.T
        alike = labels[queries][:, None] == labels
        others = np.where(np.isnan(similar), math.inf, similar)
        nearest = np.where(
            alike & (queries[:, None] != np.arange(labels.size)) & ~np.isnan(similar), similar, -math.inf
        )
        ahead = np.count_nonzero(~alike & (others >= nearest.max(axis=1, keepdims=True)), axis=1)
        result[queries] = (ahead < k) & (nearest.max(axis=1) > -math.inf)
    return result


def judge_embedding(
    vectors: np.ndarray, reference_vectors: np.ndarray, labels: np.ndarray, *, k: int = 1, kept: float = 0.99
) -> ScoreResult:
    """Compare embeddings with those of the reference on the same labelled samples, by retrieval at ``k``.

    The interval resamples the samples that ask; what they look through is always the whole set.

    Args:
        vectors: of the engine; see ``retrieved``, also for what is raised.
        reference_vectors: of the FP32 graph.
        labels: see ``retrieved``.
        k: how many neighbours are looked at.
        kept: the smallest share of the reference's score that passes, in (0, 1].
    """
    own, reference = retrieved(vectors, labels, k), retrieved(reference_vectors, labels, k)
    asks = ~np.isnan(own)
    own, reference = own[asks], reference[asks]
    return judge_score(
        f"retrieval at {k}",
        lambda weights: ratio(weights @ own, weights.sum(axis=1), otherwise=math.nan),
        lambda weights: ratio(weights @ reference, weights.sum(axis=1), otherwise=math.nan),
        own.size,
        kept=kept,
        metrics={
            "retrieval": float(own.mean()),
            "embedding_cosine": float(cosines(vectors, reference_vectors).mean()),
        },
    )


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors at length 1, in float64; NaN for one that is 0 or not finite."""
    wide = np.asarray(vectors).astype(np.float64)
    if wide.ndim != 2:
        raise RunFailed(f"embeddings of shape {list(wide.shape)} are not [samples, dimensions]")
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    usable = np.isfinite(largest) & (largest > 0)
    # The largest component is divided out first, so that no square leaves the range of float64.
    scaled = np.divide(wide, largest, out=np.full(wide.shape, math.nan), where=usable)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))
