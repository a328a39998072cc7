"""How much of a latency is the process, and how much the build: one engine in ten processes, then further builds.

Run on a host with a GPU, under an interpreter with TensorRT and onnxruntime:

    python benchmarks/gpu/processes.py --results FILE [--model squeezenet] [--precision fp16] [--level 1]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness.cases import Case, Precision, Profile
from harness.measurement.sampling import SamplingPlan
from harness.pipeline import Pipeline
from harness.workbench import Phases, Workbench
from harness.workers.subject import Subject
from suites.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Build, time, build again, and write the spreads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--model", default="squeezenet")
    parser.add_argument("--precision", default="fp16")
    parser.add_argument("--level", type=int, default=1, help="builder optimisation level")
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--builds", type=int, default=3)
    arguments = parser.parse_args()
    model = next(model for model in CATALOGUE if model.name == arguments.model)
    case = Case(model, Precision(arguments.precision), Profile({"batch": 1}))
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(Path(folder) / "session", Path(folder) / "cache", [ROOT])
        try:
            pipeline = Pipeline(
                case,
                Subject("tensorrt", "tensorrt"),
                bench,
                Phases(),
                smallest_only=True,
                sampling=SamplingPlan(seconds=1.0),
                timeout=300.0,
                refusal=None,
                options={"optimization_level": arguments.level},
                engine_name="spread",
            )
            pipeline.build()
            processes = [medians(pipeline.another_trial()) for _ in range(arguments.processes)]
            print(json.dumps({"processes": spreads(processes)}, indent=1), flush=True)
            builds = []
            for number in range(1, arguments.builds + 1):
                built, trial = pipeline.another_build(number)
                builds.append({"fingerprint": built["fingerprint"][:12], **medians(trial)})
                print(builds[-1], flush=True)
            versions = pipeline.versions()
        finally:
            bench.close()
    results: dict[str, Any] = {
        "case": case.id,
        "tensorrt": versions["version"],
        "libraries": versions["libraries"],
        "optimization_level": arguments.level,
        "processes": {"medians_ms": processes, "spread": spreads(processes)},
        "builds": {"medians_ms": builds, "spread": spreads(builds)},
    }
    text = json.dumps(results, indent=1)
    arguments.results.write_text(text + "\n")
    print(text)


def medians(trial: dict[str, Any]) -> dict[str, float]:
    """Return the median latency (ms) of a trial by mode of launch."""
    (modes,) = trial["samples"].values()
    return {mode: round(float(np.median(samples)), 6) for mode, samples in modes.items()}


def spreads(trials: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return, by mode, the standard deviation and the range of the medians, relative to their mean."""
    found = {}
    for mode in ("graph", "stream", "host"):
        values = np.array([trial[mode] for trial in trials if mode in trial])
        if len(values) > 1:
            found[mode] = {
                "deviation": round(float(values.std(ddof=1) / values.mean()), 5),
                "range": round(float(np.ptp(values) / values.mean()), 5),
            }
    return found


if __name__ == "__main__":
    main()
