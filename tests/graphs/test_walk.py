from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ConfigurationError
from harness.graphs.walk import (
    copy_of,
    graphs_in,
    matching_nodes,
    nodes_in,
    sort_nodes,
    tensors_in,
    with_weights_as_inputs,
    without_initialisers,
)
from tests.graphs.small_graphs import branching, classifier, model_of, two_products


def test_nested_graphs_nodes_and_tensors_are_found() -> None:
    """The bodies of an If are walked with their nodes and their initialisers."""
    model = branching()
    assert {graph.name for graph in graphs_in(model.graph)} == {"small", "then", "else"}
    assert {node.name for node in nodes_in(model)} == {"if", "then_matmul", "else_matmul"}
    assert {tensor.name for tensor in tensors_in(model)} == {"then_weight", "else_weight"}


def test_copy_without_initialisers_lacks_nothing_else() -> None:
    """Putting the initialisers back gives the very same model."""
    model = classifier()
    model.metadata_props.add(key="author", value="test")
    shell = without_initialisers(model)
    assert not shell.graph.initializer
    shell.graph.initializer.extend(model.graph.initializer)
    assert shell == model


def test_large_weights_become_inputs() -> None:
    """Large weights follow the model's inputs, with type and shape alone; small constants stay what they are."""
    model = classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((64, 32), np.float16), "large"))
    shell = with_weights_as_inputs(model)
    assert list(shell.graph.initializer) == list(model.graph.initializer)[:-1]
    *own, large = shell.graph.input
    assert own == list(model.graph.input)
    assert large == helper.make_tensor_value_info("large", TensorProto.FLOAT16, [64, 32])


def test_large_weights_that_are_inputs_already_stay_so() -> None:
    """Old exporters declare their weights as inputs, too; none is declared twice."""
    model = classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((64, 32), np.float16), "large"))
    model.graph.input.append(helper.make_tensor_value_info("large", TensorProto.FLOAT16, [64, 32]))
    assert list(with_weights_as_inputs(model).graph.input) == list(model.graph.input)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param(["gemm"], ["gemm"], id="an exact name"),
        pytest.param(["*"], ["conv", "norm", "relu", "pool", "flatten", "gemm"], id="a pattern for all of them"),
        pytest.param(["p*", "conv"], ["conv", "pool"], id="a pattern and a name, in graph order"),
        pytest.param([], [], id="no pattern, no node"),
    ],
)
def test_nodes_are_found_by_name_and_pattern(patterns: list[str], expected: list[str]) -> None:
    """Patterns match as in a shell, and nodes come in graph order."""
    assert [node.name for node in matching_nodes(classifier().graph, patterns)] == expected


def test_a_name_with_brackets_matches_itself() -> None:
    """A node called ``layer[0]`` is found by that name, though a pattern would read a set of characters."""
    model = model_of([helper.make_node("Relu", ["x"], ["y"], "layer[0]")], {"x": [1]}, {"y": [1]})
    assert [node.name for node in matching_nodes(model.graph, ["layer[0]"])] == ["layer[0]"]


def test_a_pattern_without_a_node_suggests_the_nearest() -> None:
    """A pattern that matches nothing is an error that names it and the nearest node."""
    with pytest.raises(ConfigurationError, match=r"'gem'.*Did you mean 'gemm'\?"):
        matching_nodes(classifier().graph, ["conv", "gem"])


def test_the_nodes_of_a_large_graph_are_not_all_listed() -> None:
    """A message about an unknown node of a large graph counts the nodes instead of listing them."""
    nodes = [helper.make_node("Relu", ["x"], [f"y{i}"], f"node{i}") for i in range(500)]
    model = model_of(nodes, {"x": [1]}, {"y0": [1]})
    with pytest.raises(ConfigurationError, match="500 nodes") as raised:
        matching_nodes(model.graph, ["nod499"])
    assert "Did you mean 'node499'?" in str(raised.value)
    assert len(str(raised.value)) < 500


def test_appended_nodes_move_before_their_first_reader() -> None:
    """Nodes in order stay in order, and one appended at the end comes just before what reads from it."""
    model = two_products()
    model.graph.node.append(helper.make_node("Neg", ["x"], ["negative"], "negation"))
    next(node for node in model.graph.node if node.name == "product/right").input[0] = "negative"
    sort_nodes(model.graph)
    assert [node.name for node in model.graph.node] == ["relu", "product/left", "negation", "product/right", "add"]
    onnx.checker.check_model(model)


def test_a_chain_in_reverse_is_sorted() -> None:
    """A graph written back to front comes out in computing order."""
    model = classifier()
    backwards = copy_of(model)
    del backwards.graph.node[:]
    backwards.graph.node.extend(reversed(model.graph.node))
    sort_nodes(backwards.graph)
    assert backwards == model


def test_what_a_nested_graph_reads_comes_before_it() -> None:
    """A node whose output is read only inside a branch of an If is put before that If."""
    model = branching()
    model.graph.node.append(helper.make_node("Relu", ["x"], ["positive"], "relu"))
    branch = model.graph.node[0].attribute[0].g
    branch.node[0].input[0] = "positive"
    sort_nodes(model.graph)
    assert [node.name for node in model.graph.node] == ["relu", "if"]
