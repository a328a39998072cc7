"""The object detector."""

from __future__ import annotations

import numpy as np
import pytest

from tests.suites.models import run

STRIDES = np.concatenate([np.full((256 // stride) ** 2, stride) for stride in (8, 16, 32)])


@pytest.fixture(scope="module")
def outputs() -> dict[str, np.ndarray]:
    """What two random images give."""
    images = np.random.default_rng(0).standard_normal((2, 3, 256, 256), dtype=np.float32)
    return run("detector", {"images": images})


def test_scores_are_probabilities(outputs: dict[str, np.ndarray]) -> None:
    """Every cell has a score in (0, 1) for each class, and they differ."""
    scores = outputs["scores"]
    assert scores.shape == (2, len(STRIDES), 20)
    assert 0 < scores.min() < 0.4
    assert 0.6 < scores.max() < 1


def test_boxes_have_a_size(outputs: dict[str, np.ndarray]) -> None:
    """Right lies right of left, bottom below top, and no side is longer than four anchors of its level."""
    boxes = outputs["boxes"]
    assert boxes.shape == (2, len(STRIDES), 4)
    sides = boxes[..., 2:] - boxes[..., :2]
    assert sides.min() > 0
    assert (sides <= 4 * 4 * STRIDES[:, None]).all()


def test_boxes_lie_around_their_cells(outputs: dict[str, np.ndarray]) -> None:
    """A box's centre is at most half a stride outside of its cell; cells go row by row, finest level first."""
    centres = (outputs["boxes"][..., 2:] + outputs["boxes"][..., :2]) / 2
    corners = np.concatenate(
        [[(x, y) for y in range(0, 256, stride) for x in range(0, 256, stride)] for stride in (8, 16, 32)]
    )
    offset = (centres - corners) / STRIDES[:, None]
    assert offset.min() >= -0.5 - 1e-4
    assert offset.max() <= 1.5 + 1e-4
    assert offset.std() > 0.1
