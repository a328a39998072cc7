"""From what workers answered to measurements: plain data in, records out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cases import Case, Point
from harness.history.records import (
    EngineRecord,
    GraphRecord,
    LayerRecord,
    MeasurementRecord,
    NodeRecord,
    TensorErrorRecord,
)
from harness.measurement.sampling import percentile
from harness.runtimes.layer_times import time_shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def engine_record(built: Mapping[str, Any], milliseconds: Mapping[str, float] | None = None) -> EngineRecord:
    """Make the record of an engine from the answer of ``build``.

    Args:
        built: the answer.
        milliseconds: by layer name, what ``profile`` answered; None where it did not run or could not tell.
    """
    layers = layer_records(built["layer_list"], milliseconds or {})
    return EngineRecord(
        fingerprint=built["fingerprint"],
        bytes=built["bytes"],
        build_seconds=built["seconds"],
        options=built["options"],
        type_shares=built["type_shares"],
        layers=built["layers"],
        warnings=tuple(built["warnings"]),
        warning_kinds=built["warning_kinds"],
        log=built["log"],
        time_shares=time_shares((layer.compute_type, layer.milliseconds) for layer in layers),
        layer_list=layers,
    )


def graph_record(prepared: Mapping[str, Any] | None) -> GraphRecord | None:
    """Make the record of a graph from the answer of ``prepare``; None where that was not given."""
    if prepared is None:
        return None
    structure = prepared["structure"]
    return GraphRecord(
        hash=prepared["hash"],
        size=structure["size"],
        inputs=tuple(structure["inputs"]),
        outputs=tuple(structure["outputs"]),
        nodes=tuple(
            NodeRecord(
                name=node["name"],
                operator=node["operator"],
                inputs=tuple(node["inputs"]),
                outputs=tuple(node["outputs"]),
            )
            for node in structure["nodes"]
        ),
    )


def layer_records(layers: Iterable[Mapping[str, Any]], milliseconds: Mapping[str, float]) -> tuple[LayerRecord, ...]:
    """Return the layers of an engine with the time of each; what layers of one name took counts for the first of them.

    Args:
        layers: the fields of ``harness.runtimes.base.EngineLayer``.
        milliseconds: by layer name.
    """
    waiting = dict(milliseconds)
    return tuple(
        LayerRecord(
            position=position,
            name=layer["name"],
            operator=layer["operator"],
            compute_type=layer["compute_type"],
            tactic=layer["tactic"],
            outputs=tuple(layer["outputs"]),
            milliseconds=waiting.pop(layer["name"], None),
        )
        for position, layer in enumerate(layers)
    )


def layer_conditions(layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is worth reading beside the errors of layers, from the answer of ``compare_layers``."""
    if layers is None:
        return {}
    unreadable = {"unreadable_layers": layers["unreadable"]} if layers["unreadable"] else {}
    return {"instrumented_difference": layers["instrumented"], **unreadable}


def build_measurements(built: Mapping[str, Any]) -> list[MeasurementRecord]:
    """Return what a build itself gives to measure: how long it took, unless its engine is of another session."""
    size = MeasurementRecord(metric="engine_bytes", point="", value=float(built["bytes"]))
    if built["reused"]:
        return [size]
    return [MeasurementRecord(metric="build_seconds", point="", value=built["seconds"]), size]


def timing_measurements(trial: Mapping[str, Any], case: Case) -> list[MeasurementRecord]:
    """Return latency, throughput, memory and load time from the answer of ``measure``.

    Latency is in milliseconds, one metric per mode of launch; throughput is in samples per second, a sample being one
    entry along the model's batch axis, from the median latency of one run at a time.
    """
    sizes = {point.label: point for point in case.profile.points}
    measurements = [
        MeasurementRecord(metric="load_seconds", point="", value=trial["load_seconds"]),
        MeasurementRecord(metric="host_memory_peak", point="", value=float(trial["host_memory_peak"])),
    ]
    for label, modes in trial["samples"].items():
        for mode, milliseconds in modes.items():
            samples = np.asarray(milliseconds, dtype=np.float32)
            name = f"latency_{mode}"
            median = float(np.median(samples))
            measurements.append(MeasurementRecord(metric=name, point=label, value=median, samples=samples))
            if mode == "host":
                for percent in (90.0, 99.0):
                    value = percentile(samples, percent)
                    if value is not None:
                        measurements.append(MeasurementRecord(metric=f"{name}_p{percent:g}", point=label, value=value))
                rows = _samples_a_run(case, sizes.get(label, Point()))
                measurements.append(MeasurementRecord(metric="throughput", point=label, value=rows * 1e3 / median))
    for label, streams in trial.get("streams", {}).items():
        rows = _samples_a_run(case, sizes.get(label, Point()))
        measurements += [
            MeasurementRecord(metric="throughput_streams", point=f"{label},streams={count}", value=rows * runs)
            for count, runs in streams.items()
        ]
    measurements += [
        MeasurementRecord(metric="energy_per_run", point=label, value=joules)
        for label, joules in trial.get("energy", {}).items()
    ]
    measurements += [
        MeasurementRecord(metric=metric, point="", value=value) for metric, value in trial.get("facts", {}).items()
    ]
    return measurements


def _samples_a_run(case: Case, point: Point) -> int:
    return point.size(case.model.batch_axis) if case.model.batch_axis else 1


def accuracy_measurements(points: Mapping[str, Any]) -> list[MeasurementRecord]:
    """Return the worst error over the outputs, at each point, from the ``points`` of ``compare_outputs``."""
    measurements = []
    for label, entries in points.items():
        errors = [entry["errors"] for entry in entries if entry["errors"]]
        if errors:
            for metric, key, worst in (
                ("output_max_abs", "max_abs", np.max),
                ("output_cosine", "cosine", np.min),
                ("output_sqnr_db", "sqnr_db", np.min),
            ):
                # A NaN is the worst there is: numpy hands it on, where max and min may lose it.
                value = float(worst([float(error[key]) for error in errors]))
                measurements.append(MeasurementRecord(metric=metric, point=label, value=value))
    return measurements


def tensor_errors(
    points: Mapping[str, Any] | None, layers: Mapping[str, Any] | None, smallest: str
) -> list[TensorErrorRecord]:
    """Return the records of every compared tensor, outputs before layers.

    Args:
        points: the ``points`` of ``compare_outputs``, None if it did not run.
        layers: the answer of ``compare_layers``, None if it did not run.
        smallest: label of the point at which the layers were compared.
    """
    records = [
        TensorErrorRecord(
            scope="outputs",
            position=position,
            tensor=entry["tensor"],
            operator="",
            point=label,
            errors=entry["errors"],
            tolerance=entry["tolerance"],
            passed=entry["passed"],
        )
        for label, entries in (points or {}).items()
        for position, entry in enumerate(entries)
    ]
    records += [
        TensorErrorRecord(
            scope="layers",
            position=entry["position"],
            tensor=entry["tensor"],
            operator=entry["operator"],
            point=smallest,
            errors=entry["errors"],
            tolerance=entry["tolerance"],
            passed=entry["passed"],
            analysis=entry.get("analysis", {}),
        )
        for entry in (layers or {}).get("tensors", [])
    ]
    return records
