from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest

from tests.tiny import convnet_with_outliers

if TYPE_CHECKING:
    from tests.commands.conftest import Shell

SHAPE = ("--shape", "image:2x3x8x8")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return the file of a network of which one layer cannot be quantised."""
    path = tmp_path / "hostile.onnx"
    onnx.save(convnet_with_outliers(), path)
    return path


def test_layers_of_a_sound_file_are_listed(shell: Shell, image_model: Path) -> None:
    """Every layer has a row with its error, what it was handed and what it makes, and the command ends well."""
    answer = shell("layers", image_model, *SHAPE)
    assert answer.exit_code == 0
    assert "convnet-fp16-batch2 at batch=2" in answer.stdout
    rows = [line.split() for line in answer.stdout.splitlines()]
    assert {"conv1", "relu1", "conv2", "flat"} <= {row[1] for row in rows if len(row) > 1}
    assert "are within their tolerance" in answer.stdout
    assert "inputs: made from the seed 'convnet', at batch=2; as in pytest and check" in answer.stdout


def test_the_layer_that_fails_is_marked_and_explained(shell: Shell, hostile: Path) -> None:
    """The culprit's row says so, and below the table stand the first layer outside, who makes the error, and why."""
    answer = shell("layers", hostile, *SHAPE, "--precision", "int8")
    assert answer.exit_code == 1
    (row,) = [line for line in answer.stdout.splitlines() if "CULPRIT" in line]
    assert "conv2" in row
    assert "most of it is made by 'conv2'" in answer.stdout
    assert "why: its weights" in answer.stdout


def test_layers_as_json(shell: Shell, hostile: Path) -> None:
    """The plain data has the same, with counts, ranges and histograms of what fails."""
    answer = shell("layers", hostile, *SHAPE, "--precision", "int8", "--format", "json")
    found = json.loads(answer.stdout)
    assert (found["passed"], found["culprit"], found["point"]) == (False, "conv2", "batch=2")
    entry = next(layer for layer in found["layers"] if layer["tensor"] == "conv2")
    assert entry["analysis"]["made"] > entry["analysis"]["handed"]
    assert len(entry["analysis"]["reference"]["histogram"]) == 64
    assert any(line.startswith("why: ") for line in found["summary"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("nothing.onnx",), "there is no file", id="no such file"),
        pytest.param(("convnet.onnx", "--precision", "fp61", *SHAPE), "'fp61' is no precision", id="no such precision"),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence(
    shell: Shell, image_model: Path, arguments: tuple[str, ...], words: str
) -> None:
    """A mistake of the caller is one line on standard error and exit code 2."""
    answer = shell("layers", *arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr


def test_what_the_runtime_refuses_ends_with_its_reason(shell: Shell, image_model: Path) -> None:
    """A precision that a CPU does not have is no traceback."""
    answer = shell("layers", image_model, *SHAPE, "--precision", "tf32")
    assert answer.exit_code == 2
    assert "a CPU has none" in answer.stderr


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folder one with a catalogue of one model."""
    (tmp_path / "pyproject.toml").write_text('[tool.trt-harness]\ncatalogue = "layers_catalogue:CATALOGUE"\n')
    (tmp_path / "layers_catalogue.py").write_text(
        "from harness.cases import FP16, FP32, Model, Profile\n"
        "CATALOGUE = (Model(name='convnet', source='tests.tiny:convnet', precisions=(FP32, FP16),\n"
        "                   profiles=(Profile({'batch': 1}), Profile({'batch': 3}))),)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    # Workers import the model from here.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("arguments", "case"),
    [
        pytest.param(("convnet-fp32-batch3",), "convnet-fp32-batch3", id="by its id"),
        pytest.param(("convnet",), "convnet-fp16-batch1", id="by its model"),
        pytest.param(("convnet-fp32-batch3", "--precision", "bf16"), "convnet-bf16-batch3", id="in another precision"),
    ],
)
def test_a_case_of_the_catalogue_is_found(shell: Shell, arguments: tuple[str, ...], case: str) -> None:
    """A case is taken as it is; a model at its first profile, in FP16; a precision given takes the place of its own."""
    answer = shell("layers", *arguments, "--format", "json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["case"] == case


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("convent",), "Did you mean 'convnet'", id="a misspelt model"),
        pytest.param(("convnet-fp32-batch3", *SHAPE), "--shape is for ONNX files", id="a shape for a case"),
    ],
)
def test_a_case_that_is_not_there_is_suggested(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    """Misspelt names get the nearest one, and options that mean nothing are refused."""
    answer = shell("layers", *arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr
