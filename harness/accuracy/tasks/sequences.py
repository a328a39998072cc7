"""Sequence labelling: whole entities found, by strict BIO tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.accuracy.tasks.labels import checked_labels
from harness.accuracy.tasks.scores import ScoreResult, judge_score, ratio
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spans(NamedTuple):
    """Entities in a row of tokens: first token, last token and type of each, int64 [entities]."""

    first: np.ndarray
    last: np.ndarray
    type: np.ndarray


def bio_spans(begins: np.ndarray, types: np.ndarray, sequence: np.ndarray) -> Spans:
    """Read entities strictly: one begins at ``B``, goes on with ``I`` of its type, and ends before anything else.

    An ``I`` that follows no entity of its type belongs to none. This is seqeval's ``mode="strict", scheme=IOB2``; its
    lenient default, after conlleval, would let such an ``I`` begin one.

    Args:
        begins: bool [tokens], whether the tag is a ``B``.
        types: whole numbers [tokens], the type of ``B`` or ``I``; negative for ``O``.
        sequence: whole numbers [tokens], the sequence that each token is in; no entity goes from one to the next.
    """
    if not types.size:
        return Spans(*(np.zeros(0, np.int64) for _ in Spans._fields))
    goes_on = np.zeros(types.size, bool)
    goes_on[1:] = (types[1:] == types[:-1]) & (sequence[1:] == sequence[:-1]) & ~begins[1:]
    first = np.flatnonzero(~goes_on)
    last = np.append(first[1:], types.size) - 1
    entity = begins[first] & (types[first] >= 0)
    return Spans(first[entity], last[entity], types[first][entity])


def sequence_counts(predicted: np.ndarray, labels: np.ndarray, tags: Sequence[str]) -> np.ndarray:
    """Count, in each sample: entities right, labelled, predicted; tokens right, labelled: int64 [5, samples].

    Args:
        predicted: places in ``tags``, whole numbers [samples, tokens]; what is no place reads as ``O`` and is wrong.
        labels: likewise; where they are negative, the token is taken out of both.
        tags: ``O``, ``B-<type>`` and ``I-<type>``.

    Raises:
        RunFailed: the prediction is not of the labels' shape.
        ConfigurationError: the labels are not whole numbers of that shape, hold one that is no tag, or no token.
    """
    predicted, labels = checked_labels(predicted, labels, of="tokens", axes=("samples", "tokens"))
    sample, token = np.nonzero(labels >= 0)
    if not sample.size:
        raise ConfigurationError("every label is negative, so there is no token to score")
    true, told = labels[sample, token], predicted[sample, token]
    if true.max() >= len(tags):
        raise ConfigurationError(unknown_value("place of a tag", str(true.max()), map(str, range(len(tags)))))
    begins, types = _read(tags)
    known = (told >= 0) & (told < len(tags))
    readable = np.where(known, told, 0)
    sought = bio_spans(begins[true], types[true], sample)
    found = bio_spans(begins[readable] & known, np.where(known, types[readable], -1), sample)
    _, of_sought, of_found = np.intersect1d(sought.first, found.first, return_indices=True)
    same = (sought.last[of_sought] == found.last[of_found]) & (sought.type[of_sought] == found.type[of_found])

    def count(samples: np.ndarray) -> np.ndarray:
        return np.bincount(samples, minlength=len(labels))

    return np.stack(
        [
            count(sample[sought.first[of_sought[same]]]),
            count(sample[sought.first]),
            count(sample[found.first]),
            count(sample[true == told]),
            count(sample),
        ]
    )


def entity_f1(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return F1 = 2 · right / (labelled + predicted) over all entities, under each weighting: float64 [weightings].

    0 where there is no entity, as in seqeval.

    Args:
        counts: as ``sequence_counts`` returned them.
        weights: float64 [weightings, samples].
    """
    right, labelled, predicted = (weights @ part for part in counts[:3])
    return ratio(2 * right, labelled + predicted, otherwise=0.0)


def judge_sequences(
    predicted: np.ndarray,
    reference_predicted: np.ndarray,
    labels: np.ndarray,
    *,
    tags: Sequence[str],
    kept: float = 0.99,
) -> ScoreResult:
    """Compare tags with those of the reference on the same labelled sequences, by the F1 of entities.

    Args:
        predicted: of the engine; see ``sequence_counts``, also for what is raised.
        reference_predicted: of the FP32 graph.
        labels: see ``sequence_counts``.
        tags: see ``sequence_counts``.
        kept: the smallest share of the reference's F1 that passes, in (0, 1].
    """
    own = sequence_counts(predicted, labels, tags)
    reference = sequence_counts(reference_predicted, labels, tags)
    return judge_score(
        "entity F1",
        lambda weights: entity_f1(own, weights),
        lambda weights: entity_f1(reference, weights),
        len(labels),
        kept=kept,
        metrics={
            "entity_f1": float(entity_f1(own, np.ones((1, len(labels))))[0]),
            "token_accuracy": float(own[3].sum() / own[4].sum()),
        },
    )


def _read(tags: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return of each tag whether it begins an entity, and the number of its type, -1 for ``O``."""
    names = sorted({tag[2:] for tag in tags if tag != "O"})
    types = [-1 if tag == "O" else names.index(tag[2:]) for tag in tags]
    return np.array([tag.startswith("B-") for tag in tags], bool), np.array(types, np.int64)
