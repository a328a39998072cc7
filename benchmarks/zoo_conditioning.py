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
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.cases import Model, Point
    from harness.graphs.prepare import PreparedGraph

_ROOT = Path(__file__).resolve().parent.parent
_RESULTS = _ROOT / "benchmarks" / "results" / "zoo_conditioning.json"
# The pair is measured with onnxruntime's default level too, to say whether the catalogue's exceptions are still needed.
_DEFAULT_LEVEL = "all"
_SAMPLES = 4
_LIMIT_SECONDS = 600


def main() -> None:
    """Measure every pair and write the results."""
    sys.path.insert(0, str(_ROOT))
    from suites.catalogue import CATALOGUE

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
    record = {"versions": _versions(), "samples": _SAMPLES, "models": measured}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    print(f"written to {arguments.output}")


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
        f"{name}: cosine {o['cosine']:.7f}, {o['sqnr_db']:.1f} dB, max {o['max_abs']:.2g}, "
        f"inputs {o['correlation']:.3f}"
        for name, o in result["outputs"].items()
    )
    worst = result["worst_layer"]
    layer = f"; worst layer {worst['sqnr_db']:.1f} dB ({worst['operator']} {worst['tensor']})" if worst else ""
    return f"{outputs}{layer}"


def _measure(model: Model, precision_name: str) -> dict[str, Any]:
    """Return the largest errors over the last profile's points, by output, and the worst layer at the smallest."""
    from harness.accuracy import compare_tensors
    from harness.cases import FP32, make_inputs
    from harness.graphs.prepare import PrepareRequest, prepare
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.onnxruntime import OnnxRuntime

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

        def request(path: Path, as_precision: Any, name: str, options: Mapping[str, Any]) -> BuildRequest:
            return BuildRequest(
                graph=path,
                precision=as_precision,
                profile=profile,
                inputs=graph.inputs,
                destination=Path(folder) / name,
                options=options,
            )

        exact_request = request(graph.fp32_path, FP32, "exact.onnx", {"optimization": "disabled"})
        tried_request = request(graph.path, precision, "tried.onnx", model.build_options.get(precision.name, {}))
        runtime.build(exact_request)
        runtime.build(tried_request)
        exact, tried = runtime.load(exact_request.destination), runtime.load(tried_request.destination)
        outputs: dict[str, dict[str, Any]] = {}
        for point in profile.points:
            inputs = make_inputs(graph.inputs, model.feeds, point, seed="conditioning")
            expected, actual = exact.run(inputs), tried.run(inputs)
            for name, array in expected.items():
                error = compare_tensors(actual[name], array)
                worst = outputs.setdefault(name, {"cosine": 1.0, "sqnr_db": 999.0, "max_abs": 0.0, "max_rel": 0.0})
                worst["cosine"] = min(worst["cosine"], error.cosine)
                worst["sqnr_db"] = min(worst["sqnr_db"], error.sqnr_db)
                worst["max_abs"] = max(worst["max_abs"], error.max_abs)
                worst["max_rel"] = max(worst["max_rel"], error.max_rel)
        for name, correlation in _correlations(model, graph, exact).items():
            outputs[name]["correlation"] = correlation
        inputs = make_inputs(graph.inputs, model.feeds, profile.smallest, seed="conditioning")
        worst_layer = _worst_layer(runtime, exact_request, tried_request, inputs)
    return {"outputs": outputs, "worst_layer": worst_layer, "type_shares": dict(graph.type_shares)}


def _correlations(model: Model, graph: PreparedGraph, engine: Any) -> dict[str, float]:
    """Return, by output, the mean correlation between the rows that _SAMPLES different samples give."""
    from harness.cases import make_inputs

    sizes = dict(model.profiles[-1].corner("opt").sizes)
    if model.batch_axis is not None:
        sizes[model.batch_axis] = _SAMPLES
    outputs = engine.run(make_inputs(graph.inputs, model.feeds, _point(sizes), seed="correlation"))
    apart = ~np.eye(_SAMPLES, dtype=bool)
    return {
        name: float(np.corrcoef(array.reshape(_SAMPLES, -1).astype(np.float64))[apart].mean())
        for name, array in outputs.items()
    }


def _point(sizes: Mapping[str, int]) -> Point:
    from harness.cases import Point

    return Point.of(sizes)


def _worst_layer(runtime: Any, exact: Any, tried: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """Return the layer with the lowest SQNR, among those of one shape in both graphs whose reference is not zero."""
    from harness.accuracy import compare_tensors

    expected = {tensor: array for tensor, _, array in runtime.run_layers(exact, inputs)[1]}
    worst: dict[str, Any] | None = None
    for tensor, operator, array in runtime.run_layers(tried, inputs)[1]:
        reference = expected.get(tensor)
        if reference is None or reference.shape != array.shape or reference.dtype.kind != "f":
            continue
        error = compare_tensors(array, reference)
        if error.expected_rms > 0 and (worst is None or error.sqnr_db < worst["sqnr_db"]):
            worst = {"tensor": tensor, "operator": operator, "sqnr_db": error.sqnr_db, "cosine": error.cosine}
    return worst


def _versions() -> dict[str, str]:
    import onnx
    import onnxruntime

    return {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}


if __name__ == "__main__":
    main()
