from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy.tasks import embedding
from harness.accuracy.tasks.embedding import cosines, judge_embedding, retrieved
from harness.errors import ConfigurationError, RunFailed


@pytest.mark.parametrize("k", [1, 3])
def test_retrieval_is_that_of_a_nearest_neighbour_search(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On random vectors a sample is retrieved where scikit-learn finds its label among its neighbours."""
    neighbours = pytest.importorskip("sklearn.neighbors")
    generator = np.random.default_rng(1)
    vectors, labels = generator.normal(size=(60, 5)), generator.integers(0, 12, size=60)
    search = neighbours.NearestNeighbors(n_neighbors=k + 1, metric="cosine").fit(vectors)
    found = search.kneighbors(vectors, return_distance=False)
    monkeypatch.setattr(embedding, "_SIMILARITIES_AT_ONCE", 7 * 60)  # several parts
    alone = np.bincount(labels)[labels] == 1
    expected = [any(labels[n] == labels[q] for n in row if n != q) for q, row in enumerate(found)]
    assert retrieved(vectors, labels, k)[~alone].tolist() == np.array(expected, float)[~alone].tolist()


@pytest.mark.parametrize("value", [0.0, 1.0, math.nan, math.inf])
def test_vectors_that_are_all_alike_retrieve_nothing(value: float) -> None:
    """A collapsed embedding scores 0, though all its samples are each other's neighbours."""
    assert retrieved(np.full((4, 3), value), np.array([0, 0, 1, 1]), 1).tolist() == [0.0] * 4


def test_who_has_no_like_does_not_ask() -> None:
    """Samples of negative or single labels are looked through but do not ask."""
    vectors = np.array([[1, 0], [1, 0.2], [1, -0.1], [0, 1]])
    result = retrieved(vectors, np.array([0, 0, -1, 7]), 1)
    assert result[:2].tolist() == [0.0, 1.0]
    assert np.isnan(result[2:]).all()


def test_cosines_need_no_length() -> None:
    """Cosines are those of the school book at any length, and 0 for a vector of nothing or of NaN."""
    one = np.array([[1e200, 0], [1, 1], [0, 0], [math.nan, 1]])
    other = np.array([[1e-200, 0], [1, 0], [1, 0], [1, 0]])
    assert cosines(one, other) == pytest.approx([1, math.sqrt(0.5), 0, 0])


def test_an_embedding_must_keep_its_share() -> None:
    """Neighbours that are lost fail, and only samples that ask are counted."""
    vectors, labels = np.eye(4)[[0, 0, 1, 1, 2]], np.array([5, 5, 6, 6, 7])
    result = judge_embedding(np.eye(5)[:, :4], vectors, labels)
    assert (result.samples, result.score, result.reference_score, result.passed) == (4, 0.0, 1.0, False)
    assert judge_embedding(vectors, vectors, labels).metrics == {"retrieval": 1.0, "embedding_cosine": 1.0}


@pytest.mark.parametrize(
    ("shape", "labels", "error", "words"),
    [
        pytest.param((2, 3, 1), np.zeros(2, int), RunFailed, r"\[2, 3, 1\]", id="vectors of two dimensions"),
        pytest.param((2, 3), np.zeros(3, int), RunFailed, "2 vectors .* 3 labels", id="a label too many"),
        pytest.param((2, 3), np.zeros(2), ConfigurationError, "float64", id="labels that are not whole"),
        pytest.param((2, 3), np.arange(2), ConfigurationError, "nothing to retrieve", id="nobody asks"),
    ],
)
def test_shapes_and_labels_are_checked(shape: tuple[int, ...], labels: np.ndarray, error: type, words: str) -> None:
    """What has not its shape, or can retrieve nothing, is refused."""
    with pytest.raises(error, match=words):
        retrieved(np.ones(shape), labels, 1)


def test_other_dimensions_are_no_pair() -> None:
    """Vectors of an engine and its reference have one shape."""
    with pytest.raises(RunFailed, match=r"\[2, 3\].*\[2, 4\]"):
        cosines(np.ones((2, 3)), np.ones((2, 4)))
