"""The transformer encoder."""

from __future__ import annotations

import numpy as np
import pytest

from suites.zoo.encoder import LONGEST_SEQUENCE, VOCABULARY
from tests.suites.models import run


@pytest.fixture
def ids() -> np.ndarray:
    """Two sequences of ten tokens."""
    return np.random.default_rng(0).integers(0, VOCABULARY, (2, 10))


def test_padding_changes_nothing(ids: np.ndarray) -> None:
    """A sequence gives the same states with masked tokens behind it as without them."""
    padded = run("encoder", {"input_ids": ids, "attention_mask": np.array([[1] * 7 + [0] * 3] * 2)})
    short = run("encoder", {"input_ids": ids[:, :7], "attention_mask": np.ones((2, 7), np.int64)})
    np.testing.assert_allclose(padded["hidden_states"][:, :7], short["hidden_states"], atol=1e-4)
    np.testing.assert_allclose(padded["pooled"], short["pooled"], atol=1e-4)


def test_tokens_attend_to_each_other(ids: np.ndarray) -> None:
    """Another token at one place changes the states of all others, which a network without attention would not."""
    mask = np.ones_like(ids)
    before = run("encoder", {"input_ids": ids, "attention_mask": mask})["hidden_states"]
    ids[:, 4] = (ids[:, 4] + 1) % VOCABULARY
    after = run("encoder", {"input_ids": ids, "attention_mask": mask})["hidden_states"]
    assert (np.abs(after - before).max(axis=-1) > 1e-3).all()


def test_order_matters(ids: np.ndarray) -> None:
    """The same tokens in another order give another pooled vector: positions are embedded."""
    mask = np.ones_like(ids)
    forward = run("encoder", {"input_ids": ids, "attention_mask": mask})["pooled"]
    ids[:, 1:] = ids[:, :0:-1].copy()
    backward = run("encoder", {"input_ids": ids, "attention_mask": mask})["pooled"]
    assert np.abs(forward - backward).max() > 1e-2


def test_states_are_normalised(ids: np.ndarray) -> None:
    """The variance of each hidden state is near 1, as its last layer normalisation makes it."""
    states = run("encoder", {"input_ids": ids, "attention_mask": np.ones_like(ids)})["hidden_states"]
    assert states.shape == (2, 10, 256)
    np.testing.assert_allclose(states.std(axis=-1), 1, atol=0.2)


def test_longest_sequence_runs() -> None:
    """A sequence of the greatest length has a position for each of its tokens."""
    ids = np.zeros((1, LONGEST_SEQUENCE), np.int64)
    assert run("encoder", {"input_ids": ids, "attention_mask": ids + 1})["hidden_states"].shape[1] == LONGEST_SEQUENCE
