"""What the harness's run loop costs beside a bare one on the same engine, in one process, in turns.

    python benchmarks/gpu/overhead.py --output FILE [--models digits,squeezenet,resnet50] [--precision fp16]

Our loop is what a trial runs: ``take_samples`` over the engine's timers. The bare one does the same work on the same
execution context and stream, written with cuda-python and nothing around it (``bare.py``). Wall time of a block over
its runs is compared, so what our loop does between two samples counts, too. Blocks take turns (ours, bare, bare, ours,
…); the interval is that of the mean log ratio of the pairs. The goal is ``reached`` where the whole interval is at most
1.03, ``missed`` where it is above, else ``undecided``; it was set for the mode ``host``. ``--runtime onnxruntime`` does
the same on a CPU, against ``InferenceSession.run``.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.gpu.bare import BareLoops, import_cudart
from benchmarks.gpu.engines import build_engine, model_named
from benchmarks.gpu.files import write_json
from benchmarks.gpu.paired import Ratio, ratio_of, take_turns
from harness.cases import Precision
from harness.errors import HarnessError
from harness.measurement.sampling import SamplingPlan, take_samples
from harness.runtimes.named import runtime_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

    from harness.runtimes.base import Engine, Runtime

GOAL = 1.03
_CALIBRATING_RUNS = 50


def main() -> int:
    """Compare the loops for each model, and return how many models could not be compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="JSON file, rewritten after each model")
    parser.add_argument("--models", default="digits,squeezenet,resnet50")
    parser.add_argument("--precision", default="fp16")
    parser.add_argument("--level", type=int, default=1, help="builder optimisation level")
    parser.add_argument("--runtime", default="tensorrt", choices=("tensorrt", "onnxruntime"))
    parser.add_argument("--pairs", type=int, default=30, help="blocks of each loop")
    parser.add_argument("--block-seconds", type=float, default=0.1)
    parser.add_argument("--timing", type=Path, help="folder of timing caches, which make builds shorter")
    arguments = parser.parse_args()
    runtime = runtime_named(arguments.runtime)()
    versions = runtime.versions()
    models: dict[str, Any] = {}
    results = {
        "runtime": versions.runtime,
        "version": versions.version,
        "libraries": dict(versions.libraries),
        "options": build_options(arguments),
        "precision": arguments.precision,
        "block_seconds": arguments.block_seconds,
        "goal": GOAL,
        "models": models,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models.split(","):
            models[name] = compare_model(runtime, name, arguments, Path(folder))
            write_json(arguments.output, results)
    return sum("error" in model for model in models.values())


def build_options(arguments: argparse.Namespace) -> dict[str, str | int | bool]:
    """Return the build's options; only TensorRT has levels and timing caches."""
    if arguments.runtime != "tensorrt":
        return {}
    timing = {"timing_cache": str(arguments.timing)} if arguments.timing else {}
    return {"optimization_level": arguments.level, **timing}


def compare_model(runtime: Runtime, name: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Build a model's engine and compare the loops in each mode of launch; a failure is an answer, too."""
    print(f"{name}: building …", flush=True)
    try:
        built = build_engine(
            runtime, model_named(name), Precision(arguments.precision), folder, build_options(arguments)
        )
        found: dict[str, Any] = {"point": built.point, "build_seconds": round(built.result.seconds, 2), "modes": {}}
        engine = runtime.load(built.path)
        with contextlib.closing(engine), compared_modes(runtime, engine, built.inputs) as modes:
            for mode, (timed, bare) in modes.items():
                found["modes"][mode] = compare(timed, bare, arguments.pairs, arguments.block_seconds)
                print(f"{name} {mode}: {described(found['modes'][mode])}", flush=True)
    except HarnessError as error:
        print(f"{name}: {error}", flush=True)
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - a broken model must not hide the next
        traceback.print_exc(file=sys.stdout)
        return {"error": f"{type(error).__name__}: {error}"}
    return found


@contextlib.contextmanager
def compared_modes(
    runtime: Runtime, engine: Engine, inputs: Mapping[str, np.ndarray]
) -> Iterator[dict[str, tuple[Callable[[], float], Callable[[int], float]]]]:
    """Lend, by mode of launch that both have, our timer and the bare loop."""
    timers = engine.timers(inputs)
    if not runtime.on_gpu:
        yield {"host": (timers["host"], bare_session(engine, inputs))}
        return
    loops = BareLoops(import_cudart(), runtime.tools, engine, inputs)  # type: ignore[attr-defined, arg-type]
    try:
        bare = loops.modes(timers)
        yield {mode: (timers[mode], bare[mode]) for mode in timers}
    finally:
        loops.close()


def bare_session(engine: Engine, inputs: Mapping[str, np.ndarray]) -> Callable[[int], float]:
    """Return the loop that anyone would write around an ``InferenceSession``."""
    # A session of its own would compete with the engine's for the processors.
    session, feed = engine._session, dict(inputs)  # type: ignore[attr-defined]  # noqa: SLF001

    def loop(runs: int) -> float:
        started = time.perf_counter()
        for _ in range(runs):
            session.run(None, feed)
        return time.perf_counter() - started

    return loop


def compare(
    timed: Callable[[], float], bare: Callable[[int], float], pairs: int, block_seconds: float
) -> dict[str, Any]:
    """Run both loops in turns, as many runs a block as take ``block_seconds``, and return their ratio.

    Args:
        timed: a timer of the engine.
        bare: runs so many times and returns seconds.
        pairs: blocks of each.
        block_seconds: about how long a block lasts.

    Returns:
        The fields of a Ratio, ``runs`` a block, and the ``goal`` as ``goal_word`` has it.
    """
    bare(_CALIBRATING_RUNS)  # warms up
    runs = max(1, round(block_seconds * _CALIBRATING_RUNS / bare(_CALIBRATING_RUNS)))
    ours, others = take_turns(lambda: our_block(timed, runs), lambda: bare(runs) / runs, pairs)
    ratio = ratio_of(ours, others)
    return {**asdict(ratio), "runs": runs, "goal": goal_word(ratio)}


def goal_word(ratio: Ratio) -> str:
    """Say whether the goal is ``reached`` or ``missed``, or ``undecided`` where the interval holds both."""
    if ratio.high <= GOAL:
        return "reached"
    return "missed" if ratio.low > GOAL else "undecided"


def our_block(timed: Callable[[], float], runs: int) -> float:
    """Return the wall seconds a run of a block as a trial samples it."""
    plan = SamplingPlan(seconds=0.0, warmup_seconds=0.0, warmup_runs=0, minimum=runs, maximum=runs)
    started = time.perf_counter()
    take_samples(timed, plan)
    return (time.perf_counter() - started) / runs


def described(comparison: Mapping[str, Any]) -> str:
    """Say a comparison in one line."""
    return (
        f"{comparison['ours_us']:.2f} µs against {comparison['bare_us']:.2f} µs: "
        f"{comparison['ratio'] - 1:+.2%} (95 %: {comparison['low'] - 1:+.2%} to {comparison['high'] - 1:+.2%}), "
        f"{comparison['goal']}"
    )


if __name__ == "__main__":
    sys.exit(main())
