from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from harness.cases import FP32, Profile, TensorSpec
from harness.runtimes.base import BuildRequest
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.workers.comparing import LayerComparison, compare_layers
from harness.workers.reference_layers import ReferenceLayers
from harness.workers.tensors import save_tensors
from tests.tiny import convnet, with_perturbed_weight

if TYPE_CHECKING:
    from pathlib import Path

SPECS = (TensorSpec("image", "float32", ("batch", 3, 8, 8)),)
IMAGES = np.random.default_rng(4).normal(size=(5, 3, 8, 8)).astype(np.float32)
IMAGES[3] *= 40


def request(folder: Path, model: onnx.ModelProto, name: str) -> BuildRequest:
    """Return the request that builds ``model``."""
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return BuildRequest(
        graph=path,
        precision=FP32,
        profile=Profile({"batch": (1, 5, 5)}),
        inputs=SPECS,
        destination=folder / f"{name}.engine",
    )


def kept(folder: Path, rows_along: str | None) -> ReferenceLayers:
    """Return the layers of the sound network under ``folder``, computed now."""
    save_tensors(folder / "inputs", {"image": IMAGES})
    layers = ReferenceLayers(folder, SPECS, rows_along)
    assert not layers.complete
    layers.save(OnnxRuntime().layer_reader(request(folder, convnet(), "sound")))
    assert layers.complete
    return layers


def test_with_a_batch_axis_each_row_is_a_part(tmp_path: Path) -> None:
    """Five rows are five parts, each with its own image and what the layers make of it."""
    parts = list(kept(tmp_path, "batch").parts())
    assert len(parts) == 5
    assert [part.inputs["image"].tolist() for part in parts] == [[image.tolist()] for image in IMAGES]
    assert {part.expected["conv1"].shape for part in parts} == {(1, 16, 8, 8)}


@pytest.mark.parametrize("axis", [None, "sequence"], ids=["no axis", "an axis that no input has"])
def test_without_rows_there_is_one_part(tmp_path: Path, axis: str | None) -> None:
    """All rows are one part where they are not to be told apart."""
    (part,) = kept(tmp_path, axis).parts()
    assert part.expected["conv1"].shape == (5, 16, 8, 8)


def test_rows_have_the_shape_and_the_magnitude_of_the_whole(tmp_path: Path) -> None:
    """What a comparison needs to know of all parts is known with the first."""
    by_row, whole = kept(tmp_path / "rows", "batch"), kept(tmp_path / "whole", None)
    (all_rows,) = whole.parts()
    first = next(iter(by_row.parts())).expected["conv1"]
    assert by_row.shape(first.shape) == whole.shape(all_rows.expected["conv1"].shape) == (5, 16, 8, 8)
    assert by_row.shape((7,)) == (5, 7)
    expected = float(np.abs(all_rows.expected["conv1"]).max())
    assert by_row.magnitude("conv1", first) == pytest.approx(expected)
    assert whole.magnitude("conv1", all_rows.expected["conv1"]) == pytest.approx(expected)


def test_rows_give_the_same_errors_as_the_whole(tmp_path: Path) -> None:
    """Every measure of every layer is the same row by row as at once, the place where it is worst included."""
    runtime = OnnxRuntime()
    answers = []
    for name, rows_along in (("rows", "batch"), ("whole", None)):
        folder = tmp_path / name
        kept(folder, rows_along)
        build = request(folder, with_perturbed_weight(convnet(), "w2"), "wrong")
        runtime.build(build)
        answers.append(
            compare_layers(runtime, runtime.load(build.destination), build, folder, (), rows_along=rows_along)
        )
    by_row, whole = ({entry["tensor"]: entry["errors"] for entry in answer["tensors"]} for answer in answers)
    assert by_row.keys() == whole.keys()
    assert by_row["conv2"]["worst_index"][0] == 3
    for tensor, errors in whole.items():
        assert {k: v for k, v in by_row[tensor].items() if not isinstance(v, float)} == {
            k: v for k, v in errors.items() if not isinstance(v, float)
        }
        floats = {k: v for k, v in errors.items() if isinstance(v, float)}
        assert {k: by_row[tensor][k] for k in floats} == pytest.approx(floats, rel=1e-4, abs=1e-6)


def test_tensors_of_another_shape_are_not_compared(tmp_path: Path) -> None:
    """A name that means something else in this graph is left out."""
    reference = kept(tmp_path, None)
    compared = LayerComparison(reference)
    compared.add([("conv1", "Conv", np.zeros((5, 1))), ("odd", "Conv", np.zeros(1))], next(reference.parts()).expected)
    assert list(compared.errors()) == []
