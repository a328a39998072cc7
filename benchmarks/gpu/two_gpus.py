"""Several GPUs in one session: each pytest worker has its own, and nothing is timed on one that is being timed on.

    python benchmarks/gpu/two_gpus.py --output FILE --gpu h200 [--models squeezenet,encoder] [--workers 2]

Runs ``pytest suites/`` three times over the same cases: with workers, to build the engines; without, and with workers
again, both with the engines that are kept. The history then says which GPU each trial was measured on and when. Ends
with 0 where the workers used as many GPUs as there are workers, no two trials overlap on one, and the session with
workers was the shorter one; else with 1. ``--gpu cpu`` rehearses it: trials then overlap on the one processor, as they
may, and the check fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.gpu.commands import run_until
from benchmarks.gpu.files import without_folders, write_json
from benchmarks.gpu.sharing import NO_GPU, overlaps_on_one_device, seconds_side_by_side, windows_of
from benchmarks.gpu.stored import seconds_by_phase, trials_since
from harness.measurement.devices import present_gpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.records import TrialRecord


def main() -> int:
    """Run the sessions, look at what they left, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--gpu", default="auto")
    parser.add_argument("--models", default="squeezenet,encoder")
    parser.add_argument("--precisions", default="fp32,fp16")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--build-option", action="append", default=[], dest="build_options", metavar="NAME=VALUE")
    parser.add_argument("--cache", type=Path, help="of graphs and engines; else a new one")
    parser.add_argument("--seconds", type=float, default=180.0, help="after so long a session is interrupted")
    parser.add_argument("--log", type=Path, help="where pytest's own output goes")
    arguments = parser.parse_args()
    present = [gpu.uuid for gpu in present_gpus()]
    if arguments.gpu != "cpu" and len(present) < arguments.workers:
        print(f"{arguments.workers} GPUs are needed, {len(present)} present; --workers N or --gpu cpu (a rehearsal)")
        return 2
    results: dict[str, Any] = {"present": present, "workers": arguments.workers, "sessions": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, workers in (("building", arguments.workers), ("alone", 0), ("side by side", arguments.workers)):
            results["sessions"][name] = run_session(arguments, workers, Path(folder))
            write_json(arguments.output, results)
            shown = {key: value for key, value in results["sessions"][name].items() if key != "windows"}
            print(f"{name}: {shown}", flush=True)
    results.update(judged(results["sessions"]["alone"], results["sessions"]["side by side"], arguments.workers))
    write_json(arguments.output, results)
    print({key: results[key] for key in ("own_gpu_each", "never_shared", "speedup", "passed")})
    return 0 if results["passed"] else 1


def run_session(arguments: argparse.Namespace, workers: int, folder: Path) -> dict[str, Any]:
    """Run one session and say what its trials left in the history."""
    database = str(folder / "history.db")
    options = [
        ("--gpu", arguments.gpu), ("--models", arguments.models), ("--precisions", arguments.precisions),
        ("--db", database), ("--cache", str(arguments.cache or folder / "cache")),
        *(("--build-option", option) for option in arguments.build_options),
        *([("-n", str(workers))] if workers else []),
    ]  # fmt: skip
    began = datetime.now(timezone.utc)
    command = [sys.executable, "-m", "pytest", "suites/", "-q", *(word for pair in options for word in pair)]
    ended = run_until(command, arguments.seconds, log=arguments.log)
    return {
        "command": without_folders(command),
        "exit_code": ended.exit_code,
        "interrupted": ended.interrupted,
        "seconds": ended.seconds,
        **looked_into(trials_since(database, began)),
    }


def looked_into(trials: Sequence[TrialRecord]) -> dict[str, Any]:
    """Return which GPUs trials were measured on, what overlaps on one, and how long two were measured on at once."""
    windows = windows_of(trials)
    used = sorted({window.device for window in windows})
    return {
        "trials": len(trials),
        "failed": sorted({trial.case_id for trial in trials if trial.outcome != "ok"}),
        "trials_by_device": {device: sum(window.device == device for window in windows) for device in used},
        "overlaps_on_one_device": [[first.trial, second.trial] for first, second in overlaps_on_one_device(windows)],
        "seconds_side_by_side": round(seconds_side_by_side(windows), 2),
        "seconds_by_phase": seconds_by_phase(trials),
        "windows": [[window.device, window.trial, window.start, window.end] for window in windows],
    }


def judged(alone: Mapping[str, Any], side_by_side: Mapping[str, Any], workers: int) -> dict[str, Any]:
    """Say whether each worker had a GPU of its own, whether none was shared, and how much faster it went."""
    devices = set(side_by_side["trials_by_device"]) - {NO_GPU}
    own = len(devices) == workers
    never_shared = bool(devices) and not side_by_side["overlaps_on_one_device"]
    complete = not (alone["interrupted"] or side_by_side["interrupted"]) and alone["trials"] > 0
    speedup = round(alone["seconds"] / side_by_side["seconds"], 3) if complete else None
    return {
        "own_gpu_each": own,
        "never_shared": never_shared,
        "speedup": speedup,
        "passed": own and never_shared and speedup is not None and speedup > 1,
    }


if __name__ == "__main__":
    sys.exit(main())
