"""Writes the report of a history of 1000 series with 200 runs each, and records time, memory, sizes and first paint.

Run it from the checkout: ``python benchmarks/report_writing.py``. The history is that of ``report_history.py``; making
it takes most of the time and is not measured. Each report is written by a fresh process, as ``trt-harness report``
would, and the seconds include the start of Python and every import:

first         into an empty folder
nothing new   again, over the same history
window        again, after a session with which the oldest twenty leave the report, so that every page has changed
one model     again, after one new session in which one model of twenty ran
all models    again, after one new session in which all of them ran, so that every page has changed too
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.history.store import History  # the checkout need not be installed
from reports.write import write_report

RESULT = Path(__file__).parent / "results" / "report_writing.json"
GOALS = {
    "first_seconds": 20.0,
    "again_seconds": 3.0,
    "peak_bytes": 1_000_000_000,
    "index_bytes": 1_000_000,
    "largest_bytes": 5_000_000,
    "first_paint_seconds": 1.0,
}
ROUNDS = 3


@dataclass(frozen=True)
class Written:
    """What one report took: ``processor_seconds`` tell a busy machine from slow code."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    files_written: int
    files: int


def write_once(database: Path, folder: Path) -> dict[str, Any]:
    """Write a report in this process, which must not have done anything else, and return what it can tell of that."""
    before = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.*")}
    with History.open(database, read_only=True) as history:
        write_report(history, folder)
    after = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.*")}
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "processor_seconds": sum(usage.ru_utime + usage.ru_stime for usage in usages),
        # Of this process and of its largest helper, as if both had their peak at one time. Linux counts in KiB, macOS
        # in bytes.
        "peak_bytes": sum(usage.ru_maxrss for usage in usages) * (1 if sys.platform == "darwin" else 1024),
        "files_written": sum(before.get(name) != changed for name, changed in after.items()),
        "files": len(after),
    }


def in_fresh_process(database: Path, folder: Path) -> Written:
    """Write a report in a process of its own."""
    command = [sys.executable, __file__, "--write", str(database), str(folder)]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Written(seconds=time.perf_counter() - start, **json.loads(done.stdout))


def main() -> None:
    """Make the history, write its report several times, print and store what was measured."""
    from benchmarks.browser import first_paint_seconds
    from benchmarks.report_history import MODELS, RUNS, add_session, make_history

    with tempfile.TemporaryDirectory() as name:
        database, folder = Path(name, "history.db"), Path(name, "report")
        make_history(database)
        with History.open(database) as history:
            series = len(history.queries.series_list())
        first = []
        for _ in range(ROUNDS):
            shutil.rmtree(folder, ignore_errors=True)
            first.append(in_fresh_process(database, folder))
        sizes = {file.name: file.stat().st_size for file in sorted(folder.glob("*.*"))}
        painted = first_paint_seconds(folder / "index.html") if shutil.which("chromium") else []
        again = {"nothing new": in_fresh_process(database, folder)}
        steps = (("window", MODELS[:1]), ("one model", MODELS[:1]), ("all models", MODELS))
        for run, (word, models) in enumerate(steps, RUNS):
            with History.open(database) as history:
                add_session(history, run, models, random.Random(run))
            again[word] = in_fresh_process(database, folder)
    result: dict[str, Any] = {
        "series": series,
        "runs_per_series": RUNS,
        "first": {"median_seconds": statistics.median(each.seconds for each in first), "rounds": _plain(first)},
        "again": {word: asdict(each) for word, each in again.items()},
        "bytes": {"all": sum(sizes.values()), "index": sizes["index.html"], "largest": max(sizes.values())},
        "first_paint_seconds": painted,
        "goals": GOALS,
    }
    result["reached"] = {
        "first_seconds": max(each.seconds for each in first) <= GOALS["first_seconds"],
        "again_seconds": {word: each.seconds <= GOALS["again_seconds"] for word, each in again.items()},
        "peak_bytes": max(each.peak_bytes for each in (*first, *again.values())) <= GOALS["peak_bytes"],
        "index_bytes": sizes["index.html"] <= GOALS["index_bytes"],
        "largest_bytes": max(sizes.values()) <= GOALS["largest_bytes"],
        "first_paint_seconds": max(painted) <= GOALS["first_paint_seconds"] if painted else "there is no chromium here",
    }
    result["machine"] = {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _plain(rounds: list[Written]) -> list[dict[str, Any]]:
    return [asdict(each) for each in rounds]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        print(json.dumps(write_once(Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
