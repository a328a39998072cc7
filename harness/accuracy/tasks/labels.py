"""Labels that have a place for each prediction, of pixels or of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import ConfigurationError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Sequence


def checked_labels(
    predicted: np.ndarray, labels: np.ndarray, *, of: str, axes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and labels as arrays of one shape.

    Args:
        predicted: whole numbers, shaped like ``labels``.
        labels: whole numbers, an axis for each of ``axes``.
        of: what has a label each, in the plural.
        axes: what the axes are called in an error.

    Raises:
        RunFailed: the predictions are not of the labels' shape.
        ConfigurationError: the labels are not whole numbers on those axes.
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if labels.ndim != len(axes) or labels.dtype.kind not in "iu":
        raise ConfigurationError(
            f"labels of {of} are whole numbers [{', '.join(axes)}], not {labels.dtype}{list(labels.shape)}"
        )
    if predicted.shape != labels.shape:
        raise RunFailed(f"predictions of shape {list(predicted.shape)} are not the labels' {list(labels.shape)}")
    return predicted, labels
