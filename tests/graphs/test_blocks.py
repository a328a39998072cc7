from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.graphs.blocks import blocks_of, cut
from harness.graphs.fp16 import to_fp16
from harness.graphs.load import normalise
from tests.tiny import convnet

IMAGE = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
KNOWN = {"relu1", "conv2", "flat"}


def run(model: object, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a graph and return its outputs by name."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])  # type: ignore[attr-defined]
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, feed), strict=True))


def test_a_block_is_what_lies_between_known_tensors() -> None:
    """Nodes, weights and inputs of a block end at the next known tensors and at the graph's inputs."""
    blocks = blocks_of(convnet(), KNOWN)
    assert list(blocks) == ["relu1", "conv2", "flat"]
    assert [node.name for node in blocks["relu1"].nodes] == ["conv1", "relu1"]
    assert (blocks["relu1"].inputs, blocks["relu1"].weights) == (("image",), ("w1",))
    assert [node.name for node in blocks["conv2"].nodes] == ["conv2"]
    assert (blocks["conv2"].inputs, blocks["conv2"].weights) == (("relu1",), ("w2",))
    assert [node.name for node in blocks["flat"].nodes] == ["relu2", "pool", "flatten"]
    assert (blocks["flat"].inputs, blocks["flat"].weights) == (("conv2",), ())


def test_names_that_no_node_makes_have_no_block() -> None:
    """Inputs and unknown names are passed over."""
    assert blocks_of(convnet(), {"image", "nothing"}) == {}


def test_each_layer_of_a_cut_graph_starts_from_what_it_is_handed() -> None:
    """Handed zeros, a layer makes what it makes of zeros, whatever the layers before it made."""
    found = cut(convnet(), KNOWN)
    assert found.outputs == ("relu1", "conv2", "flat")
    assert {tensor for tensor, _ in found.handed.values()} == KNOWN
    zeros = {"relu1": np.zeros((2, 16, 8, 8)), "conv2": np.zeros((2, 16, 8, 8)), "flat": np.zeros((2, 16))}
    feed = {name: zeros[tensor].astype(dtype) for name, (tensor, dtype) in found.handed.items()}
    made = run(found.model, {"image": IMAGE, **feed})
    assert np.abs(made["relu1"]).max() > 0
    assert not made["conv2"].any()
    assert not made["flat"].any()


def test_the_graph_that_is_cut_stays_as_it_was() -> None:
    """Only the copy is changed."""
    model = convnet()
    before = model.SerializeToString(deterministic=True)
    cut(model, KNOWN)
    assert model.SerializeToString(deterministic=True) == before


def test_what_is_handed_has_the_type_that_the_graph_reads() -> None:
    """In a float16 graph the inputs that stand for its tensors are float16."""
    found = cut(to_fp16(normalise(convnet())), {"relu1"})
    assert [dtype for _, dtype in found.handed.values()] == [np.dtype(np.float16)]


@pytest.mark.parametrize("known", [{"relu1"}, set()], ids=["cut", "whole"])
def test_reads_from_within_a_branch_are_cut_too(known: set[str]) -> None:
    """A branch that reads a known tensor from outside reads what is handed; without a cut it reads what is made."""
    branches = {
        key: helper.make_graph(
            [helper.make_node(operator, ["relu1"], [f"{key}_made"], f"{key}_node")],
            key,
            [],
            [helper.make_tensor_value_info(f"{key}_made", TensorProto.FLOAT, None)],
        )
        for key, operator in (("then_branch", "Neg"), ("else_branch", "Abs"))
    }
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["relu1"], "relu1"), helper.make_node("If", ["yes"], ["y"], "if", **branches)],
        "branching",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.array(True), "yes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    found = cut(model, {*known, "y"})
    feed = {name: np.full(2, 7.0, np.float32) for name in found.handed}
    made = run(found.model, {"x": np.array([1.0, 2.0], np.float32), **feed})
    assert made["y"].tolist() == ([-7.0, -7.0] if known else [-1.0, -2.0])
