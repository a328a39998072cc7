from __future__ import annotations

import numpy as np
import pytest

from harness.accuracy.tasks.labels import checked_labels
from harness.errors import ConfigurationError, RunFailed

AXES = ("samples", "tokens")


def test_lists_come_back_as_arrays() -> None:
    """What is shaped as it shall be comes back with its values."""
    predicted, labels = checked_labels([[1, 2]], [[1, 0]], of="tokens", axes=AXES)  # type: ignore[arg-type]
    assert (predicted.tolist(), labels.tolist()) == ([[1, 2]], [[1, 0]])


@pytest.mark.parametrize(
    ("predicted", "labels", "error", "words"),
    [
        pytest.param(
            np.zeros((1, 3), int), np.zeros((1, 2), int), RunFailed,
            r"predictions of shape \[1, 3\] are not the labels' \[1, 2\]", id="a prediction too many",
        ),
        pytest.param(
            np.zeros(2, int), np.zeros(2, int), ConfigurationError,
            r"labels of tokens are whole numbers \[samples, tokens\], not int64\[2\]", id="an axis too few",
        ),
        pytest.param(
            np.zeros((1, 2), int), np.zeros((1, 2)), ConfigurationError, r"not float64\[1, 2\]", id="labels not whole"
        ),
    ],
)  # fmt: skip
def test_labels_of_another_kind_are_refused(
    predicted: np.ndarray, labels: np.ndarray, error: type[Exception], words: str
) -> None:
    """The error names what was given and what is taken."""
    with pytest.raises(error, match=words):
        checked_labels(predicted, labels, of="tokens", axes=AXES)
