"""Measure what every precision of every model costs in accuracy, and how much outputs differ between inputs.

    python benchmarks/zoo_conditioning.py             all models but the slow ones, about two minutes
    python benchmarks/zoo_conditioning.py --full      all models

Each model and precision is measured in a process of its own, because some pairs kill their runtime; how it ended is
recorded. Reference is the FP32 graph, run by onnxruntime's CPU provider with its optimiser off. The catalogue's
tolerances follow from the result, which goes to benchmarks/results/zoo_conditioning.json.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))  # the suites need not be installed

from harness.accuracy import compare_tensors  # noqa: E402 - found by the line above
from harness.cases import FP32, Point, make_inputs  # noqa: E402 - the same
from harness.graphs.prepare import PrepareRequest, prepare  # noqa: E402 - the same
from harness.runtimes.base import BuildRequest  # noqa: E402 - the same
from harness.runtimes.onnxruntime import OnnxRuntime  # noqa: E402 - the same
from suites.catalogue import CATALOGUE  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.accuracy import TensorError
    from harness.cases import Model
    from harness.graphs.prepare import PreparedGraph
    from harness.runtimes.base import Engine

_RESULTS = _ROOT / "benchmarks" / "results" / "zoo_conditioning.json"
_SAMPLES = 4
_LIMIT_SECONDS = 600


def main() -> None:
    """Measure every pair and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="measure the slow models too")
    parser.add_argument("--models", default="", help="measure only these, separated by commas")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="where the results go")
    parser.add_argument("--pair", nargs=2, metavar=("MODEL", "PRECISION"), help="measure one pair and print it as JSON")
    arguments = parser.parse_args()
    if arguments.pair:
        name, precision = arguments.pair
        print(json.dumps(_measure(next(model for model in CATALOGUE if model.name == name), precision)))
        return
    wanted = set(filter(None, arguments.models.split(",")))
    models = [m for m in CATALOGUE if (m.name in wanted if wanted else arguments.full or not m.slow)]
    measured = {model.name: _pairs(model) for model in models}
    record = {"versions": _versions(), "models": _kept(arguments.output) | measured}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    print(f"written to {arguments.output}")


def _kept(path: Path) -> dict[str, Any]:
    """Return what an earlier run with the same versions recorded: models that this one leaves out stay in the file."""
    earlier = json.loads(path.read_text()) if path.exists() else {}
    return earlier["models"] if earlier.get("versions") == _versions() else {}


def _pairs(model: Model) -> dict[str, Any]:
    results = {}
    for precision in model.precisions:
        if precision.name == "tf32":  # it exists on GPUs only
            continue
        command = [sys.executable, __file__, "--pair", model.name, precision.name]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS)
        if ended.returncode == 0:
            result = json.loads(ended.stdout.splitlines()[-1])
        else:
            result = {"ended": ended.returncode, "log": ended.stderr[-2000:]}
        results[precision.name] = result
        print(f"{model.name:12} {precision.name:5} {_sentence(result)}", flush=True)
    return results


def _sentence(result: Mapping[str, Any]) -> str:
    if "ended" in result:
        return f"ended with {result['ended']}: {result['log'].splitlines()[-1:]}"
    outputs = "; ".join(
        f"{name}: cosine {o['cosine']:.7f}, {_decibels(o)}, max {o['max_abs']:.2g}, inputs {o['correlation']:.3f}"
        for name, o in result["outputs"].items()
    )
    worst = result["worst_layer"]
    return f"{outputs}; worst layer {_decibels(worst)} ({worst['operator']} {worst['tensor']})"


def _decibels(errors: Mapping[str, Any]) -> str:
    return "exact" if errors["sqnr_db"] is None else f"{errors['sqnr_db']:.1f} dB"


def _measure(model: Model, precision_name: str) -> dict[str, Any]:
    """Return the largest errors over the points of the last profile, by output, and the worst layer at the smallest."""
    profile = model.profiles[-1]
    precision = next(p for p in model.precisions if p.name == precision_name)
    runtime = OnnxRuntime()
    with tempfile.TemporaryDirectory() as folder:
        graph = prepare(
            PrepareRequest(
                source=model.source,
                precision=precision,
                cache=Path(folder),
                feeds=model.feeds,
                calibration=model.calibration,
                point=profile.corner("opt"),
                batch_axis=model.batch_axis,
            )
        )
        exact, tried = (
            BuildRequest(
                graph=path,
                precision=of,
                profile=profile,
                inputs=graph.inputs,
                destination=Path(folder) / f"{role}.onnx",
                options=options,
            )
            for role, path, of, options in (
                ("exact", graph.fp32_path, FP32, {"optimization": "disabled"}),
                ("tried", graph.path, precision, model.build_options.get("onnxruntime", {}).get(precision.name, {})),
            )
        )
        for request in (exact, tried):
            runtime.build(request)
        reference, engine = runtime.load(exact.destination), runtime.load(tried.destination)
        outputs: dict[str, dict[str, Any]] = {}
        for point in profile.points:
            inputs = make_inputs(graph.inputs, model.feeds, point, seed="conditioning")
            actual = engine.run(inputs)
            for name, expected in reference.run(inputs).items():
                _keep_worst(outputs.setdefault(name, {}), compare_tensors(actual[name], expected))
        for name, correlation in _correlations(model, graph, reference).items():
            outputs[name]["correlation"] = correlation
        inputs = make_inputs(graph.inputs, model.feeds, profile.smallest, seed="conditioning")
        worst_layer = _worst_layer(runtime, exact, tried, inputs)
    for errors in (*outputs.values(), worst_layer):
        if math.isinf(errors["sqnr_db"]):
            errors["sqnr_db"] = None  # nothing differs, and JSON has no infinity
    return {"outputs": outputs, "worst_layer": worst_layer, "type_shares": dict(graph.type_shares)}


def _keep_worst(errors: dict[str, Any], error: TensorError) -> None:
    """Replace in ``errors`` what ``error`` makes worse."""
    for measure, worse in (("cosine", min), ("sqnr_db", min), ("max_abs", max), ("rmse", max)):
        value = getattr(error, measure)
        errors[measure] = worse(errors.get(measure, value), value)


def _correlations(model: Model, graph: PreparedGraph, engine: Engine) -> dict[str, float]:
    """Return, by output, the mean correlation between the rows that _SAMPLES different samples give."""
    sizes = dict(model.profiles[-1].corner("opt").sizes) | {str(model.batch_axis): _SAMPLES}
    outputs = engine.run(make_inputs(graph.inputs, model.feeds, Point.of(sizes), seed="correlation"))
    apart = ~np.eye(_SAMPLES, dtype=bool)
    return {
        name: float(np.asarray(np.corrcoef(array.reshape(_SAMPLES, -1).astype(np.float64)))[apart].mean())
        for name, array in outputs.items()
    }


def _worst_layer(
    runtime: OnnxRuntime, exact: BuildRequest, tried: BuildRequest, inputs: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return the layer with the lowest SQNR, among those of one shape in both graphs whose reference is not zero."""
    references = {tensor: array for tensor, _, array in runtime.run_layers(exact, inputs)[1]}
    worst: dict[str, Any] = {}
    for tensor, operator, array in runtime.run_layers(tried, inputs)[1]:
        expected = references.get(tensor)
        if expected is None or expected.shape != array.shape or expected.dtype.kind != "f":
            continue
        error = compare_tensors(array, expected)
        if error.expected_rms > 0 and (not worst or error.sqnr_db < worst["sqnr_db"]):
            worst = {"tensor": tensor, "operator": operator}
            _keep_worst(worst, error)
    return worst


def _versions() -> dict[str, str]:
    import onnx
    import onnxruntime

    return {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}


if __name__ == "__main__":
    main()
