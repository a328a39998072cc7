"""A one-stage detector like YOLOv5, without non-maximum suppression: every candidate box and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from suites.zoo.builder import GraphBuilder, generator_for
from suites.zoo.conditioning import condition

if TYPE_CHECKING:
    import onnx

CLASSES = 20
_SIZE = 256
_CHANNELS = (16, 32, 64, 96, 128)
_STRIDES = (8, 16, 32)
_BOX = 4
# The side of a level's anchor box, in strides.
_ANCHOR = 4


def detector() -> onnx.ModelProto:
    """Return a detector of five stages, a top-down pyramid and three heads, with 0.6 million weights.

    Input: ``images``, float32 [batch, 3, 256, 256], Gaussian. Outputs, float32: ``boxes`` [batch, 1344, 4] as left,
    top, right, bottom in pixels, and ``scores`` [batch, 1344, 20] in (0, 1); 1344 cells of 8, 16 and 32 pixels.
    """
    build = GraphBuilder("detector")
    levels = _pyramid(build, _backbone(build, build.input("images", ("batch", 3, _SIZE, _SIZE))))
    heads = [f"head{stride}" for stride in _STRIDES]
    cells = [_cells(build, head, level) for head, level in zip(heads, levels, strict=True)]
    candidates = build.add("candidates", "Concat", *(name for name, _ in cells), axis=1)
    _decode(build, candidates, sum(count for _, count in cells))
    draft = build.draft()
    images = generator_for("detector/conditioning").standard_normal((4, 3, _SIZE, _SIZE), dtype=np.float32)
    condition(draft, {"images": images}, heads)
    return draft.to_model()


def _activated(
    build: GraphBuilder, name: str, tensor: str, inputs: int, outputs: int, *, kernel: int, stride: int = 1
) -> str:
    """Append a convolution and SiLU, x · sigmoid(x)."""
    raw = build.convolution(f"{name}/convolution", tensor, inputs, outputs, kernel=kernel, stride=stride)
    return build.add(name, "Mul", raw, build.add(f"{name}/sigmoid", "Sigmoid", raw))


def _backbone(build: GraphBuilder, images: str) -> list[str]:
    """Append five stages that each halve the image; return the last three, of strides 8, 16 and 32."""
    tensor, channels = images, 3
    stages = []
    for stage, wider in enumerate(_CHANNELS):
        name = f"stage{stage}"
        halved = _activated(build, f"{name}/halved", tensor, channels, wider, kernel=3, stride=2)
        squeezed = _activated(build, f"{name}/squeezed", halved, wider, wider // 2, kernel=1)
        refined = _activated(build, f"{name}/refined", squeezed, wider // 2, wider, kernel=3)
        tensor, channels = build.add(name, "Add", halved, refined), wider
        stages.append(tensor)
    return stages[-3:]


def _pyramid(build: GraphBuilder, stages: list[str]) -> list[tuple[str, int]]:
    """Hand coarse features down to finer stages; return each level's tensor and its channels, finest first."""
    doubled = build.constant("pyramid/scales", [1.0, 1.0, 2.0, 2.0])
    finer_channels = list(zip(stages, _CHANNELS[-3:], strict=True))
    above, channels = finer_channels.pop()
    levels = [(above, channels)]
    while finer_channels:
        finer, width = finer_channels.pop()
        name = f"pyramid{len(finer_channels)}"
        upsampled = build.add(
            f"{name}/upsampled",
            "Resize",
            above,
            "",
            doubled,
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )
        joined = build.add(f"{name}/joined", "Concat", finer, upsampled, axis=1)
        above, channels = _activated(build, name, joined, width + channels, width, kernel=3), width
        levels.insert(0, (above, channels))
    return levels


def _cells(build: GraphBuilder, head: str, level: tuple[str, int]) -> tuple[str, int]:
    """Append a head; return its [batch, cells, 4 + classes] and the number of cells."""
    tensor, channels = level
    raw = build.convolution(head, tensor, channels, _BOX + CLASSES, kernel=1)
    flat = build.add(f"{head}/flat", "Reshape", raw, build.constant(f"{head}/shape", [0, _BOX + CLASSES, -1]))
    count = (_SIZE // int(head.removeprefix("head"))) ** 2
    return build.add(f"{head}/cells", "Transpose", flat, perm=[0, 2, 1]), count


def _decode(build: GraphBuilder, candidates: str, count: int) -> None:
    """Append what turns raw candidates into boxes and scores, as YOLOv5 does."""
    corners, strides = _grid()
    build.constant("decode/zero", [0])
    build.constant("decode/middle", [2])
    build.constant("decode/box", [_BOX])
    build.constant("decode/end", [_BOX + CLASSES])
    build.constant("decode/last_axis", [2])
    build.constant("decode/corners", corners)
    build.constant("decode/strides", strides)
    build.constant("decode/anchors", strides * _ANCHOR / 2)
    build.constant("decode/two", [2.0])
    build.constant("decode/half", [0.5])

    def part(name: str, tensor: str, start: str, end: str) -> str:
        return build.add(f"decode/{name}", "Slice", tensor, f"decode/{start}", f"decode/{end}", "decode/last_axis")

    squashed = build.add("decode/squashed", "Sigmoid", candidates)
    spread = build.add("decode/spread", "Mul", part("place_and_size", squashed, "zero", "box"), "decode/two")
    shifted = build.add("decode/shifted", "Sub", part("place", spread, "zero", "middle"), "decode/half")
    offset = build.add("decode/offset", "Mul", shifted, "decode/strides")
    centre = build.add("decode/centre", "Add", offset, "decode/corners")
    size = part("size", spread, "middle", "box")
    half = build.add("decode/half_size", "Mul", build.add("decode/size_squared", "Mul", size, size), "decode/anchors")
    near = build.add("decode/near", "Sub", centre, half)
    build.add("boxes", "Concat", near, build.add("decode/far", "Add", centre, half), axis=2)
    build.add("scores", "Slice", squashed, "decode/box", "decode/end", "decode/last_axis")
    build.output("boxes", ("batch", count, _BOX))
    build.output("scores", ("batch", count, CLASSES))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Return the upper left corners of all cells, [1, cells, 2] as x, y in pixels, and their strides, [1, cells, 1]."""
    corners, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.meshgrid(*[np.arange(0, _SIZE, stride)] * 2, indexing="ij")
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=-1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(corners)[None].astype(np.float32), np.concatenate(strides)[None].astype(np.float32)
