"""Faults planted in a graph: small ones, of the kinds that a wrong export or a broken kernel makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from onnx import TensorProto, numpy_helper

from harness.graphs.recipes import COMPUTING_OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnx import ModelProto

# Smaller ones hold constants rather than weights: a percent of them is no element at all.
_FEWEST_WEIGHTS = 100
_SHARE_OF_SIGNS = 0.01
_BIAS_FACTOR = 1.5
# Which input of an operator is its bias.
_BIASES = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "LSTM": 3, "GRU": 3, "RNN": 3, "Add": 1, "BatchNormalization": 2}
# The axis of an operator's weight along which its output channels lie; 0 where it is not named.
_CHANNEL_AXES = {"MatMul": 1, "Gemm": 1, "ConvTranspose": 1}


class _Place(NamedTuple):
    """A constant that a fault may be planted in, and the node that reads it."""

    tensor: TensorProto
    node: str
    operator: str


def planted_faults(model: ModelProto, count: int, *, seed: int = 0) -> Iterator[str]:
    """Yield a description of each of ``count`` faults while ``model`` has it; afterwards it is as it was.

    Kinds take turns: the signs of 1 % of a layer's weights are flipped, a bias is half as large again, two channels of
    a layer change places. Layers are drawn at random, and a kind for which the graph has no place is left out.

    Args:
        model: an FP32 graph with its weights; the generator must be run to its end, or the last fault stays in it.
        count: how many.
        seed: another one draws other layers; the same gives the same faults.
    """
    generator = np.random.default_rng(seed)
    weights, biases = _places(model)
    kinds: list[tuple[list[_Place], Callable[[np.random.Generator, np.ndarray, str], str]]] = [
        (weights, _flip_signs),
        (biases, _scale),
        ([place for place in weights if min(place.tensor.dims) > 1], _swap_channels),
    ]
    possible = [kind for kind in kinds if kind[0]]
    for number in range(count if possible else 0):
        places, change = possible[number % len(possible)]
        place = places[int(generator.integers(len(places)))]
        before = TensorProto()
        before.CopyFrom(place.tensor)
        array = numpy_helper.to_array(place.tensor).copy()
        what = change(generator, array, place.operator)
        place.tensor.CopyFrom(numpy_helper.from_array(array, before.name))
        yield f"{what} of {place.node!r}"
        place.tensor.CopyFrom(before)


def _places(model: ModelProto) -> tuple[list[_Place], list[_Place]]:
    constants = {tensor.name: tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    weights: dict[str, _Place] = {}
    biases: dict[str, _Place] = {}
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            if name not in constants:
                continue
            place = _Place(constants[name], node.name or node.output[0], node.op_type)
            size = int(np.prod(place.tensor.dims))
            if _BIASES.get(node.op_type) == position and 1 < size == max(place.tensor.dims, default=0):
                biases[name] = place
            elif node.op_type in COMPUTING_OPERATORS and len(place.tensor.dims) > 1 and size >= _FEWEST_WEIGHTS:
                weights[name] = place
    return list(weights.values()), [place for place in biases.values() if numpy_helper.to_array(place.tensor).any()]


def _flip_signs(generator: np.random.Generator, array: np.ndarray, _: str) -> str:
    chosen = generator.choice(array.size, max(1, round(array.size * _SHARE_OF_SIGNS)), replace=False)
    array.reshape(-1)[chosen] *= -1
    return f"the signs of {_SHARE_OF_SIGNS:.0%} of the weights"


def _scale(_: np.random.Generator, array: np.ndarray, __: str) -> str:
    array *= _BIAS_FACTOR
    return f"{_BIAS_FACTOR:g} times the bias"


def _swap_channels(generator: np.random.Generator, array: np.ndarray, operator: str) -> str:
    axis = _CHANNEL_AXES.get(operator, 0)
    first, second = (int(i) for i in generator.choice(array.shape[axis], 2, replace=False))
    channels = np.moveaxis(array, axis, 0)
    channels[[first, second]] = channels[[second, first]]
    return f"channels {first} and {second} exchanged in the weights"
