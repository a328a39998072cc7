"""A trained classifier with its labelled data: the 1797 handwritten digits in scikit-learn's wheel.

Images are of 8 × 8 pixels. Two seeded random convolutions make 2048 features of one, and ridge regression in closed
form makes the ten scores. Nothing is trained by gradient descent, so the model is there in a second and the same on
every machine; it knows 99.4 % of the 540 images that it has not seen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import ConfigurationError
from suites.zoo.builder import GraphBuilder, generator_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx

    from suites.zoo.draft import Draft

INPUT = "image"
CLASSES = 10
_SIDE = 8
_CHANNELS = (32, 128)
_POOL = 2
_FEATURES = _CHANNELS[-1] * (_SIDE // _POOL) ** 2
_HELD_OUT = 540
_RIDGE = 10.0
_CALIBRATION_BATCHES = 16
_CALIBRATION_BATCH = 8
# The ridge head is rounded to this, so that the order in which a linear algebra library adds does not change the model.
_WEIGHT_STEP = 2.0**-16


def digits() -> onnx.ModelProto:
    """Return the classifier.

    Input: ``image``, float32 [batch, 1, 8, 8] in [0, 1]. Output: ``logits``, float32 [batch, 10].

    Raises:
        ConfigurationError: scikit-learn is not installed.
    """
    build = GraphBuilder("digits")
    tensor, channels = build.input(INPUT, ("batch", 1, _SIDE, _SIDE)), 1
    for layer, wider in enumerate(_CHANNELS):
        tensor = build.convolution(f"convolution{layer}", tensor, channels, wider, kernel=3)
        tensor, channels = build.add(f"relu{layer}", "Relu", tensor), wider
    tensor = build.add("pool", "MaxPool", tensor, kernel_shape=[_POOL] * 2, strides=[_POOL] * 2)
    tensor = build.add("features", "Flatten", tensor)
    build.output("logits", ("batch", CLASSES))
    weight, bias = "head/weight", "head/bias"
    build.add("logits", "Gemm", tensor, weight, bias, transB=1)
    draft = build.draft()
    draft.weights[weight], draft.weights[bias] = _ridge_head(draft)
    return draft.to_model()


def held_out() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the 540 images that the classifier has not seen, and their labels.

    Images are float32 [540, 1, 8, 8] by input name, labels int64 [540].

    Raises:
        ConfigurationError: scikit-learn is not installed.
    """
    images, labels = _data()
    return {INPUT: images[:_HELD_OUT]}, labels[:_HELD_OUT]


def calibration() -> Iterator[dict[str, np.ndarray]]:
    """Yield 16 batches of 8 training images: float32 [8, 1, 8, 8] by input name.

    Raises:
        ConfigurationError: scikit-learn is not installed.
    """
    images, _ = _data()
    for batch in range(_CALIBRATION_BATCHES):
        start = _HELD_OUT + batch * _CALIBRATION_BATCH
        yield {INPUT: images[start : start + _CALIBRATION_BATCH]}


@lru_cache(maxsize=1)
def _data() -> tuple[np.ndarray, np.ndarray]:
    """Return all images, float32 [1797, 1, 8, 8] in [0, 1], and labels, int64 [1797], in a seeded order."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ConfigurationError(
            "the digits model reads its images from scikit-learn, which is not installed. Install it: "
            "pip install 'trt-harness[test]'"
        ) from None
    data = load_digits()
    order = generator_for("digits/order").permutation(len(data.target))
    images = (data.images[order] / 16).astype(np.float32).reshape(-1, 1, _SIDE, _SIDE)
    return images, data.target[order].astype(np.int64)


def _ridge_head(draft: Draft) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [10, 2048] and biases [10], float32, that fit ±1 per class to the training images.

    The ridge is solved in its dual form, F'(FF' + λ)⁻¹T (Saunders, Gammerman and Vovk, 1998): there are fewer images
    than features.
    """
    images, labels = _data()
    features = _features(images[_HELD_OUT:], draft.weights)
    features = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    targets = 2 * np.eye(CLASSES)[labels[_HELD_OUT:]] - 1
    solved = features.T @ np.linalg.solve(features @ features.T + _RIDGE * np.eye(len(features)), targets)
    rounded = (np.round(solved / _WEIGHT_STEP) * _WEIGHT_STEP).astype(np.float32)
    return np.ascontiguousarray(rounded[:_FEATURES].T), rounded[_FEATURES]


def _features(images: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """Compute what the graph calls ``features``, in float64: [images, 2048]."""
    tensor = images.astype(np.float64)
    for layer in range(len(_CHANNELS)):
        kernel = weights[f"convolution{layer}/weight"].astype(np.float64)
        bias = weights[f"convolution{layer}/bias"].astype(np.float64)
        padded = np.pad(tensor, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(2, 3))
        products = np.tensordot(windows, kernel, axes=((1, 4, 5), (1, 2, 3))) + bias
        tensor = np.maximum(products, 0).transpose(0, 3, 1, 2)
    blocks = tensor.reshape(len(tensor), _CHANNELS[-1], _SIDE // _POOL, _POOL, _SIDE // _POOL, _POOL)
    features: np.ndarray = blocks.max(axis=(3, 5)).reshape(len(tensor), -1)
    return features
