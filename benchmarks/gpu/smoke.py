"""Shows in one call, on a machine with a GPU, which parts of the TensorRT runtime work: each step prints how it ended.

Run it under the interpreter that has TensorRT, from the root of the checkout:

    python benchmarks/gpu/smoke.py --out DIR [--models tiny,squeezenet] [--precisions fp32,fp16,int8] [--seconds 280]

It goes on after a failure, with the traceback printed, and writes ``smoke.json`` and the engines' logs to DIR. Build
seconds, errors against onnxruntime and latencies are printed as they come, so that a run cut short still tells much.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness.accuracy import compare_tensors
from harness.cases import Model, Precision, Profile, make_inputs
from harness.errors import HarnessError
from harness.graphs.calibration import calibration_samples
from harness.graphs.prepare import PreparedGraph, PrepareRequest, prepare
from harness.measurement.sampling import SamplingPlan, take_samples
from harness.runtimes.base import BuildRequest
from harness.runtimes.layer_times import time_shares
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.runtimes.tensorrt.runtime import TensorRTRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TINY = Model(name="tiny", source="tests.tiny:convnet", profiles=(Profile({"batch": (1, 2, 4)}),))


class Steps:
    """Runs steps one after the other and remembers how each ended."""

    def __init__(self, out: Path, seconds: float) -> None:
        self._out = out
        self._end = time.monotonic() + seconds
        self._started = time.monotonic()
        self.records: list[dict[str, Any]] = []

    @property
    def time_is_up(self) -> bool:
        """Whether no further build should begin."""
        return time.monotonic() > self._end

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Run the body as the step ``name``; what it puts into the record is printed, and so is any failure."""
        record: dict[str, Any] = {"step": name}
        print(f"[{time.monotonic() - self._started:6.1f} s] {name} …", flush=True)
        started = time.monotonic()
        try:
            yield record
            record["ok"] = True
        except Exception as error:  # noqa: BLE001 - a broken step must not hide the next
            record["ok"] = False
            record["error"] = f"{type(error).__name__}: {error}"
            if isinstance(error, HarnessError):
                print(f"    {record['error']}", flush=True)
            else:
                traceback.print_exc(file=sys.stdout)
        record["seconds"] = round(time.monotonic() - started, 3)
        self.records.append(record)
        shown = {key: value for key, value in record.items() if key not in ("step", "error")}
        print(f"    {json.dumps(shown, default=str)}", flush=True)
        (self._out / "smoke.json").write_text(json.dumps(self.records, indent=1, default=str))


@dataclass(frozen=True)
class Bench:
    """What every case is tried with: where steps are noted, the runtime, the folder of results, the builder's level."""

    steps: Steps
    runtime: TensorRTRuntime
    out: Path
    level: int


def main() -> int:
    """Run every step and return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default="tiny,squeezenet")
    parser.add_argument("--precisions", default="fp32,fp16,int8")
    parser.add_argument("--seconds", type=float, default=280.0, help="no further build begins after so long")
    parser.add_argument("--level", type=int, default=1, help="builder optimisation level")
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    steps = Steps(out, arguments.seconds)
    runtime = TensorRTRuntime()
    with steps.step("versions and features") as record:
        record["versions"] = vars(runtime.versions())
        record["features"] = vars(runtime.tools.features)
    with steps.step("what is unsupported") as record:
        names = ("fp32", "tf32", "fp16", "bf16", "int8", "fp16-flags", "int8-calibrator")
        record["reasons"] = {name: runtime.unsupported(Precision(name)) for name in names}
    for model in chosen_models(arguments.models.split(",")):
        for precision in arguments.precisions.split(","):
            if steps.time_is_up:
                print(f"time is up before {model.name} {precision}")
                continue
            run_case(Bench(steps, runtime, out, arguments.level), model, Precision(precision))
    with steps.step("a corrupted plan is refused") as record:
        plan = next(iter(sorted(out.glob("*.plan"))))
        broken = out / "broken.plan"
        broken.write_bytes(plan.read_bytes()[:-1000])
        record["answer"] = refusal(lambda: runtime.load(broken))
    failed = [record["step"] for record in steps.records if not record["ok"]]
    print(f"{len(steps.records) - len(failed)} passed, {len(failed)} failed")
    print("\n".join(failed))
    return min(len(failed), 100)


def chosen_models(names: list[str]) -> list[Model]:
    """Return the models called ``names``: ``tiny``, and those of the catalogue."""
    from suites.catalogue import CATALOGUE

    known = {model.name: model for model in (TINY, *CATALOGUE)}
    return [known[name] for name in names]


def run_case(bench: Bench, model: Model, precision: Precision) -> None:
    """Build one engine and try everything that can be done with it."""
    steps, runtime = bench.steps, bench.runtime
    called = f"{model.name} {precision.name}"
    profile = model.profiles[0]
    with steps.step(f"{called}: graph") as record:
        graph = prepare(
            PrepareRequest(
                source=model.source,
                precision=precision,
                cache=bench.out / "cache",
                feeds=model.feeds,
                calibration=model.calibration,
                point=profile.corner("opt"),
                batch_axis=model.batch_axis,
            )
        )
        record.update(type_shares=graph.type_shares, inputs=[vars(spec) for spec in graph.inputs])
    if not steps.records[-1]["ok"]:
        return
    request = build_request(bench, model, precision, graph)
    with steps.step(f"{called}: build") as record:
        built = runtime.build(request)
        record.update(seconds_to_build=round(built.seconds, 2), bytes=built.bytes, options=dict(built.options))
        record["warnings"] = [warning[:300] for warning in built.warnings]
    if not steps.records[-1]["ok"]:
        return
    inspect_engine(bench, request, called)
    inputs = {point.label: make_inputs(graph.inputs, model.feeds, point, seed=model.name) for point in profile.points}
    run_engine(bench, request, graph, inputs, called)
    if not steps.time_is_up:
        read_layers(bench, request, graph, inputs[profile.smallest.label], called)


def build_request(bench: Bench, model: Model, precision: Precision, graph: PreparedGraph) -> BuildRequest:
    """Return the build of one case, its samples included where the builder calibrates."""
    profile = model.profiles[0]
    samples = (
        calibration_samples(model.calibration, graph.inputs, model.feeds, profile.corner("opt"), model.batch_axis)
        if precision.recipe == "int8-calibrator"
        else ()
    )
    return BuildRequest(
        graph=graph.path,
        precision=precision,
        profile=profile,
        inputs=graph.inputs,
        destination=bench.out / f"{model.name}-{precision.name}.plan",
        options={"optimization_level": bench.level, "timing_cache": str(bench.out / "timing")},
        calibration=samples,
    )


def inspect_engine(bench: Bench, request: BuildRequest, called: str) -> None:
    """Look into the engine, and keep the inspector's own words for the tests' tables."""
    from harness.runtimes.tensorrt.engine import deserialise

    steps, runtime = bench.steps, bench.runtime
    with steps.step(f"{called}: inspect") as record:
        inspection = runtime.inspect(request.destination)
        record.update(layers=len(inspection.layers), type_shares=inspection.type_shares)
        record["fingerprint"] = inspection.fingerprint[:12]
        record["first"] = [(x.operator, x.compute_type, x.outputs, x.tactic[:60]) for x in inspection.layers[:12]]
    with steps.step(f"{called}: inspector's JSON") as record:
        tools = runtime.tools
        engine = deserialise(tools, request.destination.read_bytes(), called)
        information = engine.create_engine_inspector().get_engine_information(tools.trt.LayerInformationFormat.JSON)
        request.destination.with_suffix(".inspector.json").write_text(information)
        record["characters"] = len(information)


def run_engine(
    bench: Bench,
    request: BuildRequest,
    graph: PreparedGraph,
    inputs: Mapping[str, Mapping[str, np.ndarray]],
    called: str,
) -> None:
    """Run the engine at every point, compare, time, profile."""
    steps, runtime = bench.steps, bench.runtime
    engine = None
    with steps.step(f"{called}: load") as record:
        engine = runtime.load(request.destination)
        record.update(facts=dict(engine.facts()), weights_bytes=engine.weights_bytes)
    if engine is None:
        return
    reference = OnnxRuntime().load(graph.fp32_path)
    for label, feed in inputs.items():
        with steps.step(f"{called}: run at {label}") as record:
            record["errors"] = errors(engine.run(feed), reference.run(feed))
        with steps.step(f"{called}: time at {label}") as record:
            for mode, run_once in engine.timers(feed).items():
                taken = take_samples(run_once, SamplingPlan(seconds=0.3))
                record[mode] = [round(float(np.percentile(taken, q)), 5) for q in (50, 25, 75, 99)]
            record["notes"] = engine.notes
    feed = next(iter(inputs.values()))
    with steps.step(f"{called}: throughput") as record:
        record["runs_per_second"] = {n: round(engine.stream_throughput(feed, n, 0.3)) for n in (1, 2, 4)}
    with steps.step(f"{called}: profile") as record:
        times = runtime.profile(request.destination, feed)
        record.update(layers=len(times), total_ms=round(sum(times.values()), 4))
        layers = runtime.inspect(request.destination).layers
        record["shares"] = time_shares((layer.compute_type, times.get(layer.name)) for layer in layers)
        record["slowest"] = sorted(times.items(), key=lambda item: -item[1])[:3]
    with steps.step(f"{called}: a shape outside the profile is refused") as record:
        name = next(iter(feed))
        huge = {**feed, name: np.zeros((4096, *feed[name].shape[1:]), feed[name].dtype)}
        record["answer"] = refusal(lambda: engine.run(huge))
    with steps.step(f"{called}: close"):
        engine.close()


def read_layers(
    bench: Bench,
    request: BuildRequest,
    graph: PreparedGraph,
    inputs: Mapping[str, np.ndarray],
    called: str,
) -> None:
    """Read every layer, and hold it against the FP32 graph's."""
    runtime = bench.runtime
    with bench.steps.step(f"{called}: layers") as record:
        _, layers = runtime.run_layers(request, inputs)
        fp32 = BuildRequest(
            graph=graph.fp32_path,
            precision=Precision("fp32"),
            profile=Profile(),
            inputs=graph.inputs,
            destination=graph.fp32_path,
            options={"optimization": "disabled"},
        )
        expected = {name: array for name, _, array in OnnxRuntime().run_layers(fp32, inputs)[1]}
        found = {name: array for name, _, array in layers if name in expected}
        record.update(read=len(found), of=len(expected), unreadable=runtime.unreadable_layers[:10])
        ratios = {
            name: compare_tensors(array, expected[name]).sqnr_db
            for name, array in found.items()
            if array.shape == expected[name].shape and array.dtype.kind == "f"
        }
        record["worst_sqnr_db"] = sorted(((round(v, 1), k) for k, v in ratios.items()))[:3]


def errors(actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return largest error and SQNR of each output."""
    compared = {name: compare_tensors(actual[name], array) for name, array in expected.items()}
    return {name: {"max_abs": error.max_abs, "sqnr_db": round(error.sqnr_db, 1)} for name, error in compared.items()}


def refusal(action: Callable[[], object]) -> str:
    """Return the text of the error that ``action`` is to raise."""
    try:
        action()
    except HarnessError as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("nothing was refused")


if __name__ == "__main__":
    sys.exit(main())
