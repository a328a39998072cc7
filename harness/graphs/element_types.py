"""Which number type each tensor of a graph is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto

from harness.errors import ModelError
from harness.graphs.walk import graphs_in, with_weights_as_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where numpy's (or ml_dtypes') name is not simply ONNX's in lower case.
_NUMPY_NAMES: Mapping[str, str] = {
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "STRING": "str",
    "FLOAT8E4M3FN": "float8_e4m3fn",
    "FLOAT8E4M3FNUZ": "float8_e4m3fnuz",
    "FLOAT8E5M2": "float8_e5m2",
    "FLOAT8E5M2FNUZ": "float8_e5m2fnuz",
    "FLOAT8E8M0": "float8_e8m0fnu",
    "FLOAT4E2M1": "float4_e2m1fn",
}


def type_name(element_type: int) -> str:
    """Return numpy's name of an ONNX element type, e.g. ``float32``, or ml_dtypes', e.g. ``bfloat16``."""
    name: str = TensorProto.DataType.Name(element_type)
    return _NUMPY_NAMES.get(name, name.lower())


def with_inferred_types(model: ModelProto) -> ModelProto:
    """Return a copy of ``model`` whose value infos tell type and shape of each tensor, as far as ONNX can infer them.

    Raises:
        ModelError: the graph contradicts itself, so that inference gives up.
    """
    inferred = _inferred_without_weights(model)
    del inferred.graph.input[:]
    inferred.graph.input.extend(model.graph.input)
    del inferred.graph.initializer[:]
    inferred.graph.initializer.extend(model.graph.initializer)
    return inferred


def element_types(model: ModelProto) -> dict[str, str]:
    """Return numpy's type name of each tensor of ``model`` by its name, those of nested graphs included.

    Tensors whose type cannot be inferred, and those that are sequences, maps or optional, are left out.

    Raises:
        ModelError: the graph contradicts itself, so that inference gives up.
    """
    types = {tensor.name: type_name(tensor.data_type) for tensor in model.graph.initializer}
    for graph in graphs_in(_inferred_without_weights(model).graph):
        for value in (*graph.value_info, *graph.input, *graph.output):
            if is_tensor(value):
                types[value.name] = type_name(value.type.tensor_type.elem_type)
        types.update({tensor.name: type_name(tensor.data_type) for tensor in graph.initializer})
    return types


def _inferred_without_weights(model: ModelProto) -> ModelProto:
    """Return the inferred graph, its weights turned into inputs so that no model is too large and few take long."""
    try:
        return onnx.shape_inference.infer_shapes(with_weights_as_inputs(model), data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise ModelError(f"the types of the graph's tensors cannot be inferred: {error}. Export it again.") from None


def is_tensor(value: ValueInfoProto) -> bool:
    """Tell whether ``value`` is declared to be a tensor of a known element type."""
    return bool(value.type.HasField("tensor_type") and value.type.tensor_type.elem_type)
