from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from harness.errors import ModelError
from harness.graphs.element_types import element_types, type_name, with_inferred_types
from tests.graphs.small_graphs import branching, classifier, model_of


@pytest.mark.parametrize(
    ("element_type", "name"),
    [
        (TensorProto.FLOAT, "float32"),
        (TensorProto.DOUBLE, "float64"),
        (TensorProto.FLOAT16, "float16"),
        (TensorProto.BFLOAT16, "bfloat16"),
        (TensorProto.FLOAT8E4M3FN, "float8_e4m3fn"),
        (TensorProto.INT64, "int64"),
        (TensorProto.INT4, "int4"),
        (TensorProto.BOOL, "bool"),
    ],
    ids=str,
)
def test_types_have_numpy_names(element_type: int, name: str) -> None:
    """ONNX element types are called what numpy or ml_dtypes call them."""
    assert type_name(element_type) == name


def test_every_tensor_of_a_graph_gets_its_type() -> None:
    """Inputs, weights, outputs and the tensors between are all known after inference."""
    types = element_types(classifier())
    between = {"convolved", "normal", "activated", "pooled", "features"}
    assert between | {"image", "filters", "head", "scores"} <= set(types)
    assert set(types.values()) == {"float32"}


def test_inference_changes_neither_inputs_nor_weights() -> None:
    """Weights that inference is spared are back in their place afterwards, and the model given is as it was."""
    model = model_of(
        [helper.make_node("MatMul", ["x", "weight"], ["y"], "matmul")],
        {"x": ["batch", 64]},
        {"y": ["batch", 64]},
        {"weight": np.ones((64, 64), np.float32)},
    )
    before = model.SerializeToString(deterministic=True)
    inferred = with_inferred_types(model)
    assert list(inferred.graph.input) == list(model.graph.input)
    assert list(inferred.graph.initializer) == list(model.graph.initializer)
    assert model.SerializeToString(deterministic=True) == before


def test_weights_listed_as_inputs_are_no_obstacle() -> None:
    """A graph of IR version 3, whose weights are inputs too, is inferred and keeps its inputs."""
    model = model_of(
        [
            helper.make_node("MatMul", ["x", "weight"], ["product"], "matmul"),
            helper.make_node("Relu", ["product"], ["y"]),
        ],
        {"x": ["batch", 64], "weight": [64, 64]},
        {"y": ["batch", 64]},
        {"weight": np.ones((64, 64), np.float32)},
        ir_version=3,
    )
    inferred = with_inferred_types(model)
    assert element_types(model)["product"] == "float32"
    assert list(inferred.graph.input) == list(model.graph.input)


def test_nested_graphs_are_inferred_too() -> None:
    """Tensors inside the branches of an If have types."""
    types = element_types(branching())
    assert types["then_product"] == types["else_weight"] == "float32"
    assert types["flag"] == "bool"


def test_a_graph_that_contradicts_itself_is_refused() -> None:
    """Where inference gives up, the reason is passed on as an error about the model."""
    node = helper.make_node("Mystery", ["x"], ["y"], "mystery", domain="of_no_import")
    with pytest.raises(ModelError, match=r"cannot be inferred: .*mystery"):
        with_inferred_types(model_of([node], {"x": [1]}, {"y": [1]}))
