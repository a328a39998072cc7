from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.cases import BF16, FP16, FP32, INT8, Precision, Profile, TensorSpec, Tolerance, specs_to_json
from harness.graphs.load import normalise
from harness.graphs.recipes import apply_recipe
from harness.runtimes.base import BuildRequest
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.workers.analysing import analyse_layers
from harness.workers.comparing import compare_layers
from harness.workers.reference import compute_reference
from tests.tiny import calibration_of_whispers, convnet, with_perturbed_weight

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SPECS = (TensorSpec("image", "float32", ("batch", 3, 8, 8)),)
THIRTY_DECIBELS = (Tolerance(scope="layers", sqnr_db=30.0),)


class OtherEngine(OnnxRuntime):
    """A runtime whose second layer is not what its graph says."""

    def layer_reader(self, request: Any) -> Any:
        """Return what reads the layers and spoils one, and what depends on it."""
        read = super().layer_reader(request)

        def spoilt(inputs: Any) -> tuple[dict[str, np.ndarray], Iterable[tuple[str, str, np.ndarray]]]:
            finals, layers = read(inputs)
            worse = {"relu1": 1.5, "conv2": 1.5, "relu2": 1.5, "pooled": 1.5, "flat": 1.5}
            return finals, [
                (name, operator, array * np.float32(worse.get(name, 1.0))) for name, operator, array in layers
            ]

        return spoilt


def analysed(
    folder: Path,
    graph: onnx.ModelProto,
    precision: Precision = FP32,
    *,
    sound: onnx.ModelProto | None = None,
    runtime: OnnxRuntime | None = None,
    tolerances: tuple[Tolerance, ...] = THIRTY_DECIBELS,
    batch: int = 2,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compare an engine of ``graph`` with the sound network and look into its layers; return both answers."""
    runtime = runtime or OnnxRuntime()
    paths = {"sound": folder / "sound.onnx", "tested": folder / "tested.onnx"}
    onnx.save(normalise(sound or convnet()), paths["sound"])
    onnx.save(graph, paths["tested"])
    asked = {"graph": str(paths["sound"]), "inputs": specs_to_json(SPECS), "feeds": {}, "seed": "s"}
    asked |= {"points": {"point": {"batch": batch}}, "rows_along": "batch"}
    compute_reference(OnnxRuntime(), asked, {"point": folder / "point"}, "point")
    build = BuildRequest(
        graph=paths["tested"],
        precision=precision,
        profile=Profile({"batch": (1, batch, batch)}),
        inputs=SPECS,
        destination=folder / "engine",
    )
    runtime.build(build)
    engine = runtime.load(build.destination)
    compared = compare_layers(runtime, engine, build, folder / "point", tolerances, rows_along="batch")
    found = analyse_layers({
        "graph": str(paths["tested"]),
        "recipe": precision.recipe,
        "inputs": specs_to_json(SPECS),
        "folder": str(folder / "point"),
        "rows_along": "batch",
        "tensors": compared["tensors"],
    })  # fmt: skip
    return compared, found


def with_large_weights(factor: float) -> onnx.ModelProto:
    """Return the sound network with a second layer whose outputs are that much larger."""
    return with_perturbed_weight(convnet(), "w2", factor=factor)


@pytest.mark.parametrize("batch", [1, 3], ids=["whole", "row by row"])
def test_a_wrong_weight_is_found_where_it_is(tmp_path: Path, batch: int) -> None:
    """Of the layers that are wrong the one with the wrong weight makes the error, and the others pass it on."""
    compared, found = analysed(tmp_path, with_large_weights(1.5), batch=batch)
    assert not compared["passed"]
    assert found["culprit"] == "conv2"
    assert found["tensors"]["conv2"]["made"] == pytest.approx(0.5, rel=1e-3)
    assert found["tensors"]["conv2"]["handed"] < 1e-5
    assert found["tensors"]["relu2"]["made"] < 1e-5
    assert found["tensors"]["relu2"]["handed"] == pytest.approx(0.5, rel=1e-3)
    assert "'conv2' (Conv, position 2): makes -6.0 dB" in found["lines"][0]
    assert found["lines"][1] == "why: its graph computes something else than the reference from the same inputs"


def test_a_sound_graph_names_nobody(tmp_path: Path) -> None:
    """Without a layer outside its tolerance there is no culprit and nothing to say, but every layer has its numbers."""
    compared, found = analysed(tmp_path, convnet())
    assert compared["passed"]
    assert (found["culprit"], found["lines"]) == (None, [])
    assert found["tensors"].keys() == {entry["tensor"] for entry in compared["tensors"]}
    assert all(entry["made"] < 1e-5 and "reference" not in entry for entry in found["tensors"].values())


def test_an_overflow_of_float16_is_counted(tmp_path: Path) -> None:
    """The layer whose values do not fit is named, with how many they are; layers behind it, fed NaN, are not."""
    sound = with_large_weights(1e5)
    half = apply_recipe(normalise(sound), FP16).model
    _, found = analysed(tmp_path, half, FP16, sound=sound)
    assert found["culprit"] == "conv2"
    entry = found["tensors"]["conv2"]
    assert entry["made"] == "inf"
    assert entry["counts"]["overflow"] > 0
    assert f"why: overflows float16: {entry['counts']['overflow']} of 2048 values beyond 65504" in found["lines"]


def test_saturation_of_int8_is_counted(tmp_path: Path) -> None:
    """With scales from inputs that were a thousand times too small, the clamp is named, its range and its scale."""
    quantised = apply_recipe(normalise(convnet()), INT8, calibration_of_whispers()).model
    _, found = analysed(tmp_path, quantised, INT8)
    assert "why: saturates: " in found["lines"][1]
    assert "at the int8 clamp, range" in found["lines"][1]
    counts = found["tensors"][found["culprit"]]["counts"]
    assert any(misfits["saturated"] > 0 for misfits in counts["inputs"].values())


def test_bfloat16_is_held_against_its_own_range(tmp_path: Path) -> None:
    """A graph that stands for bfloat16 in float32 is told apart: what is beyond float16 fits, and is rounded."""
    sound = with_large_weights(1e5)
    compared, found = analysed(tmp_path, apply_recipe(normalise(sound), BF16).model, BF16, sound=sound, tolerances=())
    assert compared["tensors"]
    assert not any(entry["counts"].get("overflow") for entry in found["tensors"].values())
    assert found["tensors"]["conv2"]["made"] == pytest.approx(2**-9, rel=0.9)


def test_an_engine_that_does_something_else_is_blamed(tmp_path: Path) -> None:
    """An error that neither the graph nor the inputs explain is the engine's, at the layer where it begins."""
    _, found = analysed(tmp_path, convnet(), runtime=OtherEngine())
    assert found["culprit"] == "relu1"
    assert [name for name, entry in found["tensors"].items() if entry["by_engine"]] == ["relu1"]
    assert found["lines"][1].startswith("why: the engine computes it otherwise than its graph")


def test_layers_that_fail_have_range_and_histogram(tmp_path: Path) -> None:
    """For failing layers the reference's values and the weights are described, for the others not."""
    _, found = analysed(tmp_path, with_large_weights(1.5))
    assert "reference" not in found["tensors"]["conv1"]
    entry = found["tensors"]["conv2"]
    weights = next(numpy_helper.to_array(t) for t in with_large_weights(1.5).graph.initializer if t.name == "w2")
    assert entry["weights"].keys() == {"w2"}
    assert entry["weights"]["w2"]["max"] == pytest.approx(float(weights.max()))
    assert sum(entry["weights"]["w2"]["histogram"]) == weights.size
    assert sum(entry["reference"]["histogram"]) == 2 * 16 * 8 * 8


def test_weights_of_int8_are_described_as_the_numbers_they_stand_for(tmp_path: Path) -> None:
    """Integers and scales of each channel are multiplied out before their range is taken."""
    quantised = apply_recipe(normalise(convnet()), INT8, calibration_of_whispers()).model
    _, found = analysed(tmp_path, quantised, INT8)
    largest = max(entry["max"] for entry in found["tensors"]["conv2"]["weights"].values())
    weights = next(numpy_helper.to_array(t) for t in convnet().graph.initializer if t.name == "w2")
    assert largest == pytest.approx(float(np.abs(weights).max()), rel=0.3)
