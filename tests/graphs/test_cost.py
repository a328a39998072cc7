from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.cases import FP16, INT8, Point
from harness.errors import ProfileError
from harness.graphs.cost import cost_at, multiply_adds_by_node, weight_bytes
from harness.graphs.recipes import apply_recipe
from suites.zoo.light import resnet50
from tests.graphs.small_graphs import branching, classifier, images, model_of, two_products

STATIC = Point()


def zeros(*shape: int) -> np.ndarray:
    """Return float32 zeros: a cost depends on shapes alone."""
    return np.zeros(shape, np.float32)


def one_node(
    operator: str,
    inputs: dict[str, list[int | str]],
    weights: dict[str, np.ndarray],
    output: list[int | str | None],
    **attributes: Any,
) -> onnx.ModelProto:
    """Return a graph of one node that reads its inputs and then its weights, in the order given."""
    node = helper.make_node(operator, [*inputs, *weights], ["y"], "node", **attributes)
    return model_of([node], inputs, {"y": output}, weights)


@pytest.mark.parametrize(
    ("model", "multiply_adds"),
    [
        pytest.param(
            one_node("Conv", {"x": [2, 3, 8, 8]}, {"w": zeros(16, 3, 3, 3)}, [2, 16, 6, 6]),
            2 * 16 * 6 * 6 * 3 * 9,
            id="a convolution: each output element reads every input channel under the kernel",
        ),
        pytest.param(
            one_node("Conv", {"x": [1, 8, 8, 8]}, {"w": zeros(8, 1, 3, 3)}, [1, 8, 8, 8], group=8, pads=[1] * 4),
            8 * 64 * 9,
            id="a depthwise convolution reads one channel",
        ),
        pytest.param(
            one_node("Conv", {"x": [1, 3, 8, 8]}, {"w": zeros(4, 3, 2, 2)}, [1, 4, 4, 4], strides=[2, 2]),
            4 * 16 * 3 * 4,
            id="a strided convolution has fewer outputs",
        ),
        pytest.param(
            one_node("ConvTranspose", {"x": [1, 3, 4, 4]}, {"w": zeros(3, 5, 2, 2)}, [1, 5, 8, 8], strides=[2, 2]),
            3 * 16 * 5 * 4,
            id="a transposed convolution spreads each input element",
        ),
        pytest.param(
            one_node("MatMul", {"x": [2, 7, 8]}, {"w": zeros(8, 5)}, [2, 7, 5]), 2 * 7 * 8 * 5, id="a batched product"
        ),
        pytest.param(
            one_node("MatMul", {"x": [8]}, {"w": zeros(8, 5)}, [5]), 8 * 5, id="a product with a vector"
        ),
        pytest.param(
            one_node("Gemm", {"x": [4, 8]}, {"w": zeros(8, 5), "b": zeros(5)}, [4, 5]), 4 * 8 * 5, id="a linear layer"
        ),
        pytest.param(
            one_node("Gemm", {"x": [8, 4]}, {"w": zeros(5, 8)}, [4, 5], transA=1, transB=1),
            4 * 8 * 5,
            id="a linear layer of transposed operands",
        ),
        pytest.param(
            one_node("Einsum", {"x": [2, 3, 4]}, {"w": zeros(2, 4, 5)}, [2, 3, 5], equation="bij, bjk -> bik"),
            2 * 3 * 4 * 5,
            id="a product written as a sum over indices",
        ),
        pytest.param(
            one_node("LSTM", {"x": [6, 2, 5]}, {"w": zeros(2, 16, 5), "r": zeros(2, 16, 4)}, [6, 2, 2, 4],
                     hidden_size=4, direction="bidirectional"),
            6 * 2 * 2 * 16 * (5 + 4),
            id="a bidirectional LSTM: four gates, twice",
        ),
        pytest.param(
            one_node("GRU", {"x": [6, 2, 5]}, {"w": zeros(1, 12, 5), "r": zeros(1, 12, 4)}, [6, 1, 2, 4],
                     hidden_size=4),
            6 * 2 * 12 * (5 + 4),
            id="a GRU: three gates",
        ),
        pytest.param(
            one_node("Relu", {"x": [4, 8]}, {}, [4, 8]), 0, id="an activation counts as nothing"
        ),
    ],
)  # fmt: skip
def test_multiply_adds_follow_from_shapes(model: onnx.ModelProto, multiply_adds: int) -> None:
    """Each operator is counted by the shapes of what it reads and makes, without running it."""
    cost = cost_at(model, STATIC)
    assert cost.multiply_adds == multiply_adds
    assert cost.uncounted == ()


def test_a_known_network_costs_what_is_published() -> None:
    """ResNet-50 takes 4.1 billion multiply-adds an image and has 25.6 million weights."""
    model = resnet50()
    one, four = (cost_at(model, Point((("batch", size),))) for size in (1, 4))
    assert one.multiply_adds == pytest.approx(4.1e9, rel=0.01)
    assert one.weights == pytest.approx(25.6e6, rel=0.01)
    assert (one.input_bytes, one.output_bytes) == (3 * 224 * 224 * 4, 1000 * 4)
    assert four.multiply_adds == 4 * one.multiply_adds
    assert four.weights == one.weights
    assert one.uncounted == ()


def test_bytes_grow_with_the_batch_and_weights_do_not() -> None:
    """Inputs and outputs are counted at the point, weights once."""
    one, four = (cost_at(classifier(), Point((("batch", size),))) for size in (1, 4))
    assert (four.input_bytes, four.output_bytes) == (4 * one.input_bytes, 4 * one.output_bytes)
    assert one.input_bytes == 3 * 8 * 8 * 4
    assert one.weights == four.weights == 16 * 27 + 4 * 16 + 16 * 5 + 5


@pytest.mark.parametrize("precision", [FP16, INT8], ids=["FP16", "INT8"])
def test_a_recipe_changes_neither_arithmetic_nor_inputs(precision: Any) -> None:
    """A graph with casts or Q/DQ pairs counts the multiply-adds of its FP32 graph."""
    point = Point((("batch", 2),))
    plain = cost_at(classifier(), point)
    made = cost_at(apply_recipe(classifier(), precision, [images(1)]).model, point)
    assert (made.multiply_adds, made.input_bytes, made.output_bytes) == (
        plain.multiply_adds, plain.input_bytes, plain.output_bytes,
    )  # fmt: skip
    assert made.uncounted == ()


@pytest.mark.parametrize(
    ("indices", "read"),
    [
        pytest.param(3, 3 * 8, id="three rows of a hundred"),
        pytest.param(500, 100 * 8, id="never more than the table"),
    ],
)
def test_of_a_table_only_what_is_gathered_is_read(indices: int, read: int) -> None:
    """An embedding is not read whole for each run."""
    model = model_of([helper.make_node("Gather", ["table", "i"], ["y"], "g")], {}, {"y": [indices, 8]},
                     {"table": zeros(100, 8)})  # fmt: skip
    model.graph.input.append(helper.make_tensor_value_info("i", TensorProto.INT64, [indices]))
    cost = cost_at(model, STATIC)
    assert cost.weights == read
    assert cost.input_bytes == indices * 8


def test_a_table_that_is_also_multiplied_is_read_whole() -> None:
    """An embedding that doubles as the last layer's weight is read by that layer."""
    nodes = [helper.make_node("Gather", ["w", "i"], ["rows"], "g"), helper.make_node("MatMul", ["rows", "w"], ["y"])]
    model = model_of(nodes, {}, {"y": [2, 8]}, {"w": zeros(8, 8)})
    model.graph.input.append(helper.make_tensor_value_info("i", TensorProto.INT64, [2]))
    assert cost_at(model, STATIC).weights == 64


def test_weights_in_constant_nodes_count_and_shapes_do_not() -> None:
    """Where a weight is kept makes no difference; whole numbers are shapes and indices."""
    constant = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(zeros(8, 5)))
    nodes = [constant, helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Reshape", ["m", "s"], ["y"])]
    model = model_of(nodes, {"x": [2, 8]}, {"y": [10]}, {"s": np.array([10])})
    cost = cost_at(model, STATIC)
    assert (cost.weights, cost.multiply_adds) == (40, 80)


def test_a_shape_computed_in_the_graph_is_followed() -> None:
    """What a Reshape takes from the shape of its input at the point is known before the run."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["rows"]),
        helper.make_node("Concat", ["rows", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    model = model_of(nodes, {"x": ["batch", 2, 4]}, {"y": ["batch", 5]},
                     {"zero": np.array([0]), "rest": np.array([8]), "w": zeros(8, 5)})  # fmt: skip
    cost = cost_at(model, Point((("batch", 3),)))
    assert (cost.multiply_adds, cost.output_bytes, cost.uncounted) == (3 * 8 * 5, 3 * 5 * 4, ())


def test_sizes_left_behind_by_an_exporter_are_not_believed() -> None:
    """A graph that was exported at batch 1 and made dynamic later is counted at the point."""
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("MatMul", ["r", "w"], ["y"])]
    model = model_of(nodes, {"x": ["batch", 8]}, {"y": ["batch", 5]}, {"w": zeros(8, 5)})
    model.graph.value_info.append(helper.make_tensor_value_info("r", TensorProto.FLOAT, [1, 8]))
    assert cost_at(model, Point((("batch", 3),))).multiply_adds == 3 * 8 * 5


def _of_unknown_length() -> onnx.ModelProto:
    nodes = [helper.make_node("Compress", ["x", "keep"], ["kept"], axis=0),
             helper.make_node("MatMul", ["kept", "w"], ["y"], "after")]  # fmt: skip
    model = model_of(nodes, {"x": [4, 8]}, {"y": [None, 5]}, {"w": zeros(8, 5)})
    model.graph.input.append(helper.make_tensor_value_info("keep", TensorProto.BOOL, [4]))
    return model


@pytest.mark.parametrize(
    ("model", "node"),
    [
        pytest.param(_of_unknown_length(), "after", id="a shape that depends on the data"),
        pytest.param(branching(), "if", id="a branch"),
        pytest.param(
            one_node("Einsum", {"x": [2, 3], "z": [3, 4]}, {"w": zeros(4, 5)}, [2, 5], equation="ij,jk,kl->il"),
            "node",
            id="a sum over three operands, whose order is the engine's to choose",
        ),
    ],
)
def test_what_cannot_be_counted_is_named(model: onnx.ModelProto, node: str) -> None:
    """A cost that is too low says so."""
    cost = cost_at(model, STATIC)
    assert cost.uncounted == (node,)
    assert cost.multiply_adds == 0


def test_functions_of_the_model_are_looked_into() -> None:
    """Arithmetic inside a local function counts like any other."""
    body = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    opset = helper.make_opsetid("", 17)
    function = helper.make_function("local", "Product", ["a", "b"], ["c"], body, [opset])
    model = model_of([helper.make_node("Product", ["x", "w"], ["y"], domain="local")], {"x": [2, 8]}, {"y": [2, 5]},
                     {"w": zeros(8, 5)})  # fmt: skip
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("local", 1))
    cost = cost_at(model, STATIC)
    assert (cost.multiply_adds, cost.weights) == (80, 40)


def test_a_point_must_give_every_size() -> None:
    """A free dimension without a size is an error, not a cost of nothing."""
    with pytest.raises(ProfileError, match="'batch'"):
        cost_at(two_products(), STATIC)


def test_every_constant_counts_with_the_bytes_of_its_type() -> None:
    """Initialisers and constant nodes, floating or not; text has no size that a GPU would know."""
    weights = {"w": np.zeros((8, 8), np.float16), "shape": np.array([2, 4], np.int64)}
    nodes = [
        helper.make_node("Constant", [], ["scale"], value=numpy_helper.from_array(np.zeros(3, np.int8), "scale")),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    model = model_of(nodes, {"x": [1, 8]}, {"y": [1, 8]}, weights)
    model.graph.initializer.append(helper.make_tensor("text", TensorProto.STRING, [1], [b"a long text"]))
    assert weight_bytes(model) == 64 * 2 + 2 * 8 + 3


def test_the_model_is_left_as_it_was() -> None:
    """Counting at one point does not bind the graph to it."""
    model = classifier()
    before = model.SerializeToString()
    cost_at(model, Point((("batch", 3),)))
    assert model.SerializeToString() == before


def test_multiply_adds_are_told_by_node() -> None:
    """Each node that computes has its own count, and they add up to the graph's cost."""
    model = resnet50()
    point = Point((("batch", 2),))
    counts = multiply_adds_by_node(model, point)
    computing = [node.name for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    assert list(counts) == computing
    assert sum(counts.values()) == cost_at(model, point).multiply_adds
