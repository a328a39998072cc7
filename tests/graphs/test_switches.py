from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import helper

from harness.accuracy import compare_tensors
from harness.graphs.fp16 import to_fp16
from harness.graphs.int8 import to_int8
from harness.graphs.load import normalise
from harness.graphs.switches import SwitchedGraph, switched_fp16, switched_int8
from harness.sensitivity.subject import runner
from suites.zoo.encoder import encoder
from tests.graphs.small_graphs import model_of
from tests.tiny import convnet

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = normalise(convnet())
SAMPLES = [{"image": np.random.default_rng(seed).normal(size=(1, 3, 8, 8)).astype(np.float32)} for seed in range(8)]
IMAGES = {"image": np.random.default_rng(99).normal(size=(5, 3, 8, 8)).astype(np.float32)}
EVERY_CHOICE = [
    (),
    ("conv1",),
    ("conv2",),
    ("head",),
    ("conv1", "head"),
    ("conv1", "conv2"),
    ("conv1", "conv2", "head"),
]


@pytest.fixture(scope="module")
def int8() -> SwitchedGraph:
    """Return the small network with switches for INT8."""
    return switched_int8(MODEL, SAMPLES)


def scores(switched: SwitchedGraph, kept: Sequence[str]) -> np.ndarray:
    """Return what a switched graph computes with some nodes kept."""
    return runner(switched.model)({**IMAGES, **switched.settings(kept)})["scores"]


@pytest.mark.parametrize("kept", EVERY_CHOICE, ids=lambda kept: "+".join(kept) or "nothing")
def test_switches_compute_what_the_int8_recipe_does(int8: SwitchedGraph, kept: tuple[str, ...]) -> None:
    """With the same nodes kept, the switched graph and the one that the recipe makes differ by a rounding at most."""
    expected = runner(to_int8(MODEL, SAMPLES, kept))(IMAGES)["scores"]
    np.testing.assert_allclose(scores(int8, kept), expected, atol=1e-5)


@pytest.mark.parametrize(
    "kept",
    [(), ("conv1",), ("relu1", "conv2"), ("pool", "flatten", "head")],
    ids=lambda kept: "+".join(kept) or "nothing",
)
def test_fp16_by_switches_is_of_the_same_order_as_by_the_recipe(kept: tuple[str, ...]) -> None:
    """With the same nodes kept, both are as far from FP32 within a factor of four."""
    exact = runner(MODEL)(IMAGES)["scores"]
    by_recipe = compare_tensors(runner(to_fp16(MODEL, kept))(IMAGES)["scores"], exact).rmse
    by_switches = compare_tensors(scores(switched_fp16(MODEL), kept), exact).rmse
    assert 0.25 * by_recipe < by_switches < 4.0 * by_recipe


def test_fp16_rounds_each_tensor_once() -> None:
    """With all but the head kept, the scores are those of rounded operands, rounded themselves."""
    switched = switched_fp16(MODEL)
    actual = scores(switched, [name for name in switched.nodes if name != "head"])
    np.testing.assert_array_equal(actual, actual.astype(np.float16).astype(np.float32))
    assert np.abs(actual - runner(MODEL)(IMAGES)["scores"]).max() > 0


def test_with_everything_kept_the_graph_is_exact(int8: SwitchedGraph) -> None:
    """All switches off give FP32, and they are not off for nothing: all on differ from it."""
    exact = runner(MODEL)(IMAGES)["scores"]
    np.testing.assert_allclose(scores(int8, int8.nodes), exact, rtol=1e-5, atol=1e-6)
    assert np.abs(scores(int8, ()) - exact).max() > 1e-4


def test_the_nodes_are_those_that_the_recipe_changes(int8: SwitchedGraph) -> None:
    """INT8 has switches for what does the arithmetic, in graph order; FP16 for every node that computes in floats."""
    assert int8.nodes == ("conv1", "conv2", "head")
    assert switched_fp16(MODEL).nodes == tuple(node.name for node in MODEL.graph.node)


def test_a_tensor_stays_rounded_while_any_node_that_touches_it_is(int8: SwitchedGraph) -> None:
    """The input of conv1 is exact as soon as conv1 is kept; each switch names all the nodes that it waits for."""
    settings = int8.settings(("conv1",))
    assert not settings["round:image"]
    assert all(settings[switch] == bool(nodes - {"conv1"}) for switch, nodes in int8.switches.items())


@pytest.mark.parametrize("kept", [(), ("first",), ("left",), ("left", "right"), ("first", "left", "right")], ids=str)
def test_a_tensor_between_products_is_rounded_as_by_the_recipe(kept: tuple[str, ...]) -> None:
    """A product that hands its result to two others is exact there only where all three are kept."""
    generator = np.random.default_rng(11)
    weights = {f"w{index}": generator.normal(size=(8, 8)).astype(np.float32) for index in range(3)}
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["hidden"], "first"),
        helper.make_node("MatMul", ["hidden", "w1"], ["a"], "left"),
        helper.make_node("MatMul", ["hidden", "w2"], ["b"], "right"),
    ]
    model = normalise(model_of(nodes, {"x": ["batch", 8]}, {"a": ["batch", 8], "b": ["batch", 8]}, weights))
    samples = [{"x": generator.normal(size=(4, 8)).astype(np.float32)} for _ in range(4)]
    switched = switched_int8(model, samples)
    actual = runner(switched.model)({**samples[0], **switched.settings(kept)})
    expected = runner(to_int8(model, samples, kept))(samples[0])
    for output, array in expected.items():
        np.testing.assert_allclose(actual[output], array, atol=1e-5)


def test_the_graph_given_is_not_changed() -> None:
    """Switches go into a copy."""
    before = MODEL.SerializeToString()
    switched_fp16(MODEL)
    switched_int8(MODEL, SAMPLES)
    assert MODEL.SerializeToString() == before


def test_a_transformer_keeps_its_matrix_products_apart() -> None:
    """Every product of the encoder has a switch of its own, and the graph with switches is valid ONNX."""
    model = normalise(encoder())
    generator = np.random.default_rng(1)
    sample = {
        "input_ids": generator.integers(0, 2048, (2, 16)),
        "attention_mask": generator.integers(0, 2, (2, 16)),
    }
    switched = switched_int8(model, [sample])
    products = [node.name for node in model.graph.node if node.op_type in ("MatMul", "Gemm")]
    assert list(switched.nodes) == products
    onnx.checker.check_model(switched.model)
