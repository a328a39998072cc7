from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.graphs import save
from harness.graphs.load import load_model
from harness.graphs.save import graph_hash, needs_external_data, replacing, save_model
from tests.graphs.small_graphs import classifier, images, run, two_products

if TYPE_CHECKING:
    from pathlib import Path


def _perturbed_weight() -> onnx.ModelProto:
    model = classifier()
    head = next(tensor for tensor in model.graph.initializer if tensor.name == "head")
    array = numpy_helper.to_array(head).copy()
    array[3, 2] = np.nextafter(array[3, 2], np.float32(2.0))
    head.CopyFrom(numpy_helper.from_array(array, "head"))
    return model


def _other_attribute() -> onnx.ModelProto:
    model = classifier()
    model.graph.node[0].attribute[0].ints[0] = 2
    return model


def _other_opset() -> onnx.ModelProto:
    model = classifier()
    model.opset_import[0].version = 16
    return model


def test_the_hash_is_the_same_each_time() -> None:
    """A graph built twice hashes the same."""
    assert graph_hash(classifier()) == graph_hash(classifier())


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(_perturbed_weight(), id="one weight by one last bit"),
        pytest.param(_other_attribute(), id="an attribute"),
        pytest.param(_other_opset(), id="the operator set"),
    ],
)
def test_the_hash_tells_graphs_apart(changed: onnx.ModelProto) -> None:
    """Any change that may change results changes the hash."""
    assert graph_hash(changed) != graph_hash(classifier())


def test_the_hash_is_of_the_numbers_not_of_how_they_are_stored() -> None:
    """Weights stored as a list of floats hash like the same weights stored as bytes."""
    model = classifier()
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.FLOAT, values.shape, values.ravel().tolist()))
    assert model != classifier()
    assert graph_hash(model) == graph_hash(classifier())


def test_a_saved_model_reads_back_equal(tmp_path: Path) -> None:
    """A small model is one file, its folder made if need be, and nothing temporary is left."""
    path = tmp_path / "new" / "model.onnx"
    save_model(classifier(), path)
    assert load_model(path) == classifier()
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of more than 1000 bytes are large."""
    monkeypatch.setattr(save, "EXTERNAL_DATA_BYTES", 1000)
    monkeypatch.setattr(save, "_PAGE", 512)


@pytest.mark.usefixtures("small_limit")
def test_large_weights_go_beside_the_model(tmp_path: Path) -> None:
    """Beyond the limit, tensors of a page and more are in a second file, each at the start of a page."""
    model = classifier()
    path = tmp_path / "model.onnx"
    assert needs_external_data(model)
    save_model(model, path)
    assert model == classifier(), "the model given must stay as it is"
    assert {file.name for file in tmp_path.iterdir()} == {"model.onnx", "model.onnx.data"}
    outside = {
        tensor.name: {entry.key: entry.value for entry in tensor.external_data}
        for tensor in onnx.load(str(path), load_external_data=False).graph.initializer
        if tensor.external_data
    }
    assert outside == {"filters": {"location": "model.onnx.data", "offset": "0", "length": "1728"}}
    reloaded = load_model(path)
    assert graph_hash(reloaded) == graph_hash(model)
    np.testing.assert_array_equal(run(reloaded, images(2))["scores"], run(model, images(2))["scores"])


@pytest.mark.usefixtures("small_limit")
def test_weights_outside_do_not_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tensors outside come back as they were."""
    monkeypatch.setattr(save, "EXTERNAL_DATA_BYTES", 400)
    monkeypatch.setattr(save, "_PAGE", 200)
    path = tmp_path / "model.onnx"
    save_model(two_products(), path)
    offsets = [
        int(next(entry.value for entry in tensor.external_data if entry.key == "offset"))
        for tensor in onnx.load(str(path), load_external_data=False).graph.initializer
    ]
    assert offsets == [0, 400]
    assert load_model(path) == two_products()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """When writing ends in an error the file is as it was, and nothing temporary is left."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"ne")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    """While a file is written the old one is there, and afterwards the new one, readable by all."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
