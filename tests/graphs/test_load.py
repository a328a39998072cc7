from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness.cases import TensorSpec
from harness.errors import ModelError
from harness.graphs import save
from harness.graphs.load import (
    UNKNOWN_SHAPE,
    check_model,
    check_names,
    check_readable,
    external_data_files,
    input_specs,
    load_model,
    normalise,
    output_specs,
    parse_model,
)
from tests.graphs.small_graphs import classifier, images, model_of, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _valid_bytes() -> bytes:
    content: bytes = classifier().SerializeToString()
    return content


@pytest.fixture
def with_external_data(tmp_path: Path) -> Path:
    """A classifier whose filters are in ``weights.bin`` beside it."""
    path = tmp_path / "model.onnx"
    onnx.save_model(classifier(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_a_model_is_read_whole(tmp_path: Path) -> None:
    """What was written comes back."""
    path = tmp_path / "model.onnx"
    path.write_bytes(_valid_bytes())
    assert load_model(path) == classifier()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="an empty file"),
        pytest.param(b"\x00\xff\x13garbage" * 50, "is not an ONNX model", id="garbage"),
        pytest.param(_valid_bytes()[:-100], "cut off after", id="a truncated model"),
        pytest.param(b'{"irVersion": "8", "graph": {}}', r"begins with the text '\{\"irVersion", id="JSON"),
        pytest.param(b"<!DOCTYPE html><html>", "begins with the text '<!DOCTYPE", id="a page of HTML"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git-lfs", id="a pointer of Git LFS"),
        pytest.param(b"PK\x03\x04checkpoint", "zip archive, perhaps a PyTorch checkpoint", id="a PyTorch checkpoint"),
        pytest.param(
            onnx.ModelProto(producer_name="x").SerializeToString(), "holds no graph", id="a message without a graph"
        ),
    ],
)
def test_what_is_not_onnx_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Each kind of file that is no ONNX model is told apart, named, and answered with a way out."""
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as raised:
        load_model(path)
    assert repr(str(path)) in str(raised.value)
    assert "again" in str(raised.value)


def test_a_missing_file_is_named_with_its_neighbours(tmp_path: Path) -> None:
    """A path that leads nowhere is an error that lists the models that are there."""
    (tmp_path / "other.onnx").touch()
    with pytest.raises(ModelError, match=r"no file '.*model\.onnx'\. There: other\.onnx"):
        load_model(tmp_path / "model.onnx")


def test_a_folder_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    """A folder in place of a file is an error that lists the models in it."""
    (tmp_path / "inside.onnx").touch()
    with pytest.raises(ModelError, match=r"is a folder.*inside\.onnx"):
        load_model(tmp_path)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission to read is an error that says so."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "model.onnx"
    path.write_bytes(_valid_bytes())
    # By a patch, because root may read a file of any mode.
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(ModelError, match=r"model\.onnx' cannot be read: Permission denied"):
        load_model(path)


def test_external_data_is_read_in(with_external_data: Path) -> None:
    """Weights kept beside the model are in it afterwards, as though they had never been outside."""
    assert external_data_files(parse_model(with_external_data), with_external_data.parent) == (
        with_external_data.parent / "weights.bin",
    )
    model = load_model(with_external_data)
    assert save.graph_hash(model) == save.graph_hash(classifier())
    assert external_data_files(model, with_external_data.parent) == ()


def _delete(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(_delete, r"keeps 7 of its tensors in 'weights\.bin', and there is no such file", id="missing"),
        pytest.param(_cut, r"cannot be read from 'weights\.bin'", id="cut off"),
    ],
)
def test_damaged_external_data_is_named(with_external_data: Path, damage: Callable[[Path], None], message: str) -> None:
    """An external data file that is missing or too short is named."""
    damage(with_external_data.parent / "weights.bin")
    with pytest.raises(ModelError, match=message):
        load_model(with_external_data)


@pytest.mark.parametrize(
    ("opset", "ir_version", "message"),
    [
        pytest.param(999, 8, "opset 999, and the installed onnx .* takes at most", id="opset"),
        pytest.param(17, 99, "IR version 99, and the installed onnx .* takes at most", id="IR version"),
    ],
)
def test_a_model_newer_than_onnx_is_refused(tmp_path: Path, opset: int, ir_version: int, message: str) -> None:
    """A model of the future is refused with both numbers, before the checker trips over it."""
    model = classifier()
    model.opset_import[0].version = opset
    model.ir_version = ir_version
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=message):
        load_model(path)


@pytest.mark.parametrize(
    ("max_ir", "max_opset", "message"),
    [
        pytest.param(13, 16, "opset 17, and reader 1.0 takes at most 16.*opset_version=16", id="opset"),
        pytest.param(7, 26, "IR version 8, and reader 1.0 takes at most 7.*ir_version = 7", id="IR version"),
    ],
)
def test_a_model_newer_than_its_reader_is_refused(max_ir: int, max_opset: int, message: str) -> None:
    """Both numbers and the way out are in the message."""
    with pytest.raises(ModelError, match=message):
        check_readable(classifier(), max_ir=max_ir, max_opset=max_opset, reader="reader 1.0")


def test_a_reader_takes_its_own_newest_version() -> None:
    """The limits themselves are allowed."""
    check_readable(classifier(), max_ir=8, max_opset=17, reader="reader 1.0")


def test_a_graph_against_the_rules_is_refused_briefly(tmp_path: Path) -> None:
    """What the checker finds is passed on, shortened, with the file's name."""
    model = classifier()
    model.graph.node[0].input[0] = "nothing_makes_this" * 50
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"breaks the rules of ONNX: .*nothing_makes_this") as raised:
        load_model(path)
    assert len(str(raised.value)) < 600
    with pytest.raises(ModelError, match=r"^a graph made in memory breaks the rules"):
        check_model(model, "a graph made in memory")


def test_normalising_takes_initialisers_out_of_the_inputs() -> None:
    """Initialisers listed as inputs, as IR version 3 has them, become constants, and the numbers stay the same."""
    model = classifier()
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    model.ir_version = 3
    normal = normalise(model)
    assert [value.name for value in normal.graph.input] == ["image"]
    assert (normal.ir_version, normal.opset_import[0].version) == (4, 17)
    assert len(model.graph.input) == 8, "the model given must stay as it is"
    np.testing.assert_array_equal(run(normal, images(2))["scores"], run(classifier(), images(2))["scores"])


def test_normalising_leaves_a_normal_graph_alone() -> None:
    """A graph in which everything has its name comes back equal."""
    assert normalise(classifier()) == classifier()


@pytest.mark.parametrize("size", [None, 0, -1], ids=["no size", "size 0", "size -1"])
def test_free_dimensions_get_names(size: int | None) -> None:
    """A dimension without a size of 1 or more is free and called after its input and axis."""
    model = model_of(
        [helper.make_node("Relu", ["x"], ["y"], "relu")], {"x": [2, size, "width"]}, {"y": [2, None, None]}
    )
    expected = (2, "x_1", "width")
    assert input_specs(model)[0].shape == expected, "without normalising"
    assert input_specs(normalise(model))[0].shape == expected
    dimensions = normalise(model).graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dimensions] == list(expected)


def test_nameless_nodes_are_called_after_their_outputs() -> None:
    """Each node has a name of its own afterwards; one that exists is neither changed nor used twice."""
    model = model_of(
        [
            helper.make_node("Relu", ["x"], ["y"]),
            helper.make_node("Relu", ["y"], ["taken"]),
            helper.make_node("Relu", ["taken"], ["z"], "taken"),
        ],
        {"x": [1]},
        {"z": [1]},
    )
    assert [node.name for node in normalise(model).graph.node] == ["y", "taken_1", "taken"]


def test_specs_tell_names_types_and_shapes() -> None:
    """Inputs and outputs are described by name, numpy's dtype and shape, initialisers left out."""
    assert input_specs(classifier()) == (TensorSpec("image", "float32", ("batch", 3, 8, 8)),)
    assert output_specs(classifier()) == (TensorSpec("scores", "float32", ("batch", 5)),)


@pytest.mark.parametrize(
    ("element_type", "dtype"),
    [(TensorProto.BFLOAT16, "bfloat16"), (TensorProto.FLOAT8E4M3FN, "float8_e4m3fn"), (TensorProto.INT64, "int64")],
    ids=["bfloat16", "float8", "int64"],
)
def test_specs_name_every_type(element_type: int, dtype: str) -> None:
    """Types that numpy lacks are called by ml_dtypes' names."""
    model = classifier()
    model.graph.input[0].type.tensor_type.elem_type = element_type
    assert input_specs(model)[0].dtype == dtype


def test_an_output_without_a_shape_is_inferred() -> None:
    """An output that declares nothing gets its shape from inference."""
    model = classifier()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert output_specs(model)[0].shape == ("batch", 5)


def test_an_output_that_cannot_be_inferred_is_of_unknown_shape() -> None:
    """An output whose number of dimensions nothing tells is still described."""
    node = helper.make_node("Mystery", ["x"], ["y"], "mystery", domain="custom")
    model = model_of([node], {"x": [1]}, {"y": [1]})
    model.opset_import.add(domain="custom", version=1)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert output_specs(model) == (TensorSpec("y", "float32", UNKNOWN_SHAPE),)


def test_an_input_without_a_rank_is_refused() -> None:
    """An input that does not tell how many dimensions it has cannot be fed, and is named."""
    model = classifier()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(ModelError, match="input 'image' does not tell how many dimensions"):
        input_specs(model)


def test_sequences_are_refused() -> None:
    """An input or output that is no tensor is named with what it is."""
    model = classifier()
    sequence = helper.make_tensor_sequence_value_info("several", TensorProto.FLOAT, [1])
    model.graph.input.append(sequence)
    model.graph.output.append(sequence)
    with pytest.raises(ModelError, match="input 'several' is a sequence_type"):
        input_specs(model)
    with pytest.raises(ModelError, match="output 'several' is a sequence_type"):
        output_specs(model)


def test_an_unknown_name_suggests_the_nearest() -> None:
    """A name that the graph lacks is refused, and the nearest one suggested."""
    check_names("input of the graph", ["image"], ["image", "mask"])
    with pytest.raises(ModelError, match=r"'imag' is no input of the graph\. Did you mean 'image'\?"):
        check_names("input of the graph", ["mask", "imag"], ["image", "mask"])
