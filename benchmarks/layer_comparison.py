"""Compare all layers of resnet50 at batch 4 with the harness and with Polygraphy, in turns: wall time and peak memory.

    python benchmarks/layer_comparison.py

Both run the graph on onnxruntime's CPU provider with every tensor as an output, keep what it gives, run it a second
time in another process and hold the one against the other. Polygraphy's way is ``polygraphy run --onnxrt --onnx-outputs
mark all --save-outputs``, then the same with ``--load-outputs``; the harness's is what its workers do:
``compute_reference``, then ``compare_layers``, which also builds an engine and runs it beside, to know what exposing
its layers changed. Each of the four runs is a process of its own, from the start of Python to its end. Goal: ahead in
both the time of the two runs together and the larger of their peaks. The result goes to
benchmarks/results/layer_comparison.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))  # the suites need not be installed

from benchmarks.fresh import FreshRun, run_fresh  # noqa: E402 - found by the line above

_RESULT = _ROOT / "benchmarks" / "results" / "layer_comparison.json"
_MODEL = "suites.zoo.light:resnet50"
_BATCH = 4


def run_step(step: str, folder: Path) -> None:
    """Do the harness's part of one run, in this process."""
    from harness.cases import FP32, Profile, Tolerance, specs_from_json
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.onnxruntime import OnnxRuntime

    told = json.loads((folder / "request.json").read_text())
    point = folder / "point"
    runtime = OnnxRuntime()
    if step == "reference":
        from harness.workers.reference import compute_reference

        compute_reference(runtime, told, {"point": point}, "point")
        return
    from harness.workers.comparing import compare_layers

    build = BuildRequest(
        graph=Path(told["graph"]),
        precision=FP32,
        profile=Profile({"batch": (1, _BATCH, _BATCH)}),
        inputs=specs_from_json(told["inputs"]),
        destination=folder / "engine",
    )
    runtime.build(build)
    engine = runtime.load(build.destination)
    limits = [Tolerance(scope="layers", sqnr_db=70.0)]
    answer = compare_layers(runtime, engine, build, point, limits, rows_along=told["rows_along"])
    print(f"{len(answer['tensors'])} layers, passed: {answer['passed']}")
    if not answer["passed"]:
        raise SystemExit(1)


def prepare(folder: Path) -> Path:
    """Leave the graph, and what the harness is asked, in ``folder``; return the graph's file."""
    from harness.cases import specs_to_json
    from harness.graphs.base import base_graph
    from harness.graphs.cache import GraphCache

    cache = GraphCache(folder / "cache")
    base = base_graph(_MODEL, cache)
    graph = cache.path_of(base.hash)
    request = {
        "graph": str(graph),
        "inputs": specs_to_json(base.inputs),
        "feeds": {},
        "seed": "resnet50",
        "points": {"point": {"batch": _BATCH}},
        "rows_along": "batch",
    }
    (folder / "request.json").write_text(json.dumps(request))
    return graph


def commands(graph: Path, folder: Path) -> dict[str, list[list[str]]]:
    """Return the two commands of each side."""
    polygraphy = [str(Path(sys.executable).parent / "polygraphy"), "run", str(graph), "--onnxrt"]
    polygraphy += ["--onnx-outputs", "mark", "all", "--input-shapes", f"{_input(folder)}:[{_BATCH},3,224,224]"]
    saved = str(folder / "outputs.json")
    harness = [sys.executable, __file__, "--folder", str(folder), "--step"]
    return {
        "harness": [[*harness, "reference"], [*harness, "compare"]],
        "polygraphy": [[*polygraphy, "--save-outputs", saved], [*polygraphy, "--load-outputs", saved]],
    }


def _input(folder: Path) -> str:
    return str(json.loads((folder / "request.json").read_text())["inputs"][0][0])


def measure(rounds: int) -> dict[str, Any]:
    """Take ``rounds`` of each side in turns."""
    with tempfile.TemporaryDirectory(prefix="layer-comparison-") as name:
        folder = Path(name)
        sides = commands(prepare(folder), folder)
        runs: dict[str, list[list[FreshRun]]] = {side: [] for side in sides}
        order = list(sides)
        for _ in range(rounds):
            for side in order:
                _forget(folder)
                runs[side].append([run_fresh(command) for command in sides[side]])
                print(side, [(round(r.seconds, 1), round(r.peak_bytes / 1e6)) for r in runs[side][-1]], flush=True)
            # Whoever goes second finds a machine that has warmed up: take turns at it.
            order.reverse()
    results = {side: _summary(taken) for side, taken in runs.items()}
    ratio = {
        key: round(results["polygraphy"][key]["median"] / results["harness"][key]["median"], 1)
        for key in ("seconds", "peak_mb")
    }
    return {
        "model": "resnet50",
        "batch": _BATCH,
        "rounds": rounds,
        **results,
        "ratio": ratio,
        "reached": min(ratio.values()) > 1.0,
        "versions": {name: version(name) for name in ("numpy", "onnx", "onnxruntime", "polygraphy")},
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def _forget(folder: Path) -> None:
    """Remove what an earlier round left, so that each reference is computed anew."""
    import shutil

    shutil.rmtree(folder / "point", ignore_errors=True)
    (folder / "outputs.json").unlink(missing_ok=True)


def _summary(taken: list[list[FreshRun]]) -> dict[str, Any]:
    return {
        "seconds": _spread([sum(run.seconds for run in pair) for pair in taken], 1),
        "seconds_of_second_run": _spread([pair[1].seconds for pair in taken], 1),
        "peak_mb": _spread([max(run.peak_bytes for run in pair) / 1e6 for pair in taken], 0),
    }


def _spread(values: list[float], digits: int) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def main() -> None:
    """Measure and write the result, or, as a process of its own, do one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of each side (default: 3)")
    parser.add_argument("--output", type=Path, default=_RESULT, help="where the JSON goes")
    parser.add_argument("--step", choices=("reference", "compare"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        run_step(arguments.step, arguments.folder)
        return
    result = measure(arguments.rounds)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"Polygraphy takes {result['ratio']['seconds']} times as long and {result['ratio']['peak_mb']} times as much")


if __name__ == "__main__":
    main()
