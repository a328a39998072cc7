from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ConfigurationError
from harness.graphs.element_types import element_types
from harness.graphs.fp16 import to_fp16, weights_beyond_fp16
from tests.graphs.small_graphs import classifier, cosine, images, model_of, run, two_products


def _with_weight(values: np.ndarray) -> onnx.ModelProto:
    return model_of(
        [helper.make_node("Add", ["x", "weight"], ["y"], "add")],
        {"x": list(values.shape)},
        {"y": list(values.shape)},
        {"weight": values.astype(np.float32)},
    )


def test_everything_but_inputs_and_outputs_is_float16() -> None:
    """Weights and tensors between become float16, what a caller sees stays float32, and dimensions stay free."""
    half = to_fp16(classifier())
    onnx.checker.check_model(half, full_check=True)
    assert {tensor.data_type for tensor in half.graph.initializer} == {TensorProto.FLOAT16}
    types = element_types(half)
    assert types["image"] == types["scores"] == "float32"
    assert types["activated"] == types["features"] == "float16"
    assert half.graph.input[0] == classifier().graph.input[0]


def test_results_are_those_of_float32_to_within_float16() -> None:
    """The converted graph computes the same at several batch sizes, though not to the last bit."""
    half = to_fp16(classifier())
    for batch in (1, 5):
        expected, actual = run(classifier(), images(batch))["scores"], run(half, images(batch))["scores"]
        assert 0 < np.abs(actual - expected).max() < 0.02
        assert cosine(actual, expected) > 0.99999


def test_kept_nodes_stay_in_float32() -> None:
    """A node named by pattern reads and writes float32 between casts, and its weights are not rounded."""
    half = to_fp16(classifier(), ["gem*"])
    onnx.checker.check_model(half, full_check=True)
    kinds = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert kinds["head"] == kinds["bias"] == TensorProto.FLOAT
    assert kinds["filters"] == TensorProto.FLOAT16
    assert cosine(run(half, images(3))["scores"], run(classifier(), images(3))["scores"]) > 0.99999


def test_kept_nodes_may_share_an_input() -> None:
    """Two kept nodes that read one tensor share one cast, where the converter by itself makes an invalid graph."""
    half = to_fp16(two_products(), ["product/*"])
    onnx.checker.check_model(half, full_check=True)
    x = {"x": np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)}
    np.testing.assert_allclose(run(half, x)["total"], run(two_products(), x)["total"], atol=0.05)


def test_the_graph_given_stays_as_it_is() -> None:
    """Conversion works on a copy."""
    model = classifier()
    to_fp16(model)
    assert model == classifier()


def test_an_unknown_node_to_keep_is_an_error() -> None:
    """A pattern that matches nothing is refused with the nearest node."""
    with pytest.raises(ConfigurationError, match=r"'convv' is no name of a node.*Did you mean 'conv'"):
        to_fp16(classifier(), ["convv"])


def test_without_onnxruntime_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where onnxruntime is not installed, the message names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "onnxruntime.transformers.float16", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trt-harness\[cpu\]'"):
        to_fp16(classifier())


def test_clamped_weights_are_told_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Weights beyond float16 are clamped, counted in a note by tensor, and nothing is printed or warned."""
    model = _with_weight(np.array([1.0, 1e6, -7e4, np.inf]))
    half = to_fp16(model)
    assert numpy_helper.to_array(half.graph.initializer[0]).tolist() == [1.0, 65504.0, -65504.0, np.inf]
    assert weights_beyond_fp16(model, half) == (
        "2 of 4 elements of 'weight' were beyond ±65504 and were clamped to it",
    )
    assert capfd.readouterr() == ("", "")


def test_many_vanishing_weights_are_told() -> None:
    """A tensor full of elements below float16's smallest is worth a note, a single one in thousands is not."""
    tiny = _with_weight(np.full(2000, 1e-9))
    assert weights_beyond_fp16(tiny, to_fp16(tiny)) == (
        "2000 of 2000 elements of 'weight' were below 6e-8 and were raised to it",
    )
    values = np.ones(2000)
    values[5] = 1e-9
    nearly = _with_weight(values)
    assert weights_beyond_fp16(nearly, to_fp16(nearly)) == ()


def test_weights_of_kept_nodes_are_not_told() -> None:
    """What stays float32 has not been clamped."""
    model = _with_weight(np.array([1.0, 1e6]))
    assert weights_beyond_fp16(model, to_fp16(model, ["add"])) == ()


def test_constants_held_by_nodes_are_told() -> None:
    """The value of a Constant node is looked at like an initialiser."""
    large = numpy_helper.from_array(np.array([1e6], np.float32))
    model = model_of(
        [
            helper.make_node("Constant", [], ["large"], "constant", value=large),
            helper.make_node("Add", ["x", "large"], ["y"], "add"),
        ],
        {"x": [1]},
        {"y": [1]},
    )
    assert weights_beyond_fp16(model, to_fp16(model)) == (
        "1 of 1 elements of 'large' were beyond ±65504 and were clamped to it",
    )
