from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.accuracy import compare_tensors
from harness.cases import FP16, METRICS, Case, Model, Profile
from harness.graphs.structure import structure_of
from harness.history.records import EngineRecord, LayerRecord, MeasurementRecord
from harness.measurement.sampling import PERCENTILE_SAMPLES
from harness.trials import (
    accuracy_measurements,
    build_measurements,
    engine_record,
    graph_record,
    layer_conditions,
    layer_records,
    tensor_errors,
    timing_measurements,
)
from tests.graphs.small_graphs import two_products

BUILT: dict[str, Any] = {
    "seconds": 1.5,
    "bytes": 2_000,
    "options": {"optimization": "all"},
    "warnings": ["slow"],
    "fingerprint": "f" * 64,
    "type_shares": {"float16": 1.0},
    "layers": 7,
    "layer_list": [],
    "provider": "CPUExecutionProvider",
    "log": "WARNING: slow",
    "warning_kinds": {"other": 1},
    "reused": False,
    "remark": "",
}
PROFILE = Profile({"batch": (1, 4, 8)})


def case(batch_axis: str | None = "batch") -> Case:
    """Return a case whose points have batches of 1, 4 and 8."""
    return Case(Model(name="m", source="zoo:m", batch_axis=batch_axis), FP16, PROFILE)


def timed(samples: dict[str, dict[str, list[float]]]) -> dict[tuple[str, str], MeasurementRecord]:
    """Return the measurements of a trial with these samples, by metric and point."""
    trial = {"load_seconds": 0.25, "host_memory_peak": 4096, "samples": samples}
    return {(m.metric, m.point): m for m in timing_measurements(trial, case())}


def entry(tensor: str, actual: list[float], *, passed: bool | None = True, **more: Any) -> dict[str, Any]:
    """Return what a worker answers for a tensor whose reference is all ones."""
    errors = compare_tensors(np.array(actual), np.ones(len(actual))).to_json()
    return {"tensor": tensor, "errors": errors, "tolerance": {"cosine": 0.9}, "passed": passed, "sentence": "", **more}


def test_a_build_becomes_a_record_and_two_measurements() -> None:
    """Nothing that a build tells of its engine is lost."""
    assert engine_record(BUILT) == EngineRecord(
        fingerprint="f" * 64, bytes=2_000, build_seconds=1.5, options={"optimization": "all"},
        type_shares={"float16": 1.0}, layers=7, warnings=("slow",), warning_kinds={"other": 1}, log="WARNING: slow",
    )  # fmt: skip
    assert [(m.metric, m.point, m.value) for m in build_measurements(BUILT)] == [
        ("build_seconds", "", 1.5),
        ("engine_bytes", "", 2000.0),
    ]


def test_an_engine_that_was_not_built_measures_no_build() -> None:
    """It is the same engine, of the same record, but how long its build took was measured when it took place."""
    reused = {**BUILT, "reused": True, "remark": "used again"}
    assert engine_record(reused) == engine_record(BUILT)
    assert [m.metric for m in build_measurements(reused)] == ["engine_bytes"]


LAYERS: list[dict[str, Any]] = [
    {"name": "conv", "operator": "Conv", "compute_type": "float16", "tactic": "7", "outputs": ["a", "b"]},
    {"name": "reformat", "operator": "Reformat", "compute_type": "", "tactic": "", "outputs": []},
    {"name": "head", "operator": "Gemm", "compute_type": "float32", "tactic": "", "outputs": ["y"]},
]


def test_layers_carry_their_times_and_types_share_them() -> None:
    """Each layer is kept with what the profiler said of it, and each number type with its share of the time."""
    record = engine_record({**BUILT, "layer_list": LAYERS}, {"conv": 3.0, "head": 1.0, "reformat": 4.0, "gone": 9.0})
    assert record.layer_list[0] == LayerRecord(
        position=0, name="conv", operator="Conv", compute_type="float16", tactic="7", outputs=("a", "b"),
        milliseconds=3.0,
    )  # fmt: skip
    assert [layer.milliseconds for layer in record.layer_list] == [3.0, 4.0, 1.0]
    assert record.time_shares == {"float16": 0.75, "float32": 0.25}


def test_without_a_profile_layers_have_no_time() -> None:
    """What the build told of them is kept all the same."""
    record = engine_record({**BUILT, "layer_list": LAYERS})
    assert [(layer.name, layer.milliseconds) for layer in record.layer_list] == [
        ("conv", None), ("reformat", None), ("head", None),
    ]  # fmt: skip
    assert record.time_shares == {}


def test_time_that_layers_share_is_counted_once() -> None:
    """Of two layers with one name the first stands for both, and the sum of all times stays what it was."""
    records = layer_records([LAYERS[0], LAYERS[0]], {"conv": 3.0})
    assert [layer.milliseconds for layer in records] == [3.0, None]


def test_what_could_not_be_compared_is_told_beside_the_layers() -> None:
    """Tensors that were not read back are named, and how much reading them changed the outputs is said."""
    assert layer_conditions(None) == {}
    assert layer_conditions({"instrumented": 0.001, "unreadable": []}) == {"instrumented_difference": 0.001}
    assert layer_conditions({"instrumented": 0.0, "unreadable": ["a"]}) == {
        "instrumented_difference": 0.0,
        "unreadable_layers": ["a"],
    }


def test_each_mode_of_launch_is_a_metric_of_its_own() -> None:
    """The median stands for the trial, and its samples are kept."""
    measured = timed({"batch=4": {"host": [2.0, 1.0, 30.0], "graph": [0.5, 0.5, 0.5]}})
    latency = measured["latency_host", "batch=4"]
    assert latency.value == 2.0
    assert latency.samples is not None
    assert latency.samples.dtype == np.float32
    assert latency.samples.tolist() == [2.0, 1.0, 30.0]
    assert measured["latency_graph", "batch=4"].value == 0.5


@pytest.mark.parametrize(
    ("label", "batch_axis", "throughput"),
    [
        pytest.param("batch=8", "batch", 4000.0, id="eight samples a run"),
        pytest.param("batch=1", "batch", 500.0, id="one sample a run"),
        pytest.param("batch=8", None, 500.0, id="without a batch axis a run is one sample"),
        pytest.param("batch=8", "sequence", 500.0, id="an axis that this profile lacks"),
    ],
)
def test_throughput_counts_samples(label: str, batch_axis: str | None, throughput: float) -> None:
    """Per second, from a median latency of 2 ms."""
    trial = {"load_seconds": 0.0, "host_memory_peak": 0, "samples": {label: {"host": [1.0, 2.0, 3.0]}}}
    values = {m.metric: m.value for m in timing_measurements(trial, case(batch_axis))}
    assert values["throughput"] == pytest.approx(throughput)


def test_what_belongs_to_the_whole_engine_has_no_point() -> None:
    """Load time and memory are one number each."""
    measured = timed({})
    assert measured["load_seconds", ""].value == 0.25
    assert measured["host_memory_peak", ""].value == 4096.0


@pytest.mark.parametrize(
    ("count", "tails"),
    [
        pytest.param(PERCENTILE_SAMPLES[90.0] - 1, [], id="too few for any tail"),
        pytest.param(PERCENTILE_SAMPLES[90.0], ["latency_host_p90"], id="enough for the 90th percentile"),
        pytest.param(PERCENTILE_SAMPLES[99.0], ["latency_host_p90", "latency_host_p99"], id="enough for the 99th too"),
    ],
)
def test_tails_are_reported_where_samples_suffice(count: int, tails: list[str]) -> None:
    """A percentile that its samples do not support is left out, not guessed."""
    measured = timed({"batch=1": {"host": list(np.linspace(1, 2, count))}})
    assert [metric for metric, _ in measured if "_p9" in metric] == tails


def test_every_measurement_is_of_a_declared_metric() -> None:
    """Unit and direction of all that a trial leaves behind are known."""
    trial = {
        "load_seconds": 0.1,
        "host_memory_peak": 1,
        "samples": {"batch=1": {mode: [1.0] * 700 for mode in ("host", "graph", "stream")}},
    }
    measured = [
        *build_measurements(BUILT),
        *timing_measurements(trial, case()),
        *accuracy_measurements({"batch=1": [entry("y", [1.0])]}),
    ]
    assert {m.metric for m in measured} <= set(METRICS)


def test_the_worst_output_stands_for_a_point() -> None:
    """The largest error and the smallest similarity, wherever they are; an exact match has an infinite ratio."""
    points = {
        "batch=1": [entry("a", [1.0, 1.0]), entry("b", [1.0, 1.5])],
        "batch=4": [entry("a", [1.0])],
    }
    values = {(m.metric, m.point): m.value for m in accuracy_measurements(points)}
    assert values["output_max_abs", "batch=1"] == 0.5
    assert values["output_cosine", "batch=1"] < 1.0
    assert values["output_sqnr_db", "batch=1"] == pytest.approx(10 * math.log10(2 / 0.25))
    assert values["output_sqnr_db", "batch=4"] == math.inf


@pytest.mark.parametrize("order", [1, -1], ids=["NaN last", "NaN first"])
def test_a_measure_that_is_nan_is_the_worst_of_all(order: int) -> None:
    """It is not lost beside a number, wherever it stands."""
    broken = entry("b", [1.0])
    broken["errors"]["cosine"] = "nan"
    points = {"batch=1": [entry("a", [1.0]), broken][::order]}
    assert math.isnan(next(m.value for m in accuracy_measurements(points) if m.metric == "output_cosine"))


def test_outputs_that_were_not_compared_are_not_measured() -> None:
    """A missing output has no error to record, and a point with nothing else has none at all."""
    missing = {"tensor": "b", "errors": {}, "tolerance": {}, "passed": False, "sentence": "no output"}
    assert {m.point for m in accuracy_measurements({"p": [entry("a", [1.0]), missing], "q": [missing]})} == {"p"}


def test_compared_tensors_become_records_outputs_first() -> None:
    """Outputs carry their point and place, layers the smallest point and their operator."""
    points = {"batch=1": [entry("y", [1.0]), entry("z", [2.0], passed=False)], "batch=4": [entry("y", [1.0])]}
    layers = {"tensors": [entry("conv1", [1.0], position=3, operator="Conv", passed=None)]}
    records = tensor_errors(points, layers, "batch=1")
    assert [(r.scope, r.point, r.position, r.tensor, r.operator, r.passed) for r in records] == [
        ("outputs", "batch=1", 0, "y", "", True),
        ("outputs", "batch=1", 1, "z", "", False),
        ("outputs", "batch=4", 0, "y", "", True),
        ("layers", "batch=1", 3, "conv1", "Conv", None),
    ]
    assert records[0].tolerance == {"cosine": 0.9}
    assert records[1].errors["max_abs"] == 1.0
    assert tensor_errors(None, None, "batch=1") == []


def test_a_prepared_graph_becomes_a_record() -> None:
    """The record has the hash, the size and the wires that the worker told; without an answer there is none."""
    structure = structure_of(two_products())
    record = graph_record({"hash": "abc", "structure": structure.to_json()})
    assert record is not None
    assert (record.hash, record.size, record.inputs, record.outputs) == ("abc", 4, ("x",), ("total",))
    assert [vars(node) for node in record.nodes] == [vars(node) for node in structure.nodes]
    assert graph_record(None) is None
