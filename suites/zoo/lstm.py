"""A bidirectional LSTM over speech features, as acoustic models are built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from suites.zoo.builder import GraphBuilder

if TYPE_CHECKING:
    import onnx

FEATURES = 80
CLASSES = 40
_HIDDEN = 96
_LAYERS = 2
_GATES = 4


def lstm() -> onnx.ModelProto:
    """Return a projection, two bidirectional LSTM layers of 2 × 96 units and a classifier of each frame.

    Input: ``features``, float32 [batch, sequence, 80]. Output: ``logits``, float32 [batch, sequence, 40].
    """
    build = GraphBuilder("lstm")
    features = build.input("features", ("batch", "sequence", FEATURES))
    projected = build.add("projected", "Tanh", build.linear("projection", features, FEATURES, 2 * _HIDDEN))
    tensor = build.add("time_first", "Transpose", projected, perm=[1, 0, 2])
    for layer in range(_LAYERS):
        tensor = _bidirectional(build, f"lstm{layer}", tensor)
    batch_first = build.add("batch_first", "Transpose", tensor, perm=[1, 0, 2])
    build.output(build.linear("logits", batch_first, 2 * _HIDDEN, CLASSES), ("batch", "sequence", CLASSES))
    return build.draft().to_model()


def _bidirectional(build: GraphBuilder, name: str, tensor: str) -> str:
    """Append a layer over [sequence, batch, 2 × hidden]; both directions are joined in the last dimension again."""
    deviation = (2 * _HIDDEN) ** -0.5
    weights = build.weight(f"{name}/input_weight", (2, _GATES * _HIDDEN, 2 * _HIDDEN), deviation)
    recurrence = build.weight(f"{name}/recurrent_weight", (2, _GATES * _HIDDEN, _HIDDEN), deviation)
    bias = build.weight(f"{name}/bias", (2, 2 * _GATES * _HIDDEN), 0.1)
    directions = build.add(
        f"{name}/directions",
        "LSTM",
        tensor,
        weights,
        recurrence,
        bias,
        direction="bidirectional",
        hidden_size=_HIDDEN,
    )
    by_step = build.add(f"{name}/by_step", "Transpose", directions, perm=[0, 2, 1, 3])
    return build.add(name, "Reshape", by_step, build.constant(f"{name}/shape", np.array([0, 0, 2 * _HIDDEN])))
