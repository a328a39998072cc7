"""The classifiers out of the onnx wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.errors import ModelError
from suites.zoo import light
from tests.suites.models import built, run

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("squeezenet", "shufflenet", "resnet50", "densenet121", "inception_v2")


@pytest.mark.parametrize("name", NAMES)
def test_makes_logits(name: str) -> None:
    """The graph ends in logits, with nothing in it that matters in training only."""
    graph = built(name).graph
    assert [output.name for output in graph.output] == ["logits"]
    assert not {node.op_type for node in graph.node} & {"Softmax", "Dropout"}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_batch_is_free(name: str) -> None:
    """Input and output have one free dimension, the first, and it is called batch."""
    graph = built(name).graph
    for value in (*graph.input, *graph.output):
        dimensions = value.type.tensor_type.shape.dim
        assert dimensions[0].dim_param == "batch"
        assert all(dimension.dim_value > 0 for dimension in dimensions[1:])


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_not_constant(name: str) -> None:
    """No weight is the one constant that the wheel has in its place, and none is computed in each run."""
    graph = built(name).graph
    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            assert numpy_helper.to_array(tensor).std() > 0
    assert not {node.op_type for node in graph.node} & {"ConstantOfShape", "Constant", "Unsqueeze"}


@pytest.mark.parametrize("name", NAMES)
def test_activations_fit_in_half_precision(name: str) -> None:
    """No convolution's output comes near the largest FP16 number, nor falls to where FP16 has few digits."""
    model = onnx.ModelProto()
    model.CopyFrom(built(name))
    layers = [node.output[0] for node in model.graph.node if node.op_type == "Conv" and node.output[0] != "logits"]
    model.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in layers)
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)
    outputs = run(model, {model.graph.input[0].name: image})
    for tensor in layers:
        assert np.abs(outputs[tensor]).max() < 100, tensor
        assert 0.3 < np.sqrt(np.mean(outputs[tensor] ** 2)) < 3, tensor


def test_a_wheel_without_the_graphs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the onnx wheel lacks its graphs, the error says which one and what to install."""
    monkeypatch.setattr(onnx, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ModelError, match=r"light_squeezenet\.onnx.*install onnx"):
        light.squeezenet()
