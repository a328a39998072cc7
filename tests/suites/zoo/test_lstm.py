"""The bidirectional LSTM."""

from __future__ import annotations

import numpy as np
import pytest

from tests.suites.models import run

FRAMES = 12


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        pytest.param(0, FRAMES - 1, id="the first frame reaches the last output"),
        pytest.param(FRAMES - 1, 0, id="the last frame reaches the first output"),
    ],
)
def test_frames_reach_both_ways(changed: int, read: int) -> None:
    """A change of one frame is seen at the far end, forwards and backwards."""
    features = np.random.default_rng(0).standard_normal((2, FRAMES, 80), dtype=np.float32)
    before = run("lstm", {"features": features})["logits"]
    features[:, changed] += 3
    after = run("lstm", {"features": features})["logits"]
    assert before.shape == (2, FRAMES, 40)
    assert np.abs(after - before)[:, read].max() > 1e-5
