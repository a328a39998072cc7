"""Tiny models with labelled sets whose score is known in closed form, one for each kind of task beside classification.

Every model reads off its input what was painted there, and every set paints something else than its labels say in a
known number of places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from suites.zoo.builder import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx

Sample = tuple[dict[str, np.ndarray], np.ndarray]

_CELL, _GRID, _SHAPES = 8, 4, 3
_PATCH = slice(2, 6)
# Of 60 objects of each of the three classes, 45 are painted: recall 0.75 at precision 1, so that 76 of 101 recalls
# are reached.
_OBJECTS, _PAINTED = 60, 45
DETECTION_AP = 76 / 101

_PIXELS, _PAINTED_WRONG = 1600, 320
# Of two classes of 1600 pixels, 320 of class 0 are painted as class 1.
SEGMENTATION_IOU = (1280 / 1600 + 1600 / 1920) / 2

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
# 40 sequences of two entities; in 10 of them the second one is written without its last token.
SEQUENCE_F1 = 70 / 80
SEQUENCE_ACCURACY = (40 * 7 - 10) / (40 * 7)

_DIRECTIONS = 8
# 8 directions of 6 samples each; 4 more samples, in directions of their own, are labelled as the first four are.
RETRIEVAL = 48 / 52


def detector() -> onnx.ModelProto:
    """Return a detector of painted squares: ``image`` [batch, 4, 32, 32] to ``boxes`` and ``scores`` of 16 cells.

    Channels 0 to 2 hold the class, channel 3 half the side of the square in cells.
    """
    build = GraphBuilder("tiny_detector")
    kernel = np.zeros((4, 4, _CELL, _CELL), np.float32)
    kernel[range(4), range(4), _PATCH, _PATCH] = [[[20.0 / 16]]] * _SHAPES + [[[1.0 / 16]]]
    image = build.input("image", ("batch", 4, _CELL * _GRID, _CELL * _GRID))
    weight, bias = build.constant("weight", kernel), build.constant("bias", [-10.0] * _SHAPES + [0.0])
    sides = {"kernel_shape": [_CELL] * 2, "strides": [_CELL] * 2}
    grid = build.add("grid", "Conv", image, weight, bias, **sides)
    cells = build.add("cells", "Reshape", grid, build.constant("flat", np.array([0, 4, -1])))
    rows = build.add("rows", "Transpose", cells, perm=[0, 2, 1])
    zero, three, four, axis = (
        build.constant(name, np.array([value])) for name, value in (("0", 0), ("3", 3), ("4", 4), ("axis", 2))
    )
    build.add("scores", "Sigmoid", build.add("raw", "Slice", rows, zero, three, axis))
    half = build.add("half", "Mul", build.add("size", "Slice", rows, three, four, axis), build.constant("8", [8.0]))
    centres = build.constant("centres", _centres()[None])
    near = build.add("near", "Sub", centres, half)
    build.add("boxes", "Concat", near, build.add("far", "Add", centres, half), axis=2)
    build.output("boxes", ("batch", _GRID**2, 4))
    build.output("scores", ("batch", _GRID**2, _SHAPES))
    return build.draft().to_model()


def boxes() -> Iterator[Sample]:
    """Yield 30 images with two objects of each class; of a quarter of the objects nothing is painted."""
    generator = np.random.default_rng(11)
    painted = generator.permuted(np.tile(np.arange(_OBJECTS) < _PAINTED, (_SHAPES, 1)), axis=1).reshape(_SHAPES, -1, 2)
    for index in range(_OBJECTS // 2):
        image = np.zeros((4, _CELL * _GRID, _CELL * _GRID), np.float32)
        labels = []
        cells = generator.permutation(_GRID**2)
        for kind in range(_SHAPES):
            for place in range(2):
                x, y = _centres()[cells[2 * kind + place]].astype(int)
                half = int(generator.integers(2, 4))
                if painted[kind, index, place]:
                    inside = np.s_[y - 2 : y + 2, x - 2 : x + 2]
                    image[kind][inside], image[3][inside] = 1.0, half / _CELL
                labels.append([x - half, y - half, x + half, y + half, kind])
        yield {"image": image}, np.array(labels, np.float64)


def segmenter() -> onnx.ModelProto:
    """Return a 1 × 1 convolution: ``image`` [batch, 2, 8, 10] to ``scores`` of the same shape."""
    build = GraphBuilder("tiny_segmenter")
    image = build.input("image", ("batch", 2, 8, 10))
    build.add("scores", "Conv", image, build.constant("weight", np.eye(2, dtype=np.float32)[..., None, None]))
    build.output("scores", ("batch", 2, 8, 10))
    return build.draft().to_model()


def pixels() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return 41 images of two classes, of which the last is void, and their labels."""
    generator = np.random.default_rng(12)
    labels = generator.permutation(np.repeat([0, 1], _PIXELS))
    painted = labels.copy()
    painted[generator.choice(np.flatnonzero(labels == 0), _PAINTED_WRONG, replace=False)] = 1
    images = np.eye(2, dtype=np.float32)[painted].reshape(40, 8, 10, 2).transpose(0, 3, 1, 2)
    void = np.full((1, 8, 10), 255)
    return {"image": np.concatenate([images, images[:1]])}, np.concatenate([labels.reshape(40, 8, 10), void])


def embedder() -> onnx.ModelProto:
    """Return a rotation: ``image`` [batch, 16] to ``vector`` [batch, 16]."""
    build = GraphBuilder("tiny_embedder")
    rotation, _ = np.linalg.qr(np.random.default_rng(13).normal(size=(16, 16)))
    build.add("vector", "MatMul", build.input("image", ("batch", 16)), build.constant("weight", rotation))
    build.output("vector", ("batch", 16))
    return build.draft().to_model()


def directions() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return vectors near eight axes, and four near other axes that are labelled as the first four."""
    labels = np.concatenate([np.repeat(np.arange(_DIRECTIONS), 6), np.arange(4)])
    axes = np.concatenate([np.repeat(np.arange(_DIRECTIONS), 6), _DIRECTIONS + np.arange(4)])
    noise = np.random.default_rng(14).normal(size=(len(axes), 16)) * 0.02
    return {"image": (np.eye(16)[axes] + noise).astype(np.float32)}, labels


def tagger() -> onnx.ModelProto:
    """Return a table of tags: ``words`` int64 [batch, 8] to ``scores`` [batch, 8, 5]."""
    from onnx import TensorProto

    build = GraphBuilder("tiny_tagger")
    words = build.input("words", ("batch", 8), TensorProto.INT64)
    looked_up = build.add("rows", "Gather", build.constant("table", np.eye(5, dtype=np.float32)), words, axis=0)
    build.add("scores", "MatMul", looked_up, build.constant("weight", np.eye(5, dtype=np.float32)))
    build.output("scores", ("batch", 8, 5))
    return build.draft().to_model()


def words() -> Iterator[Sample]:
    """Yield 40 sequences of seven tags and one word of padding; in 10 of them an entity is cut short."""
    for index in range(40):
        tags = np.array([1, 2, 0, 0, 3, 4, 4])
        written = np.append(tags, 0)
        written[6] = 0 if index < 10 else 4
        yield {"words": written}, np.append(tags, -100)


def _centres() -> np.ndarray:
    rows, columns = np.meshgrid(*[np.arange(_GRID) * _CELL + _CELL / 2] * 2, indexing="ij")
    return np.stack([columns.ravel(), rows.ravel()], axis=-1).astype(np.float32)
