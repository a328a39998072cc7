"""The trained classifier and its labelled data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from harness.errors import ConfigurationError
from suites.zoo import digits
from tests.suites.models import run

if TYPE_CHECKING:
    from collections.abc import Callable


def test_knows_images_that_it_has_not_seen() -> None:
    """At least 99 % of the held-out images are classified correctly."""
    inputs, labels = digits.held_out()
    assert (run("digits", inputs)["logits"].argmax(axis=1) == labels).mean() >= 0.99


def test_held_out_set_has_its_declared_form() -> None:
    """540 images in [0, 1] as float32 and as many labels as int64, with all ten digits among them."""
    inputs, labels = digits.held_out()
    images = inputs[digits.INPUT]
    assert (images.shape, str(images.dtype)) == ((540, 1, 8, 8), "float32")
    assert (labels.shape, str(labels.dtype)) == ((540,), "int64")
    assert images.min() == 0
    assert images.max() == 1
    assert set(labels.tolist()) == set(range(10))


def test_calibration_shares_no_image_with_the_held_out_set() -> None:
    """Scales come from training images only, in batches that the graph takes."""
    held_out = {image.tobytes() for image in digits.held_out()[0][digits.INPUT]}
    batches = [batch[digits.INPUT] for batch in digits.calibration()]
    assert {(batch.shape, str(batch.dtype)) for batch in batches} == {((8, 1, 8, 8), "float32")}
    assert len(batches) == 16
    assert not held_out & {image.tobytes() for batch in batches for image in batch}


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(digits.held_out, id="the held-out set"),
        pytest.param(lambda: next(digits.calibration()), id="the calibration set"),
        pytest.param(digits.digits, id="the model"),
    ],
)
def test_missing_scikit_learn_names_the_extra(function: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn the error says what to install."""
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits._data.cache_clear()
    with pytest.raises(ConfigurationError, match=r"pip install 'trt-harness\[test\]'"):
        function()
