"""Functions that tests name as ``tests.graphs.sources_for_tests:function``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.graphs.small_graphs import classifier, images

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import onnx

PACKAGE = "tests.graphs.sources_for_tests"
not_a_function = 3


def model() -> onnx.ModelProto:
    """Return the small classifier."""
    return classifier()


def no_model() -> str:
    """Return what is no model."""
    return "a path, perhaps"


def invalid_model() -> onnx.ModelProto:
    """Return a graph that reads a tensor which nothing makes."""
    broken = classifier()
    broken.graph.node[0].input[0] = "nowhere"
    return broken


def failing() -> onnx.ModelProto:
    """Fail."""
    raise RuntimeError("the data set is not here")


def calibration() -> Iterator[dict[str, np.ndarray]]:
    """Yield three batches of two images."""
    for seed in range(3):
        yield images(2, seed)


def calibration_that_fails() -> Iterator[dict[str, np.ndarray]]:
    """Yield one batch, then fail."""
    yield images(2)
    raise RuntimeError("the second file is corrupt")


def one_image() -> dict[str, np.ndarray]:
    """Return a dictionary where several are wanted."""
    return images(1)
