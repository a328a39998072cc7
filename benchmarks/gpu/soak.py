"""One worker at work for minutes: whether the memory of its process and of its GPU grows.

    python benchmarks/gpu/soak.py --output FILE [--minutes 10] [--model squeezenet] [--precision fp16]

A real worker builds an engine once, then loads, times and closes it, loads, compares and closes it, and so on. Memory
is read every few seconds whatever is going on (``during``), and after each round, when nothing is loaded (``between``).
The file is rewritten every few rounds. With ``--runtime onnxruntime`` there is host memory only. Ends with 0 where
nothing grows, 1 where something does or cannot be told, 2 where the worker failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.gpu.engines import model_named
from benchmarks.gpu.files import write_json
from benchmarks.gpu.growth import RULE, growth, sentence
from benchmarks.gpu.memory_watch import MemoryReading, MemoryWatch
from harness.cases import Case, Precision
from harness.errors import HarnessError, UsageError
from harness.measurement.sampling import SamplingPlan
from harness.pipeline import Pipeline
from harness.workbench import Phases, Workbench
from harness.workers.subject import RUNTIMES, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.workers.client import WorkerClient

ROOT = Path(__file__).resolve().parents[2]
_DEADLINE = 300.0
_SECONDS_BETWEEN_WRITES = 5.0
_SAMPLING = SamplingPlan(seconds=0.1, warmup_seconds=0.05)


def main() -> int:
    """Soak one worker and judge what its memory did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, the build not counted")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two readings")
    parser.add_argument("--model", default="squeezenet")
    parser.add_argument("--precision", default="fp16")
    parser.add_argument("--runtime", default="tensorrt", choices=RUNTIMES)
    parser.add_argument("--level", type=int, default=1, help="TensorRT's builder optimisation level")
    parser.add_argument("--cache", type=Path, help="folder of graphs, references and timing caches; else a new one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(Path(folder) / "session", arguments.cache or Path(folder) / "cache", [ROOT])
        try:
            return soak(arguments, bench)
        except UsageError as error:
            print(error)
            return 2
        finally:
            bench.close()


def soak(arguments: argparse.Namespace, bench: Workbench) -> int:
    """Build, go round until the time is up, write, and return the exit code."""
    model = model_named(arguments.model)
    case = Case(model, Precision(arguments.precision), model.profiles[0])
    subject = Subject(arguments.runtime, arguments.runtime)
    worker, work, facts = prepared_work(case, subject, bench, arguments)
    between: list[MemoryReading] = []
    failure, written = "", 0.0
    with MemoryWatch(worker.pid, arguments.every) as watch:
        end = time.monotonic() + arguments.minutes * 60
        try:
            for _ in rounds(work, end):
                between.append(watch.read())
                if time.monotonic() - written > _SECONDS_BETWEEN_WRITES:
                    write_json(arguments.output, {**facts, **series(watch.readings, between)})
                    say(between)
                    written = time.monotonic()
        except HarnessError as error:
            failure = str(error)
    judged = judgement(watch.readings, between)
    write_json(arguments.output, {**facts, "failure": failure, **judged, **series(watch.readings, between)})
    print("\n".join(judged["sentences"]))
    if failure:
        print(f"the worker failed after {len(between)} rounds: {failure}")
        return 2
    return 0 if all(found["word"] == "does not grow" for found in judged["growth"].values()) else 1


def prepared_work(
    case: Case, subject: Subject, bench: Workbench, arguments: argparse.Namespace
) -> tuple[WorkerClient, Sequence[Callable[[], Any]], dict[str, Any]]:
    """Build the case's engine in the worker that is going to be soaked.

    Returns:
        The worker, what it is asked for in each round, and facts for the results.

    Raises:
        HarnessError: the engine or its reference cannot be had.
    """
    options = {"optimization_level": arguments.level} if subject.runtime == "tensorrt" else {}
    pipeline = Pipeline(
        case,
        subject,
        bench,
        Phases(),
        smallest_only=False,
        sampling=_SAMPLING,
        timeout=_DEADLINE,
        refusal=None,
        options=options,
        engine_name="soak",
    )
    versions, graph, folders = pipeline.versions(), pipeline.graph(), dict(pipeline.reference())
    worker = bench.builder(subject)
    engine = str(bench.engines / "soak.engine")
    request = {
        "graph": graph["path"],
        "precision": case.precision.to_json(),
        "profile": case.profile.to_json(),
        "inputs": graph["inputs"],
        "destination": engine,
        "options": {**options, **({"timing_cache": str(bench.cache / "timing")} if options else {})},
    }
    print(f"building {case.id} …", flush=True)
    built = worker.call("build", deadline=_DEADLINE, request=request)
    tolerances = [tolerance.to_json() for tolerance in case.model.tolerances_for(case.precision)]
    plan = _SAMPLING.to_json()
    work = (
        lambda: worker.call("measure", deadline=_DEADLINE, engine=engine, folders=folders, plan=plan),
        lambda: worker.call(
            "compare_outputs", deadline=_DEADLINE, engine=engine, folders=folders, tolerances=tolerances
        ),
    )
    facts = {
        "case": case.id,
        "runtime": versions["runtime"],
        "version": versions["version"],
        "libraries": versions["libraries"],
        "build_seconds": round(built["seconds"], 2),
        "options": built["options"],
    }
    return worker, work, facts


def rounds(work: Sequence[Callable[[], Any]], end: float) -> Iterator[int]:
    """Do all of ``work`` again and again, and yield the number of each round, until the clock passes ``end``."""
    number = 0
    while time.monotonic() < end:
        for ask in work:
            ask()
        number += 1
        yield number


def judgement(during: Sequence[MemoryReading], between: Sequence[MemoryReading]) -> dict[str, Any]:
    """Return the ``rule``, the ``growth`` of each kind of memory in each series, and ``sentences`` on it."""
    found = {}
    for when, readings in (("during", during), ("between", between)):
        seconds = [reading.seconds for reading in readings]
        found[f"host memory {when}"] = growth(seconds, [reading.host for reading in readings])
        device = [(reading.seconds, reading.device) for reading in readings if reading.device is not None]
        if device:
            found[f"device memory {when}"] = growth([at for at, _ in device], [used for _, used in device])
    return {
        "rule": RULE,
        "growth": {what: asdict(judged) for what, judged in found.items()},
        "sentences": [sentence(what, judged) for what, judged in found.items()],
    }


def series(during: Sequence[MemoryReading], between: Sequence[MemoryReading]) -> dict[str, Any]:
    """Return the readings as rows, and the number of ``rounds``."""
    return {
        "rounds": len(between),
        "columns": ["seconds", "host_bytes", "device_bytes"],
        "during": [[reading.seconds, reading.host, reading.device] for reading in during],
        "between": [[reading.seconds, reading.host, reading.device] for reading in between],
    }


def say(between: Sequence[MemoryReading]) -> None:
    """Print a line on the last reading."""
    reading = between[-1]
    device = "" if reading.device is None else f", device {reading.device / 2**20:.0f} MiB"
    print(f"[{reading.seconds:6.1f} s] round {len(between)}: host {reading.host / 2**20:.0f} MiB{device}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
