"""Drafts: a graph and, apart from it, the arrays that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    import numpy as np

# The newest pair that TensorRT 8.5, the oldest supported runtime, reads; onnx itself would write a far newer one.
OPSET = 17
IR_VERSION = 8


@dataclass
class Draft:
    """A graph whose weights are still arrays, cheap to rewire and to rescale.

    Attributes:
        graph: nodes, inputs and outputs, without initialisers.
        weights: every constant of the graph by tensor name: float32 weights, int64 shapes.
    """

    graph: onnx.GraphProto
    weights: dict[str, np.ndarray]

    def to_model(self) -> onnx.ModelProto:
        """Return the model, initialisers in the order of ``weights``: the same bytes for the same draft."""
        model = onnx.helper.make_model(
            self.graph,
            producer_name="trt-harness",
            ir_version=IR_VERSION,
            opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        )
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in self.weights.items())
        return model
