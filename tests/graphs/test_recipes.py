from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness.cases import BF16, FP16, FP32, INT8, RECIPES, TF32, Precision
from harness.errors import CalibrationError, ConfigurationError
from harness.graphs.recipes import RECIPE_VERSIONS, apply_recipe, type_shares
from harness.graphs.walk import copy_of
from tests.graphs.small_graphs import branching, classifier, images, model_of


def test_every_recipe_has_a_version() -> None:
    """The cache knows a version for each recipe that a precision can name."""
    assert set(RECIPE_VERSIONS) == set(RECIPES)


@pytest.mark.parametrize(
    "precision",
    [FP32, TF32, Precision("fp16-flags"), Precision("int8-calibrator")],
    ids=lambda precision: precision.name,
)
def test_recipes_of_the_runtime_leave_the_graph_alone(precision: Precision) -> None:
    """What a runtime's settings or a builder's flags decide is the same graph, and not even a copy."""
    model = classifier()
    assert apply_recipe(model, precision).model is model


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        pytest.param(FP32, {"float32": 1.0}, id="fp32"),
        pytest.param(TF32, {"float32": 1.0}, id="tf32"),
        pytest.param(FP16, {"float16": 1.0}, id="fp16"),
        pytest.param(BF16, {"bfloat16": 1.0}, id="bf16"),
        pytest.param(INT8, {"int8": 1.0}, id="int8"),
        pytest.param(Precision("fp16", ("gemm",), "m"), {"float16": 0.5, "float32": 0.5}, id="fp16 with one node kept"),
        pytest.param(Precision("int8", ("gemm",), "m"), {"float32": 0.5, "int8": 0.5}, id="int8 with one node kept"),
    ],
)
def test_a_recipe_is_seen_in_the_types_that_its_graph_computes_in(
    precision: Precision, expected: dict[str, float]
) -> None:
    """The shares of number types tell each recipe's graph from the others'."""
    assert type_shares(apply_recipe(classifier(), precision, [images(1)]).model) == expected


@pytest.mark.parametrize(("keep", "expected"), [("conv", 0.5), ("gemm", 0.0)], ids=["the first node", "a later node"])
def test_a_kept_node_of_bf16_is_seen_where_it_reads_unrounded_input(keep: str, expected: float) -> None:
    """A kept node counts as float32 if it reads what nothing rounded; else as the bfloat16 that it is handed."""
    model = apply_recipe(classifier(), Precision("bf16", (keep,), "mixed")).model
    assert type_shares(model).get("float32", 0.0) == expected


def test_an_fp16_graph_that_is_fp32_throughout_is_seen() -> None:
    """A graph whose every node was kept, or whose products stand between casts to float32, has no float16 share."""
    model = apply_recipe(classifier(), Precision("fp16", ("*",), "hollow")).model
    assert type_shares(model) == {"float32": 1.0}


def test_weights_alone_in_int8_are_no_int8_arithmetic() -> None:
    """A product whose weights are dequantised but whose activations are floats computes in floats."""
    model = copy_of(apply_recipe(classifier(), INT8, [images(1)]).model)
    gemm = next(node for node in model.graph.node if node.op_type == "Gemm")
    gemm.input[0] = "features"
    assert type_shares(model) == {"float32": 0.5, "int8": 0.5}


def test_operators_that_only_move_data_are_looked_through() -> None:
    """A transposed weight between DequantizeLinear and its product, as exporters write it, still counts as int8."""
    one: dict[str, np.ndarray] = {
        "scale": np.ones((), np.float32),
        "zero": np.zeros((), np.int8),
        "weight": np.ones((4, 8), np.int8),
    }
    model = model_of(
        [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], "quantise"),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"], "dequantise"),
            helper.make_node("DequantizeLinear", ["weight", "scale", "zero"], ["w"], "weight_dequantise"),
            helper.make_node("Transpose", ["w"], ["turned"], "turn"),
            helper.make_node("MatMul", ["d", "turned"], ["y"], "product"),
        ],
        {"x": [2, 8]},
        {"y": [2, 4]},
        one,
    )
    onnx.checker.check_model(model, full_check=True)
    assert type_shares(model) == {"int8": 1.0}


def test_nested_graphs_are_counted() -> None:
    """The products inside the branches of an If are counted."""
    assert type_shares(branching()) == {"float32": 1.0}


def test_types_beyond_inference_are_called_unknown() -> None:
    """A product of what a foreign operator makes is counted, as unknown rather than as anything."""
    model = model_of(
        [
            helper.make_node("Mystery", ["x"], ["m"], "mystery", domain="custom"),
            helper.make_node("MatMul", ["m", "m"], ["y"], "product"),
        ],
        {"x": [2, 2]},
        {"y": [2, 2]},
    )
    model.opset_import.add(domain="custom", version=1)
    assert type_shares(model) == {"unknown": 1.0}


def test_a_graph_that_computes_nothing_has_no_shares() -> None:
    """Shares of nothing are not invented."""
    model = model_of([helper.make_node("Relu", ["x"], ["y"], "relu")], {"x": [1]}, {"y": [1]})
    assert type_shares(model) == {}


def test_int8_needs_a_calibration_set() -> None:
    """INT8 without samples is refused."""
    with pytest.raises(CalibrationError, match="none was given"):
        apply_recipe(classifier(), INT8)


@pytest.mark.parametrize("recipe", RECIPES)
def test_nodes_to_keep_are_checked_by_every_recipe(recipe: str) -> None:
    """A pattern that matches no node is an error in recipes that change nothing, too."""
    precision = Precision(recipe, ("no_such_node",), "mixed")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="'no_such_node'"):
        apply_recipe(classifier(), precision, [images(1)])


def test_clamped_weights_are_noted() -> None:
    """What the FP16 recipe does to weights that do not fit is in its notes."""
    weight = {"weight": np.full((2, 2), 1e6, np.float32)}
    model = model_of([helper.make_node("MatMul", ["x", "weight"], ["y"], "p")], {"x": [2, 2]}, {"y": [2, 2]}, weight)
    assert "clamped" in apply_recipe(model, FP16).notes[0]
    assert apply_recipe(classifier(), FP16).notes == ()


def test_what_bf16_leaves_out_is_noted() -> None:
    """The BF16 oracle says that it does not go into nested graphs."""
    assert apply_recipe(branching(), BF16).notes == ("the bodies of If, Loop and Scan stay in FP32",)
    assert apply_recipe(classifier(), BF16).notes == ()
    assert TensorProto.BFLOAT16 not in {t.data_type for t in apply_recipe(classifier(), BF16).model.graph.initializer}
