from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from harness.graphs.int8 import to_int8
from harness.graphs.load import normalise
from harness.runtimes.tensorrt.quantised_weights import with_float_weights
from tests.graphs.small_graphs import classifier, images, run


def quantised() -> onnx.ModelProto:
    """Return the classifier in INT8, as the recipe makes it."""
    return to_int8(normalise(classifier()), [images(1, seed) for seed in range(4)])


def test_weights_become_float_between_a_pair_of_nodes_and_nothing_else_changes() -> None:
    """Outputs are those of the graph with INT8 weights, to the last bit."""
    model = quantised()
    rewritten = with_float_weights(model)
    onnx.checker.check_model(rewritten, full_check=True)
    inputs = images(3, seed=9)
    np.testing.assert_array_equal(
        run(rewritten, inputs, optimised=False)["scores"], run(model, inputs, optimised=False)["scores"]
    )


def test_no_weight_of_int8_is_left() -> None:
    """What remains of type int8 is scalar: the zero points."""
    before = {t.name for t in quantised().graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) > 1}
    after = [
        t.name for t in with_float_weights(quantised()).graph.initializer
        if t.data_type == TensorProto.INT8 and len(t.dims) > 1
    ]  # fmt: skip
    assert before
    assert after == []


def test_a_graph_without_quantised_weights_stays_as_it_is() -> None:
    """Nothing is added to a graph of float32."""
    model = classifier()
    assert with_float_weights(model).SerializeToString() == model.SerializeToString()
