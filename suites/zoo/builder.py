"""A small builder of graphs, for the models that no file has."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

from suites.zoo.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

Shape = tuple[int | str, ...]


def generator_for(name: str) -> np.random.Generator:
    """Return a random generator seeded by ``name``, so that no weight depends on the order in which they are made."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


class GraphBuilder:
    """Collects nodes and weights; every tensor bears the name of the node or weight that makes it.

    Args:
        name: the graph's name, which also seeds its weights.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, np.ndarray] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Shape, element_type: int = TensorProto.FLOAT) -> str:
        """Declare an input; strings in ``shape`` are free dimensions. Return its name."""
        self._inputs.append(helper.make_tensor_value_info(name, element_type, shape))
        return name

    def output(self, name: str, shape: Shape) -> None:
        """Declare the float32 tensor ``name`` to be an output."""
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, name: str, values: np.ndarray | Sequence[float]) -> str:
        """Store ``values`` as an initialiser, float32 unless they are integers. Return its name."""
        array = np.asarray(values)
        self._weights[name] = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        return name

    def weight(self, name: str, shape: tuple[int, ...], deviation: float, mean: float = 0.0) -> str:
        """Store a float32 initialiser of seeded Gaussian values. Return its name."""
        values = generator_for(f"{self._name}/{name}").standard_normal(shape, dtype=np.float32)
        return self.constant(name, values * np.float32(deviation) + np.float32(mean))

    def add(self, name: str, operator: str, *inputs: str, **attributes: object) -> str:
        """Append a node with one output. Return the output's name, which is the node's own."""
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name

    def linear(self, name: str, tensor: str, inputs: int, outputs: int) -> str:
        """Append a matrix product over the last dimension (``inputs`` to ``outputs``) and its bias."""
        weight = self.weight(f"{name}/weight", (inputs, outputs), inputs**-0.5)
        product = self.add(f"{name}/product", "MatMul", tensor, weight)
        return self.add(name, "Add", product, self.weight(f"{name}/bias", (outputs,), 0.1))

    def convolution(self, name: str, tensor: str, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> str:
        """Append a square convolution with bias, padded so that a stride of 1 keeps height and width."""
        weight = self.weight(f"{name}/weight", (outputs, inputs, kernel, kernel), (2 / (inputs * kernel**2)) ** 0.5)
        bias = self.weight(f"{name}/bias", (outputs,), 0.1)
        return self.add(
            name,
            "Conv",
            tensor,
            weight,
            bias,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
        )

    def draft(self) -> Draft:
        """Return everything collected so far."""
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs)
        return Draft(graph, dict(self._weights))
