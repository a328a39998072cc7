"""How graphs are wired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from harness.cases import INT8
from harness.graphs import structure as module
from harness.graphs.cache import GraphCache
from harness.graphs.recipes import apply_recipe
from harness.graphs.structure import GraphStructure, cached_structure, structure_of
from tests.graphs.small_graphs import branching, classifier, model_of, two_products

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def wires(structure: GraphStructure) -> list[str]:
    """Return what each node reads and makes, as ``Operator: a b → c``."""
    return [f"{node.operator}: {' '.join(node.inputs)} → {' '.join(node.outputs)}" for node in structure.nodes]


def test_weights_are_no_inputs() -> None:
    """What is told of a node is which data it reads, not which weights."""
    structure = structure_of(two_products())
    assert structure.inputs == ("x",)
    assert structure.outputs == ("total",)
    assert structure.size == 4
    assert wires(structure) == [
        "Relu: x → positive",
        "MatMul: positive → left",
        "MatMul: positive → right",
        "Add: left right → total",
    ]
    assert [node.name for node in structure.nodes] == ["relu", "product/left", "product/right", "add"]


def test_what_is_made_of_constants_alone_is_left_out() -> None:
    """A constant, what is computed from it, and a weight are no part of the picture; a random source is."""
    model = model_of(
        [
            helper.make_node("Constant", [], ["two"], "constant", value_float=2.0),
            helper.make_node("Mul", ["two", "weight"], ["scaled"], "folded"),
            helper.make_node("RandomNormal", [], ["noise"], "random", shape=[1]),
            helper.make_node("Sum", ["x", "scaled", "noise"], ["y"], "sum"),
            helper.make_node("Neg", ["scaled"], ["z"], "given back"),
        ],
        {"x": [1]},
        {"y": [1], "z": [1]},
        {"weight": np.ones(1, np.float32)},
    )
    assert wires(structure_of(model)) == ["RandomNormal:  → noise", "Sum: x noise → y", "Neg:  → z"]


def test_a_branch_reads_what_its_body_reads() -> None:
    """An If has the tensors of the outer graph that its branches use among its inputs."""
    (node,) = structure_of(branching()).nodes
    assert node.operator == "If"
    assert set(node.inputs) == {value.name for value in branching().graph.input}


def test_nodes_come_behind_what_they_read() -> None:
    """A graph whose nodes are in no order, as some runtimes take it, is told in one."""
    model = classifier()
    expected = structure_of(model)
    backwards = list(reversed(model.graph.node))
    del model.graph.node[:]
    model.graph.node.extend(backwards)
    assert structure_of(model) == expected


def test_of_a_large_graph_only_the_size_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit there are no nodes, and those that quantise do not count against it."""
    samples = [{"image": np.zeros((1, 3, 8, 8), np.float32)}]
    quantised = apply_recipe(classifier(), INT8, samples).model
    monkeypatch.setattr(module, "MOST_NODES", 5)
    plain, structure = structure_of(classifier()), structure_of(quantised)
    assert (plain.size, plain.nodes) == (6, ())
    assert len(structure.nodes) > structure.size == 5
    assert {node.operator for node in structure.nodes} >= {"QuantizeLinear", "DequantizeLinear", "Conv"}


def test_a_structure_survives_the_way_through_a_pipe() -> None:
    """What is read from plain data is what was written to it."""
    structure = structure_of(classifier())
    assert GraphStructure.from_json(structure.to_json()) == structure


def test_a_structure_is_told_from_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is loaded."""
    cache = GraphCache(tmp_path)
    stored = cache.store(classifier())
    first = cached_structure(stored, cache)
    monkeypatch.setattr(onnx, "load", None)
    assert cached_structure(stored, cache) == first == structure_of(classifier())
