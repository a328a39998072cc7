"""Measure the memory that the comparison of all layers of resnet50 takes at batch 16, beside a stated limit.

    python benchmarks/layer_memory.py

Each step runs in a process of its own, as it does in a session, and takes the path that a session takes: the reference
with its layers, the comparison of an engine, and the analysis of layers run alone, of an engine with one wrong weight,
so that there is something to analyse. Measured is the largest resident memory of the process, all libraries included.
Beside it stands the same with all rows at once. The result goes to benchmarks/results/layer_memory.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))  # the suites need not be installed

from benchmarks.fresh import run_fresh  # noqa: E402 - found by the line above
from harness.cases import FP32, Profile, specs_from_json, specs_to_json  # noqa: E402 - the same
from harness.graphs.base import base_graph  # noqa: E402 - the same
from harness.graphs.cache import GraphCache  # noqa: E402 - the same

_RESULT = _ROOT / "benchmarks" / "results" / "layer_memory.json"
_MODEL = "suites.zoo.light:resnet50"
_BATCH = 16
LIMIT_MB = 1024
_STEPS = ("reference", "compare", "analyse")


def run_step(step: str, folder: Path, rows_along: str | None) -> None:
    """Do one step, in this process; what the next one needs stays in ``folder``."""
    from harness.cases import Tolerance
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.onnxruntime import OnnxRuntime
    from harness.workers.analysing import analyse_layers
    from harness.workers.comparing import compare_layers
    from harness.workers.reference import compute_reference

    told = json.loads((folder / "request.json").read_text())
    point = folder / ("by_row" if rows_along else "whole")
    runtime = OnnxRuntime()
    if step == "reference":
        request = {**told, "rows_along": rows_along, "points": {"point": {"batch": _BATCH}}}
        compute_reference(runtime, request, {"point": point}, "point")
        return
    if step == "compare":
        build = BuildRequest(
            graph=folder / "planted.onnx",
            precision=FP32,
            profile=Profile({"batch": (1, _BATCH, _BATCH)}),
            inputs=specs_from_json(told["inputs"]),
            destination=folder / "planted.engine",
        )
        runtime.build(build)
        engine = runtime.load(build.destination)
        limits = [Tolerance(scope="layers", sqnr_db=70.0)]
        answer = compare_layers(runtime, engine, build, point, limits, rows_along=rows_along)
        (folder / "answer.json").write_text(json.dumps(answer))
        return
    answer = json.loads((folder / "answer.json").read_text())
    found = analyse_layers({
        "graph": str(folder / "planted.onnx"),
        "recipe": "fp32",
        "inputs": told["inputs"],
        "folder": str(point),
        "rows_along": rows_along,
        "tensors": answer["tensors"],
    })  # fmt: skip
    (folder / "culprit.json").write_text(json.dumps(found["culprit"]))


def prepare(folder: Path) -> str:
    """Leave the sound graph and the planted one in ``folder``; return the tensor that is wrong in the latter."""
    cache = GraphCache(folder / "cache")
    base = base_graph(_MODEL, cache)
    model = onnx.load(str(cache.path_of(base.hash)))
    request = {"graph": str(cache.path_of(base.hash)), "inputs": specs_to_json(base.inputs), "feeds": {}, "seed": "m"}
    (folder / "request.json").write_text(json.dumps(request))
    node = [node for node in model.graph.node if node.op_type == "Conv"][20]
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == node.input[1])
    wrong = numpy_helper.to_array(weight) * np.float32(1.5)
    weight.CopyFrom(numpy_helper.from_array(wrong, weight.name))
    onnx.save(model, folder / "planted.onnx")
    return str(node.output[0])


def measure() -> dict[str, Any]:
    """Run every step, by rows and whole, and return its peak memory and seconds."""
    with tempfile.TemporaryDirectory(prefix="layer-memory-") as name:
        folder = Path(name)
        planted = prepare(folder)
        results: dict[str, Any] = {}
        for way, rows_along in (("by_row", "batch"), ("whole", "")):
            results[way] = {}
            for step in _STEPS:
                arguments = ["--step", step, "--folder", str(folder), "--rows-along", rows_along]
                started = time.perf_counter()
                run = run_fresh([sys.executable, __file__, *arguments])
                results[way][step] = {
                    "peak_mb": round(run.peak_bytes / 1e6),
                    "seconds": round(time.perf_counter() - started, 1),
                }
                print(way, step, results[way][step], flush=True)
            results[way]["culprit"] = json.loads((folder / "culprit.json").read_text())
    peaks = [results["by_row"][step]["peak_mb"] for step in _STEPS]
    return {
        "model": "resnet50",
        "batch": _BATCH,
        "planted": planted,
        **results,
        "limit_mb": LIMIT_MB,
        "reached": max(peaks) <= LIMIT_MB and results["by_row"]["culprit"] == planted,
    }


def main() -> None:
    """Measure and write the result, or, as a process of its own, do one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=_RESULT, help="where the JSON goes")
    parser.add_argument("--step", choices=_STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows-along", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        run_step(arguments.step, arguments.folder, arguments.rows_along or None)
        return
    result = measure()
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"limit {LIMIT_MB} MB {'kept' if result['reached'] else 'NOT kept'}")


if __name__ == "__main__":
    main()
