"""Two stacks of linear layers; ``scripts/try_gate.py`` makes one of them deeper, as a careless change would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suites.zoo.builder import GraphBuilder

if TYPE_CHECKING:
    import onnx

CLASSIFIER_LAYERS = 24
REGRESSOR_LAYERS = 24
_WIDTH = 256


def classifier() -> onnx.ModelProto:
    """Return a model with 10 outputs."""
    return _stack("classifier", CLASSIFIER_LAYERS, outputs=10)


def regressor() -> onnx.ModelProto:
    """Return a model with one output."""
    return _stack("regressor", REGRESSOR_LAYERS, outputs=1)


def _stack(name: str, layers: int, outputs: int) -> onnx.ModelProto:
    """Return layers of 256 units. Input: ``features``, float32 [batch, 256]; output: ``result`` [batch, outputs]."""
    build = GraphBuilder(name)
    tensor = build.input("features", ("batch", _WIDTH))
    for layer in range(layers):
        tensor = build.add(f"active{layer}", "Relu", build.linear(f"layer{layer}", tensor, _WIDTH, _WIDTH))
    build.output(build.linear("result", tensor, _WIDTH, outputs), ("batch", outputs))
    return build.draft().to_model()
