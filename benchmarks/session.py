"""What a session costs: a new clone's first and second run, the harness's own share of it, and collection.

Clones this checkout's newest commit into an empty folder, runs ``scripts/suites`` there twice, and reads from the
history where the time went. Packages come from pip's cache where it has them.

    python benchmarks/session.py [--results FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOALS = {"first_run_seconds": 300.0, "second_run_seconds": 120.0, "harness_share": 0.10, "collection_seconds": 2.0}
# What a session is for; everything else of its wall time is the harness's own.
USEFUL_PHASES = ("graph", "build", "reference", "run", "measure")
COLLECTIONS = 5


def main() -> None:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "session.json")
    results_file = parser.parse_args().results
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="trt-harness-session-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        runs = [timed_run(clone) for _ in range(2)]
        phases = phases_of_sessions(clone / ".trt-harness" / "history.db")
        collections = [timed_collection(clone) for _ in range(COLLECTIONS)]
        cache_bytes = sum(f.stat().st_size for f in (clone / ".trt-harness" / "cache").rglob("*") if f.is_file())
    sessions = []
    for run, spent in zip(runs, phases, strict=True):
        useful = sum(spent[phase] for phase in USEFUL_PHASES)
        sessions.append({
            **run,
            "phases": {phase: round(seconds, 2) for phase, seconds in spent.most_common()},
            # Of pytest's own wall time, so that its start-up, collection and report count as the harness's.
            "harness_share": round(1 - useful / run["pytest_seconds"], 4),
        })  # fmt: skip
    results = {
        "sessions": sessions,
        "collection_seconds": {"median": round(statistics.median(collections), 3), "worst": round(max(collections), 3)},
        "cache_bytes": cache_bytes,
        "goals": GOALS,
        "reached": {
            "first_run_seconds": sessions[0]["seconds"] <= GOALS["first_run_seconds"],
            "second_run_seconds": sessions[1]["seconds"] <= GOALS["second_run_seconds"],
            "harness_share": all(s["harness_share"] <= GOALS["harness_share"] for s in sessions),
            "collection_seconds": statistics.median(collections) <= GOALS["collection_seconds"],
        },
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "load_before": round(load_before, 2)},
    }
    text = json.dumps(results, indent=2)
    results_file.write_text(text + "\n")
    print(text)


def timed_run(clone: Path) -> dict[str, float | str | int]:
    """Run ``scripts/suites`` and return its wall seconds, pytest's own and its last line."""
    started = time.perf_counter()
    answer = subprocess.run(
        [str(clone / "scripts" / "suites"), "-q"], cwd=clone, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    closing = next(line for line in reversed(answer.stdout.splitlines()) if " in " in line and "passed" in line)
    words = closing.replace("=", " ").split()
    return {
        "seconds": round(seconds, 1),
        "pytest_seconds": float(words[words.index("in") + 1].rstrip("s")),
        "exit_code": answer.returncode,
        "closing_line": closing.strip("= "),
    }


def timed_collection(clone: Path) -> float:
    """Return the wall seconds of ``pytest suites/ --collect-only`` in a process of its own."""
    started = time.perf_counter()
    subprocess.run(
        [str(clone / ".venv" / "bin" / "python"), "-m", "pytest", "suites/", "--collect-only", "-q"],
        cwd=clone,
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - started


def phases_of_sessions(database: Path) -> list[Counter[str]]:
    """Return the wall seconds by phase of each session in a history, oldest first."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "select s.id, t.phases from trial t join session s on s.id = t.session_id order by s.started_at, t.id"
        ).fetchall()
    sessions: dict[str, Counter[str]] = {}
    for session, phases in rows:
        sessions.setdefault(session, Counter()).update(json.loads(phases))
    return list(sessions.values())


if __name__ == "__main__":
    main()
