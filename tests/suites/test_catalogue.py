"""The catalogue is sound, and every model in it does what its entry says."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from harness.cases import Integers, Model, Point, Tolerance, expand, make_inputs, tolerance_for
from harness.cases.tolerance import DEFAULTS
from harness.graphs.load import input_specs
from harness.graphs.sources import call_source, resolve_source
from suites.catalogue import CATALOGUE
from tests.suites.models import built, run

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "zoo_conditioning.json"
QUICK = [pytest.param(model, id=model.name) for model in CATALOGUE if not model.slow]
EVERY = [pytest.param(model, id=model.name) for model in CATALOGUE]
MODELS_AND_POINTS = [
    pytest.param(model, point, id=f"{model.name} at {point.label}")
    for model in CATALOGUE
    if not model.slow
    for point in dict.fromkeys(point for profile in model.profiles for point in profile.points)
]
# What two kernels of different shapes may differ by: a few last places of FP32, summed over the depth of a network.
ROUNDING = 1e-4
# What the recipe bf16 allows where a model says nothing.
BF16_DECIBELS = float(DEFAULTS["bf16"][0].sqnr_db or 0)


def test_every_case_has_an_id_of_its_own() -> None:
    """No two cases of the whole catalogue share an id."""
    ids = [case.id for case in expand(CATALOGUE, full=True)]
    assert len(ids) == len(set(ids))


def test_importing_the_catalogue_loads_no_runtime() -> None:
    """Collecting tests pays for neither onnx, nor a runtime, nor scikit-learn."""
    heavy = "{'onnx', 'onnxruntime', 'scipy', 'sklearn', 'tensorrt'}"
    code = f"import sys, suites.catalogue; print(sorted({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("model", EVERY)
def test_sources_name_functions(model: Model) -> None:
    """Every graph, calibration set and labelled set has a function behind its name."""
    sources = [str(model.source), model.calibration.source, model.task and model.task.source]
    assert all(callable(resolve_source(source)) for source in sources if source)


@pytest.mark.parametrize("model", EVERY)
def test_every_profile_leaves_its_optimum(model: Model) -> None:
    """Every profile with a range runs its engine at a point for which that was not tuned, and at few points."""
    for profile in model.profiles:
        assert len(profile.points) <= 3
        if any(axis.min < axis.max for axis in profile.axes.values()):
            assert any(point != profile.corner("opt") for point in profile.points)


@pytest.mark.parametrize("model", EVERY)
def test_a_labelled_set_runs_in_a_batch_that_every_profile_takes(model: Model) -> None:
    """A batch of the labelled set lies within the range of each profile."""
    if model.task is not None:
        for profile in model.profiles:
            assert (
                profile.axes[str(model.batch_axis)].min <= model.task.batch <= profile.axes[str(model.batch_axis)].max
            )


@pytest.mark.parametrize("model", QUICK)
def test_graph_is_valid_and_old_enough(model: Model) -> None:
    """The graph passes ONNX's checker with its shapes inferred, at the opset and IR version that all runtimes read."""
    graph = built(model.name)
    onnx.checker.check_model(graph, full_check=True)
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 17)]
    assert graph.ir_version == 8


@pytest.mark.parametrize("model", QUICK)
def test_graph_names_its_nodes_and_hides_its_weights(model: Model) -> None:
    """Every node has a name of its own, and no weight is an input."""
    graph = built(model.name).graph
    names = [node.name for node in graph.node]
    assert all(names)
    assert len(names) == len(set(names))
    assert not {value.name for value in graph.input} & {tensor.name for tensor in graph.initializer}


@pytest.mark.parametrize("model", QUICK)
def test_entry_fits_the_graph(model: Model) -> None:
    """Profiles cover exactly the graph's free dimensions, and feeds name its inputs."""
    specs = input_specs(built(model.name))
    for profile in model.profiles:
        profile.check_against(specs)
    assert set(model.feeds) <= {spec.name for spec in specs}


@pytest.mark.parametrize("model", QUICK)
def test_same_bytes_each_time(model: Model) -> None:
    """Building a model again gives the same bytes, so that caches and hashes hold."""
    again = call_source(str(model.source))
    assert _digest(again) == _digest(built(model.name))


@pytest.mark.parametrize(("model", "point"), MODELS_AND_POINTS)
def test_runs_at_every_point(model: Model, point: Point) -> None:
    """The graph gives finite outputs, with one row per sample, at each point of each profile."""
    for array in run(model.name, _inputs(built(model.name), model, point)).values():
        assert array.shape[0] == point.size("batch")
        assert np.isfinite(array).all()


@pytest.mark.parametrize("model", QUICK)
def test_outputs_tell_inputs_apart(model: Model) -> None:
    """Two samples give outputs so far apart that a mix-up of inputs fails in every precision but INT8."""
    point = Point.of({**dict(model.profiles[-1].corner("opt").sizes), "batch": 2})
    for array in run(model.name, _inputs(built(model.name), model, point)).values():
        first, second = array.reshape(2, -1).astype(np.float64)
        assert 10 * np.log10(np.sum(first**2) / np.sum((first - second) ** 2)) < BF16_DECIBELS


@pytest.mark.parametrize("model", QUICK)
def test_rows_do_not_depend_on_their_batch(model: Model) -> None:
    """Each row of a batch is what its sample gives alone."""
    point = Point.of({**dict(model.profiles[-1].corner("opt").sizes), "batch": 2})
    inputs = _inputs(built(model.name), model, point)
    together = run(model.name, inputs)
    for row in range(2):
        alone = run(model.name, {name: array[row : row + 1] for name, array in inputs.items()})
        for name, array in alone.items():
            np.testing.assert_allclose(array, together[name][row : row + 1], atol=ROUNDING * np.abs(array).max())


@pytest.mark.parametrize("model", EVERY)
def test_tolerances_follow_from_what_was_measured(model: Model) -> None:
    """Every error that was measured keeps its tolerance, with room for other machines."""
    measured = json.loads(RESULTS.read_text())["models"][model.name]
    for precision in model.precisions:
        if precision.name not in measured:
            assert precision.name == "tf32"
            continue
        tolerances = model.tolerances_for(precision)
        for output, errors in measured[precision.name]["outputs"].items():
            limit = tolerance_for(output, "outputs", tolerances)
            assert limit is not None
            assert _keeps(errors, limit)
        layer = measured[precision.name]["worst_layer"]
        limit = tolerance_for(layer["tensor"], "layers", tolerances)
        assert limit is not None
        assert _keeps(layer, limit)


def test_encoder_is_fed_ids_that_it_has() -> None:
    """The encoder's feed stays below its vocabulary, and its profile below its longest sequence."""
    from suites.zoo import encoder

    model = next(model for model in CATALOGUE if model.name == "encoder")
    assert model.feeds["input_ids"] == Integers(0, encoder.VOCABULARY)
    assert max(profile.axes["sequence"].max for profile in model.profiles) == encoder.LONGEST_SEQUENCE


def _inputs(graph: onnx.ModelProto, model: Model, point: Point) -> dict[str, np.ndarray]:
    return make_inputs(input_specs(graph), model.feeds, point, seed="tests")


def _keeps(errors: dict[str, Any], tolerance: Tolerance) -> bool:
    """Tell whether recorded errors lie within ``tolerance`` by 5 dB; an SQNR of None means that nothing differed."""
    if tolerance.rmse is not None:
        return bool(errors["rmse"] * 10 ** (5 / 20) < tolerance.rmse)
    return errors["sqnr_db"] is None or bool(errors["sqnr_db"] - 5 > tolerance.sqnr_db)


def _digest(model: onnx.ModelProto) -> str:
    return hashlib.sha256(model.SerializeToString()).hexdigest()
