from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ConfigurationError, ModelError
from harness.graphs.bf16 import round_to_bfloat16, to_bf16
from tests.graphs.small_graphs import classifier, cosine, images, model_of, run, two_products


def test_rounding_is_that_of_bfloat16() -> None:
    """Half a million floats of any bit pattern, and the awkward ones, round as ml_dtypes rounds them."""
    bits = np.random.default_rng(0).integers(0, 2**32, 500_000, dtype=np.uint32)
    awkward = np.array([0.0, -0.0, np.inf, -np.inf, 3.4e38, 1e-45, 1.00390625, 1.01171875], np.float32)
    values = np.concatenate([bits.view(np.float32), awkward])
    with np.errstate(invalid="ignore"):
        expected = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(round_to_bfloat16(values), expected)


def test_rounding_keeps_the_shape() -> None:
    """A scalar stays a scalar and a matrix a matrix."""
    assert round_to_bfloat16(np.float32(1.001) * np.ones(())).shape == ()
    assert round_to_bfloat16(np.ones((2, 3), np.float32)).shape == (2, 3)


def test_every_tensor_is_rounded_under_its_own_name() -> None:
    """Weights, inputs as read, and what each node makes are bfloat16 values in float32 tensors of the old names."""
    oracle = to_bf16(classifier())
    onnx.checker.check_model(oracle, full_check=True)
    for tensor in oracle.graph.initializer:
        array = numpy_helper.to_array(tensor)
        np.testing.assert_array_equal(array, round_to_bfloat16(array))
    oracle.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ("convolved", "activated", "features"))
    results = run(oracle, images(2), optimised=False)
    assert results["convolved"].dtype == np.float32
    for name, array in results.items():
        np.testing.assert_array_equal(array, round_to_bfloat16(array), err_msg=name)


def test_results_are_near_those_of_float32() -> None:
    """The oracle's error is that of an eight-bit mantissa: neither nothing nor much."""
    expected = run(classifier(), images(4))["scores"]
    actual = run(to_bf16(classifier()), images(4), optimised=False)["scores"]
    assert np.abs(actual - expected).max() > 1e-4
    assert cosine(actual, expected) > 0.9999


def test_the_graph_computes_what_bfloat16_arithmetic_with_wide_sums_gives() -> None:
    """For one matrix product the result is, to the bit, the rounded product of rounded operands."""
    weight = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
    model = model_of(
        [helper.make_node("MatMul", ["x", "weight"], ["y"], "matmul")], {"x": [2, 4]}, {"y": [2, 4]}, {"weight": weight}
    )
    x = np.random.default_rng(2).normal(size=(2, 4)).astype(np.float32)
    exact = round_to_bfloat16(x).astype(np.float64) @ round_to_bfloat16(weight).astype(np.float64)
    np.testing.assert_array_equal(
        run(to_bf16(model), {"x": x}, optimised=False)["y"], round_to_bfloat16(exact.astype(np.float32))
    )


def test_kept_nodes_compute_on_unrounded_weights() -> None:
    """A kept node's weights and results are not rounded, but what the next node reads of them is."""
    oracle = to_bf16(two_products(), ["product/left"])
    onnx.checker.check_model(oracle, full_check=True)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in oracle.graph.initializer}
    original = {tensor.name: numpy_helper.to_array(tensor) for tensor in two_products().graph.initializer}
    np.testing.assert_array_equal(weights["left_weight"], original["left_weight"])
    np.testing.assert_array_equal(weights["right_weight"], round_to_bfloat16(original["right_weight"]))
    oracle.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ("left", "right", "left_rounded"))
    results = run(oracle, {"x": np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)}, optimised=False)
    assert (results["left"] != round_to_bfloat16(results["left"])).any()
    np.testing.assert_array_equal(results["left_rounded"], round_to_bfloat16(results["left"]))
    np.testing.assert_array_equal(
        results["total"], round_to_bfloat16(round_to_bfloat16(results["left"]) + results["right"])
    )


def test_a_weight_read_by_a_kept_node_and_another_is_there_twice() -> None:
    """The kept node reads it as it was, the other reads it rounded."""
    model = two_products()
    next(node for node in model.graph.node if node.name == "product/right").input[1] = "left_weight"
    oracle = to_bf16(model, ["product/left"])
    readers = {node.name: node.input[1] for node in oracle.graph.node if node.op_type == "MatMul"}
    assert readers == {"product/left": "left_weight", "product/right": "left_weight_rounded"}
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in oracle.graph.initializer}
    np.testing.assert_array_equal(weights["left_weight_rounded"], round_to_bfloat16(weights["left_weight"]))
    assert (weights["left_weight"] != weights["left_weight_rounded"]).any()


def test_the_scales_of_a_resize_are_not_rounded() -> None:
    """An operand that decides on a shape stays exact, so the shape stays the same."""
    model = model_of(
        [helper.make_node("Resize", ["x", "", "scales"], ["y"], "resize", mode="nearest")],
        {"x": [1, 1, 1000, 2]},
        {"y": [1, 1, 1303, 2]},
        {"scales": np.array([1, 1, 1.3034, 1], np.float32)},
    )
    assert 1000 * float(round_to_bfloat16(np.array(1.3034))) > 1304, "rounded, it would make another shape"
    x = np.zeros((1, 1, 1000, 2), np.float32)
    assert run(to_bf16(model), {"x": x}, optimised=False)["y"].shape == (1, 1, 1303, 2)


def test_whole_numbers_are_left_alone() -> None:
    """Only float32 tensors go through bfloat16."""
    model = model_of([helper.make_node("Shape", ["x"], ["size"], "shape")], {"x": ["batch", 3]}, {})
    model.graph.output.append(helper.make_tensor_value_info("size", TensorProto.INT64, [2]))
    oracle = to_bf16(model)
    assert run(oracle, {"x": np.zeros((257, 3), np.float32)}, optimised=False)["size"].tolist() == [257, 3]


def test_names_that_are_taken_are_avoided() -> None:
    """A tensor that has the name the recipe would choose does not clash with it."""
    model = model_of(
        [
            helper.make_node("Relu", ["x"], ["x_rounded"], "first"),
            helper.make_node("Add", ["x", "x_rounded"], ["y"], "second"),
        ],
        {"x": [4]},
        {"y": [4]},
    )
    oracle = to_bf16(model)
    onnx.checker.check_model(oracle, full_check=True)
    x = np.array([1, -2, 3, -4], np.float32)
    assert run(oracle, {"x": x}, optimised=False)["y"].tolist() == [2, -2, 6, -4]


def test_the_graph_given_stays_as_it_is() -> None:
    """Rounding works on a copy."""
    model = classifier()
    to_bf16(model)
    assert model == classifier()


def test_an_operator_set_older_than_bfloat16_is_refused() -> None:
    """Both opsets are named, with the way out."""
    model = classifier()
    model.opset_import[0].version = 12
    with pytest.raises(ModelError, match="needs opset 13 or newer, and the graph is of opset 12: convert it"):
        to_bf16(model)


def test_an_unknown_node_to_keep_is_an_error() -> None:
    """A pattern that matches nothing is refused."""
    with pytest.raises(ConfigurationError, match="'none' is no name of a node"):
        to_bf16(classifier(), ["none"])
