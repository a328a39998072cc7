from __future__ import annotations

import json
from typing import TYPE_CHECKING

import onnx
import pytest

from harness.cases import Precision
from tests.tiny import convnet_with_outliers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Shell

SHAPE = ("--shape", "image:8x3x8x8")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return the file of a network of which one layer cannot be quantised."""
    path = tmp_path / "hostile.onnx"
    onnx.save(convnet_with_outliers(), path)
    return path


def test_the_remedy_names_exactly_the_layer_with_outliers(shell: Shell, hostile: Path) -> None:
    """Of three layers the one whose weights have outliers is ranked first and is the only one kept."""
    answer = shell("sensitivity", hostile, *SHAPE, "--cosine", "0.99", "--json")
    found = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert found["untouched"]["scores"]["cosine"] < 0.9
    assert found["ranking"][0]["node"] == "conv2"
    assert found["precision"]["keep_fp32"] == ["conv2"]
    assert found["met"]
    assert found["finished"]


def test_the_recipe_can_be_pasted(shell: Shell, hostile: Path) -> None:
    """What is printed last but one line is Python that makes the mixed precision."""
    answer = shell("sensitivity", hostile, *SHAPE, "--cosine", "0.99")
    expression = answer.stdout.partition("for the catalogue:\n")[2].rpartition("\n)\n")[0] + "\n)"
    assert eval(expression) == Precision("int8", keep_fp32=("conv2",), name="int8-mixed")  # noqa: S307
    assert "1 node kept in FP32" in answer.stdout
    assert "inputs: made from the seed 'sensitivity', at batch=8; confirmed on those of the seed" in answer.stdout


def test_a_second_run_measures_nothing_again(shell: Shell, hostile: Path) -> None:
    """Readings are found in the cache, and a stricter demand starts from them."""
    arguments = ("sensitivity", hostile, *SHAPE, "--json")
    first = json.loads(shell(*arguments, "--cosine", "0.99").stdout)
    again = json.loads(shell(*arguments, "--cosine", "0.99").stdout)
    assert (again["evaluations"], again["resumed"]) == (0, first["evaluations"])
    assert again["precision"] == first["precision"]
    stricter = json.loads(shell(*arguments, "--cosine", "0.99999").stdout)
    assert stricter["resumed"] == first["evaluations"]
    assert len(stricter["precision"]["keep_fp32"]) > 1


def test_a_budget_that_ends_is_said_and_does_not_pass(shell: Shell, hostile: Path) -> None:
    """Without a remedy the exit code is 1, and the text says how to go on."""
    answer = shell("sensitivity", hostile, *SHAPE, "--cosine", "0.99", "--evaluations", "2")
    assert answer.exit_code == 1
    assert "no set of nodes was found that meets the tolerances; the budget ended: run it again" in answer.stdout
    assert "2 nodes were not ranked" in answer.stdout


def test_a_harmless_model_needs_nothing(shell: Shell, image_model: Path) -> None:
    """Where INT8 is within the model's own tolerances nothing is kept, and the ranking is there all the same."""
    answer = shell("sensitivity", image_model, *SHAPE)
    assert answer.exit_code == 0
    assert "nothing to keep" in answer.stdout
    assert "conv1" in answer.stdout


def test_fp16_is_studied_node_by_node(shell: Shell, tmp_path: Path) -> None:
    """Weights beyond FP16's range put their layer first, and keeping it is the remedy."""
    model = convnet_with_outliers()
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "w2")
    array = onnx.numpy_helper.to_array(weights).copy()
    array[:, 0] = 1e6
    weights.CopyFrom(onnx.numpy_helper.from_array(array, "w2"))
    onnx.save(model, tmp_path / "wide.onnx")
    found = json.loads(shell("sensitivity", "wide.onnx", *SHAPE, "--precision", "fp16", "--json").stdout)
    assert found["ranking"][0] == {**found["ranking"][0], "node": "conv2", "excess": "inf"}
    assert found["precision"]["keep_fp32"] == ["conv2"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(
            ("convnet.onnx", *SHAPE, "--precision", "int9"), "Did you mean 'int8'?", id="an unknown precision"
        ),
        pytest.param(("convnet.onnx", *SHAPE, "--precision", "tf32"), "Known: fp16, int8", id="one without rounding"),
        pytest.param(("nothere.onnx",), "there is no file", id="a file that is not there"),
        pytest.param(("squeezent",), "Did you mean 'squeezenet'?", id="a model that the catalogue lacks"),
        pytest.param(("squeezenet", *SHAPE), "has the profiles of its catalogue", id="a shape for a known model"),
        pytest.param(("convnet.onnx",), "--shape image:", id="a free dimension without a size"),
        pytest.param(("convnet.onnx", *SHAPE, "--cosine", "1.5"), "cosine = 1.5", id="a cosine above one"),
    ],
)
def test_what_cannot_be_done_is_told_at_once(
    shell: Shell, image_model: Path, arguments: tuple[str, ...], text: str
) -> None:
    """A mistake ends with 2 and one line that says how to mend it."""
    answer = shell("sensitivity", *arguments)
    assert answer.exit_code == 2
    assert text in answer.stderr
    assert answer.stdout == ""
