from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.tolerances.faults import planted_faults
from tests.tiny import convnet


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Return copies of the constants of a model."""
    return {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in model.graph.initializer}


def with_bias() -> onnx.ModelProto:
    """Return a product with a bias: 40 inputs, 5 outputs."""
    generator = np.random.default_rng(1)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "weight", "bias"], ["y"], "head")],
        "biased",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 40])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5])],
        [
            numpy_helper.from_array(generator.normal(size=(40, 5)).astype(np.float32), "weight"),
            numpy_helper.from_array(np.arange(5, dtype=np.float32), "bias"),
        ],
    )
    return helper.make_model(graph)


def test_each_fault_is_in_one_place_and_gone_afterwards() -> None:
    """While a fault is planted one constant differs, and at the end the model is what it was."""
    model = convnet()
    before = weights(model)
    changed = []
    for _ in planted_faults(model, 6):
        now = weights(model)
        changed.append([name for name in before if not np.array_equal(before[name], now[name])])
    assert [len(names) for names in changed] == [1] * 6
    assert len({name for (name,) in changed}) > 1
    after = weights(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_kinds_take_turns() -> None:
    """Signs are flipped, a bias is scaled and channels change places, as the descriptions say."""
    model = with_bias()
    before = weights(model)
    seen = {}
    for description in planted_faults(model, 3):
        seen[description] = weights(model)
    flipped, scaled, swapped = seen.values()
    descriptions = list(seen)
    assert descriptions[:2] == ["the signs of 1% of the weights of 'head'", "1.5 times the bias of 'head'"]
    assert np.count_nonzero(flipped["weight"] == -before["weight"]) == 2
    assert scaled["bias"].tolist() == [0, 1.5, 3, 4.5, 6]
    assert "exchanged in the weights of 'head'" in descriptions[2]
    assert sorted(swapped["weight"].sum(0)) == pytest.approx(sorted(before["weight"].sum(0)))
    assert np.count_nonzero((swapped["weight"] != before["weight"]).any(axis=0)) == 2


def test_the_same_seed_plants_the_same_faults() -> None:
    """Faults are drawn at random and repeat; another seed draws others."""
    first, again, other = (list(planted_faults(convnet(), 8, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_graph_without_weights_has_no_place_for_faults() -> None:
    """Where no layer has weights or a bias, nothing is planted."""
    model = with_bias()
    del model.graph.initializer[:]
    assert list(planted_faults(model, 3)) == []
