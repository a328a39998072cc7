from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from harness.errors import CalibrationError, ConfigurationError, ModelError
from harness.graphs import int8, save
from harness.graphs.int8 import to_int8
from harness.graphs.save import graph_hash
from harness.graphs.walk import copy_of
from tests.graphs.small_graphs import classifier, cosine, images, run, two_products

if TYPE_CHECKING:
    from pathlib import Path


def _samples(count: int = 4) -> list[dict[str, np.ndarray]]:
    return [images(1, seed) for seed in range(count)]


@pytest.fixture(scope="module")
def quantised() -> onnx.ModelProto:
    """The small classifier in INT8."""
    return to_int8(classifier(), _samples())


def test_products_read_quantised_operands(quantised: onnx.ModelProto) -> None:
    """Both operands of convolution and linear layer come from DequantizeLinear nodes."""
    onnx.checker.check_model(quantised, full_check=True)
    producers = {name: node.op_type for node in quantised.graph.node for name in node.output}
    operands = {
        node.op_type: [producers[name] for name in node.input[:2]]
        for node in quantised.graph.node
        if node.op_type in {"Conv", "Gemm"}
    }
    assert operands == {"Conv": ["DequantizeLinear"] * 2, "Gemm": ["DequantizeLinear"] * 2}


def test_scales_are_symmetric_and_per_channel(quantised: onnx.ModelProto) -> None:
    """All zero points are 0, weights have a scale for each of their 16 or 5 channels, activations one."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    linear = [node for node in quantised.graph.node if node.op_type in {"QuantizeLinear", "DequantizeLinear"}]
    assert all((constants[node.input[2]] == 0).all() for node in linear)
    weights = {node.input[0]: constants[node.input[1]].size for node in linear if node.input[0] in constants}
    assert sorted(weights.values()) == [5, 16]
    activations = [constants[node.input[1]].size for node in linear if node.input[0] not in constants]
    assert set(activations) == {1}


def test_each_reader_has_a_pair_of_its_own() -> None:
    """Two products that read one tensor do not share its DequantizeLinear, so each can be fused with its own."""
    sample = {"x": np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)}
    model = to_int8(two_products(), [sample])
    products = [node.input[0] for node in model.graph.node if node.op_type in {"MatMul", "Gemm"}]
    assert len(products) == len(set(products)) == 2


def test_biases_stay_float(quantised: onnx.ModelProto) -> None:
    """No bias is quantised to int32: versions of TensorRT before 10 take none."""
    kinds = {tensor.data_type for tensor in quantised.graph.initializer}
    assert TensorProto.INT32 not in kinds
    assert kinds == {TensorProto.INT8, TensorProto.FLOAT}


def test_results_are_near_at_every_batch_size(quantised: onnx.ModelProto) -> None:
    """The batch stays free though samples were single, and the error is that of eight bits."""
    assert quantised.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    for batch in (1, 7):
        expected, actual = run(classifier(), images(batch, 9))["scores"], run(quantised, images(batch, 9))["scores"]
        assert actual.shape == (batch, 5)
        assert np.abs(actual - expected).max() > 1e-4
        assert cosine(actual, expected) > 0.995


def test_only_the_operator_set_in_use_is_imported(quantised: onnx.ModelProto) -> None:
    """The imports that onnxruntime's optimiser leaves behind are gone."""
    assert [(entry.domain, entry.version) for entry in quantised.opset_import] == [("", 17)]


def test_the_same_set_gives_the_same_graph(quantised: onnx.ModelProto) -> None:
    """Quantising again is reproducible to the byte; another set gives other scales."""
    assert graph_hash(to_int8(classifier(), _samples())) == graph_hash(quantised)
    louder = [{"image": 3 * sample["image"]} for sample in _samples()]
    assert graph_hash(to_int8(classifier(), louder)) != graph_hash(quantised)


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        pytest.param(["gemm"], "Gemm", id="a node by its name"),
        pytest.param(["norm"], "Conv", id="a batch norm, which is folded into its convolution"),
    ],
)
def test_kept_nodes_read_float_weights(keep: list[str], kept: str) -> None:
    """A kept node has no quantised operand, also where folding made it part of another; the other product has."""
    model = to_int8(classifier(), _samples(), keep)
    producers = {name: node.op_type for node in model.graph.node for name in node.output}
    quantised = {
        node.op_type: producers.get(node.input[1]) == "DequantizeLinear"
        for node in model.graph.node
        if node.op_type in {"Conv", "Gemm"}
    }
    assert quantised == {"Conv": kept != "Conv", "Gemm": kept != "Gemm"}


def test_a_kept_product_fused_with_its_bias_is_found_again() -> None:
    """A product that onnxruntime renames on fusing it with an addition is still kept."""
    model = two_products()
    model.graph.initializer.append(numpy_helper.from_array(np.ones(8, np.float32), "row"))
    model.graph.node[3].input[0] = "row"
    sample = {"x": np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)}

    def fused(keep: list[str]) -> tuple[str, bool]:
        quantised = to_int8(model, [sample], keep)
        producers = {name: node.op_type for node in quantised.graph.node for name in node.output}
        product = next(node for node in quantised.graph.node if node.op_type == "Gemm")
        return product.name, producers.get(product.input[1]) == "DequantizeLinear"

    assert fused([]) == ("product/right/MatMulAddFusion", True)
    assert fused(["product/right"]) == ("product/right/MatMulAddFusion", False)


def test_a_kept_node_that_vanished_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that was to stay in FP32 and cannot be found after folding is never quantised in silence."""
    monkeypatch.setattr(int8, "_folded", lambda *_: two_products())
    with pytest.raises(ModelError, match="node 'gemm' was to stay in FP32"):
        to_int8(classifier(), _samples(1), ["gemm"])


def test_an_old_operator_set_is_raised() -> None:
    """A graph older than per-channel scales is brought to opset 13 and works."""
    old = two_products()
    old.opset_import[0].version = 11
    sample = {"x": np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)}
    model = to_int8(old, [sample])
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
    assert cosine(run(model, sample)["total"], run(old, sample)["total"]) > 0.995


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        pytest.param([], "is empty", id="no samples"),
        pytest.param([{"image": np.zeros((1, 3, 9, 8), np.float32)}], "1x3x9x8", id="another shape"),
        pytest.param([{"image": np.full((1, 3, 8, 8), np.nan, np.float32)}], "holds nan", id="NaN"),
    ],
)
def test_a_bad_set_is_refused_before_any_work(
    samples: list[dict[str, np.ndarray]], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples are checked before the graph is touched."""
    monkeypatch.setattr(int8, "_folded", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(CalibrationError, match=message):
        to_int8(classifier(), samples)


@pytest.mark.parametrize(
    ("image", "tensor"),
    [
        pytest.param(np.full((1, 3, 8, 8), 3e38, np.float32), "normal", id="in the first layer"),
        pytest.param(np.full((1, 3, 8, 8), 1e37, np.float32), "features|pooled|scores", id="in a later one"),
    ],
)
def test_a_set_that_overflows_the_graph_is_refused(image: np.ndarray, tensor: str) -> None:
    """Finite samples that make a layer infinite give no scale: the sample and the first such tensor are named."""
    with pytest.raises(CalibrationError, match=f"sample 1 of the calibration set makes tensor '({tensor})' overflow"):
        to_int8(classifier(), [images(1), {"image": image}])


def test_a_graph_that_onnxruntime_cannot_run_is_an_error() -> None:
    """What onnxruntime says of an operator that it lacks is passed on; version 1.23 says less of it than later ones."""
    model = classifier()
    model.graph.node[2].op_type = "Mystery"
    model.graph.node[2].domain = "custom"
    model.opset_import.add(domain="custom", version=1)
    with pytest.raises(ModelError, match=r"onnxruntime cannot .*(Mystery|ValidationError)"):
        to_int8(model, _samples(1))


def test_an_unknown_node_to_keep_is_an_error() -> None:
    """A pattern that matches nothing is refused."""
    with pytest.raises(ConfigurationError, match=r"'gemm2' is no name of a node.*'gemm'"):
        to_int8(classifier(), _samples(1), ["gemm2"])


def test_without_onnxruntime_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where onnxruntime is not installed, the message names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trt-harness\[cpu\]'"):
        to_int8(classifier(), _samples(1))


def test_nothing_is_printed_and_nothing_is_left(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quantising writes to no stream, leaves no file, and leaves the root logger and the graph as they were."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    handlers = list(logging.getLogger().handlers)
    model = classifier()
    # Of this, onnxruntime warns.
    model.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "unused"))
    before = copy_of(model)
    to_int8(model, _samples(2))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert logging.getLogger().handlers == handlers
    assert model == before


def test_large_weights_are_quantised_by_way_of_external_data(
    quantised: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph too large for one file gives the same numbers."""
    monkeypatch.setattr(save, "EXTERNAL_DATA_BYTES", 100)
    model = to_int8(classifier(), _samples())
    np.testing.assert_array_equal(run(model, images(3))["scores"], run(quantised, images(3))["scores"])
