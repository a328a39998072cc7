"""A catalogue in which one model can be made slower, and nothing else: for ``real_sessions.py``.

With ``SLOWED=yes`` in the environment the tower has a tenth more layers. They use the weights of earlier ones, so that
its engine is no larger, and only a clock can tell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.cases import FP32, Model, Profile
from suites.catalogue import CATALOGUE as SHIPPED
from suites.zoo.builder import GraphBuilder

if TYPE_CHECKING:
    import onnx

UNCHANGED_MODELS = ("squeezenet", "shufflenet", "encoder", "digits")
LAYERS, MORE_LAYERS = 40, 4
_BATCH, _WIDTH = 64, 256


def tower() -> onnx.ModelProto:
    """Return 40 linear layers. Input: ``features``, float32 [batch, 256]; output: ``result`` [batch, 8]."""
    return _tower(LAYERS)


def slowed_tower() -> onnx.ModelProto:
    """Return the same with four layers more, of the first four layers' weights."""
    return _tower(LAYERS + MORE_LAYERS)


def _tower(layers: int) -> onnx.ModelProto:
    build = GraphBuilder("tower")
    tensor = build.input("features", ("batch", _WIDTH))
    weights = [build.weight(f"weight{layer}", (_WIDTH, _WIDTH), (2 / _WIDTH) ** 0.5) for layer in range(LAYERS)]
    for layer in range(layers):
        tensor = build.add(f"multiplied{layer}", "MatMul", tensor, weights[layer % LAYERS])
        tensor = build.add(f"active{layer}", "Relu", tensor)
    build.output(build.linear("result", tensor, _WIDTH, 8), ("batch", 8))
    return build.draft().to_model()


CATALOGUE = (
    *(model for model in SHIPPED if model.name in UNCHANGED_MODELS),
    Model(
        name="tower",
        source=f"benchmarks.slowed:{'slowed_tower' if os.environ.get('SLOWED') else 'tower'}",
        profiles=(Profile({"batch": _BATCH}),),
        precisions=(FP32,),
    ),
)
