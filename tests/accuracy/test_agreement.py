from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy.agreement import LEAST_SQNR_DB, agreement_of
from harness.errors import ReferenceDisagrees

GENERATOR = np.random.default_rng(0)
LAYER = GENERATOR.normal(size=(4, 1000)).astype(np.float32)
NOISE = GENERATOR.normal(size=LAYER.shape).astype(np.float32)


def noisy(decibels: float) -> np.ndarray:
    """Return the layer with noise at a ratio of signal to noise."""
    return LAYER + NOISE * np.float32(10 ** (-decibels / 20))


def test_the_tensor_that_differs_most_is_named() -> None:
    """Of all tensors the smallest ratio is reported, with its tensor and their number."""
    found = agreement_of({"a": noisy(130), "b": noisy(100), "c": LAYER}, {"a": LAYER, "b": LAYER, "c": LAYER})
    assert (found.tensors, found.worst) == (3, "b")
    assert found.sqnr_db == pytest.approx(100, abs=1)


def test_equal_tensors_agree_without_limit() -> None:
    """Where nothing differs the ratio is infinite; words are not compared."""
    found = agreement_of({"a": LAYER}, {"a": LAYER, "words": np.array(["x"])})
    assert (found.tensors, found.worst, found.sqnr_db) == (1, "a", math.inf)


def test_another_order_of_summation_is_no_disagreement() -> None:
    """Products of 4608 terms, as a convolution over 512 channels has them, summed forwards and backwards in FP32."""
    left = GENERATOR.normal(size=(64, 4608)).astype(np.float32)
    right = GENERATOR.normal(size=(64, 4608)).astype(np.float32)
    forwards = np.cumsum(left * right, axis=1, dtype=np.float32)[:, -1]
    backwards = np.cumsum((left * right)[:, ::-1], axis=1, dtype=np.float32)[:, -1]
    assert agreement_of({"y": forwards}, {"y": backwards}).sqnr_db > LEAST_SQNR_DB + 10


def test_tf32_is_a_disagreement() -> None:
    """One product of numbers rounded to TF32's eleven bits is told from FP32."""
    left, right = LAYER, NOISE
    mask = np.uint32(0xFFFFE000)
    rounded = [(array.view(np.uint32) & mask).view(np.float32) for array in (left, right)]
    with pytest.raises(ReferenceDisagrees, match=r"'y' is not what the CPU makes of it: .*above 80 dB"):
        agreement_of({"y": rounded[0] * rounded[1]}, {"y": left * right})


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        pytest.param({}, r"'y' is not there, and has shape \[4, 1000\] on the CPU", id="missing"),
        pytest.param({"y": LAYER[:2]}, r"'y' has shape \[2, 1000\], and has shape \[4, 1000\]", id="another shape"),
        pytest.param({"y": noisy(75)}, r"'y' is not what the CPU makes of it: .*7\d\.\d dB", id="too far"),
        pytest.param({"y": np.where(LAYER > 3, np.nan, LAYER)}, "NaN or Inf on one side", id="not a number"),
    ],
)
def test_what_cannot_stand_for_the_cpu_is_named(actual: dict[str, np.ndarray], message: str) -> None:
    """The error has the tensor and how far it is off."""
    with pytest.raises(ReferenceDisagrees, match=message):
        agreement_of(actual, {"y": LAYER})
