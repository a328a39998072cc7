from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.graphs.bf16 import to_bf16
from harness.graphs.expose import LayerTensor, expose
from harness.graphs.fp16 import to_fp16
from harness.graphs.int8 import to_int8
from tests.graphs.small_graphs import classifier, images, model_of, run

BETWEEN = ["convolved", "normal", "activated", "pooled", "features"]


def test_every_tensor_between_is_listed_in_order() -> None:
    """Each tensor that a node makes and that is no output yet is told with its place, operator and node."""
    _, layers = expose(classifier())
    assert [layer.tensor for layer in layers] == BETWEEN
    assert layers[1] == LayerTensor(1, "normal", "BatchNormalization", "norm")


def test_the_tensors_can_be_read() -> None:
    """The exposed graph runs without declared types, gives every layer, and the final output as before."""
    exposed, _ = expose(classifier())
    results = run(exposed, images(2))
    assert list(results) == ["scores", *BETWEEN]
    assert results["convolved"].shape == (2, 16, 8, 8)
    np.testing.assert_array_equal(results["activated"], np.maximum(results["normal"], 0))
    np.testing.assert_allclose(results["scores"], run(classifier(), images(2))["scores"], rtol=1e-4, atol=1e-5)


def test_only_the_tensors_that_are_wanted_are_exposed() -> None:
    """A choice of names restricts the list; names that the graph lacks are no error."""
    exposed, layers = expose(classifier(), {"pooled", "normal", "scores", "elsewhere"})
    assert [layer.tensor for layer in layers] == ["normal", "pooled"]
    assert [layer.position for layer in layers] == [0, 1]
    assert [output.name for output in exposed.graph.output] == ["scores", "normal", "pooled"]


def test_the_graph_given_stays_as_it_is() -> None:
    """Outputs are added to a copy."""
    model = classifier()
    expose(model)
    assert model == classifier()


@pytest.mark.parametrize(
    ("recipe", "shared"),
    [
        pytest.param(to_fp16, BETWEEN, id="fp16"),
        pytest.param(to_bf16, BETWEEN, id="bf16"),
        pytest.param(lambda model: to_int8(model, [images(1)]), BETWEEN[1:], id="int8, where the batch norm is folded"),
    ],
)
def test_recipes_keep_names_by_which_layers_compare(recipe: object, shared: list[str]) -> None:
    """Layers of a recipe's graph have the names of the FP32 graph's, are readable, and hold near values."""
    assert callable(recipe)
    reference, wanted = expose(classifier())
    exposed, layers = expose(recipe(classifier()))
    assert [layer.tensor for layer in layers if layer in wanted or layer.tensor in BETWEEN] == shared
    expected = run(reference, images(1), optimised=False)
    actual = run(exposed, images(1), optimised=False)
    for name in shared:
        np.testing.assert_allclose(actual[name].astype(np.float32), expected[name], atol=0.3, err_msg=name)


def test_what_is_no_tensor_of_numbers_is_left_out() -> None:
    """Constants, sequences, text and types that numpy lacks are not exposed, nor outputs without a name."""
    text = helper.make_tensor_value_info("text", TensorProto.STRING, [1])
    model = model_of(
        [
            helper.make_node("Constant", [], ["one"], "one", value=numpy_helper.from_array(np.ones(1, np.float32))),
            helper.make_node("Add", ["x", "one"], ["sum"], "add"),
            helper.make_node("SequenceConstruct", ["sum", "one"], ["several"], "sequence"),
            helper.make_node("ConcatFromSequence", ["several"], ["joined"], "join", axis=0),
            helper.make_node("Cast", ["sum"], ["narrow"], "narrow", to=TensorProto.BFLOAT16),
            helper.make_node("Cast", ["narrow"], ["wide"], "wide", to=TensorProto.FLOAT),
            helper.make_node("Cast", ["wide"], ["text"], "print", to=TensorProto.STRING),
            helper.make_node("Dropout", ["wide"], ["kept", ""], "dropout"),
            helper.make_node("Relu", ["kept"], ["y"], "relu"),
        ],
        {"x": [1]},
        {"y": [1]},
    )
    model.graph.value_info.append(text)
    exposed, layers = expose(model)
    assert [layer.tensor for layer in layers] == ["sum", "joined", "wide", "kept"]
    assert run(exposed, {"x": np.ones(1, np.float32)}, optimised=False)["joined"].tolist() == [2, 1]


def test_text_is_known_by_its_declaration() -> None:
    """A tensor that the graph declares to be text is left out, whatever makes it."""
    model = model_of(
        [
            helper.make_node("Identity", ["x"], ["words"], "identity"),
            helper.make_node("Size", ["words"], ["y"], "size"),
        ],
        {"x": [1]},
        {"y": []},
    )
    model.graph.value_info.append(helper.make_tensor_value_info("words", TensorProto.STRING, [1]))
    assert expose(model)[1] == ()
