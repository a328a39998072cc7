from __future__ import annotations

import numpy as np
import pytest

from harness.accuracy.tasks.sequences import entity_f1, judge_sequences, sequence_counts
from harness.errors import ConfigurationError, RunFailed
from tests.accuracy.tasks.others import SEEDS, ask_seqeval, recorded
from tests.accuracy.tasks.randoms import TAGS, tag_sequences


def score_of(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return the F1 of entities, every sequence counted once."""
    return float(entity_f1(sequence_counts(predicted, labels, TAGS), np.ones((1, len(labels))))[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_f1_is_what_seqeval_said(seed: int) -> None:
    """Random tags, many of them astray, get the F1 that seqeval gave in its strict mode."""
    assert score_of(*tag_sequences(seed)) == pytest.approx(recorded()["seqeval"][str(seed)], abs=1e-9)


def test_f1_is_what_seqeval_says() -> None:
    """Where it is installed, seqeval itself is asked about other tags."""
    pytest.importorskip("seqeval")
    for seed in range(100, 120):
        assert score_of(*tag_sequences(seed)) == pytest.approx(ask_seqeval(*tag_sequences(seed)), abs=1e-9)


O, B_PER, I_PER, B_LOC, I_LOC = range(5)  # noqa: E741 - it is what the tag is called


@pytest.mark.parametrize(
    ("predicted", "right", "entities"),
    [
        pytest.param([B_PER, I_PER, O, B_LOC], 2, 2, id="all right"),
        pytest.param([B_PER, O, O, B_LOC], 1, 2, id="cut short"),
        pytest.param([B_PER, I_PER, I_PER, B_LOC], 1, 2, id="too long"),
        pytest.param([B_LOC, I_LOC, O, B_LOC], 1, 2, id="of another type"),
        pytest.param([B_PER, I_PER, O, I_LOC], 1, 1, id="an inside that nothing began"),
        pytest.param([B_PER, I_LOC, O, B_LOC], 1, 2, id="an inside of another type"),
        pytest.param([-1, I_PER, O, B_LOC], 1, 1, id="a tag from NaN"),
        pytest.param([99, I_PER, O, B_LOC], 1, 1, id="a place beyond the tags"),
    ],
)
def test_entities_are_right_as_wholes(predicted: list[int], right: int, entities: int) -> None:
    """An entity counts where its first token, its last token and its type are right."""
    counts = sequence_counts(np.array([predicted]), np.array([[B_PER, I_PER, O, B_LOC]]), TAGS)
    assert counts[:3, 0].tolist() == [right, 2, entities]


def test_no_entity_goes_from_one_sequence_to_the_next() -> None:
    """An inside at the start of a sequence does not continue the one before."""
    counts = sequence_counts(np.array([[O, B_PER], [O, O]]), np.array([[O, B_PER], [I_PER, O]]), TAGS)
    assert counts[:3].tolist() == [[1, 0]] * 3


def test_tokens_without_label_are_taken_out() -> None:
    """An entity goes on over a further piece of a word, which has no label of its own."""
    counts = sequence_counts(np.array([[B_PER, O, I_PER]]), np.array([[B_PER, -100, I_PER]]), TAGS)
    assert counts[:, 0].tolist() == [1, 1, 1, 2, 2]


def test_tags_must_keep_their_share() -> None:
    """A lost tag fails, and the accuracy of tokens is told beside F1."""
    labels = np.tile([B_PER, O, O, O], (10, 1))
    result = judge_sequences(np.zeros_like(labels), labels, labels, tags=TAGS)
    assert (result.score, result.reference_score, result.passed) == (0.0, 1.0, False)
    assert result.metrics == {"entity_f1": 0.0, "token_accuracy": 0.75}


@pytest.mark.parametrize(
    ("shape", "labels", "error", "words"),
    [
        pytest.param((1, 3), np.zeros((1, 2), int), RunFailed, r"\[1, 3\]", id="tokens too many"),
        pytest.param((1, 2), np.zeros((1, 2)), ConfigurationError, "float64", id="labels that are not whole"),
        pytest.param((1, 2), np.full((1, 2), 7), ConfigurationError, "'7' is no place of a tag", id="no such tag"),
        pytest.param((1, 2), np.full((1, 2), -1), ConfigurationError, "no token to score", id="nothing labelled"),
    ],
)
def test_shapes_and_labels_are_checked(shape: tuple[int, ...], labels: np.ndarray, error: type, words: str) -> None:
    """What has not its shape or names no tag is refused by its value."""
    with pytest.raises(error, match=words):
        sequence_counts(np.zeros(shape, int), labels, TAGS)
