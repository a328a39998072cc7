"""The operator suite on onnxruntime: how long it takes, and which operators do not pass, at fp32 and fp16.

Runs ``pytest suites/ -m operators`` twice in this checkout, with a cache and a history of its own: the first session
generates the cases and converts them, the second finds them. What is written is the table of the second.

    python benchmarks/operators.py [--results FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GOAL_SECONDS = 90.0


def main() -> None:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "operators_onnxruntime.json")
    file = parser.parse_args().results
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="trt-harness-operators-") as folder:
        sessions = [timed_session(Path(folder)) for _ in range(2)]
        table = told(Path(folder))
    (subject,) = table["subjects"]
    del subject["newest"]
    results = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, load {load_before:.1f} before",
        "python": platform.python_version(),
        "sessions": dict(zip(("first", "second"), sessions, strict=True)),
        "goal_seconds": GOAL_SECONDS,
        "reached": max(session["seconds"] for session in sessions) <= GOAL_SECONDS,
        **subject,
    }
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print({name: results[name] for name in ("machine", "sessions", "reached", "counts")})


def timed_session(folder: Path) -> dict[str, float]:
    """Run one session, and return its wall seconds, from the start of pytest to its end, and those of processors."""
    started, before = time.perf_counter(), os.times()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "suites/", "-m", "operators", "--gpu", "cpu", "-q", "--tb=no"),
            *("--db", str(folder / "history.db"), "--cache", str(folder / "cache"), "--report", str(folder / "report")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode not in (0, 1):  # 1: some operator fails, which is what the table is for
        raise SystemExit(ended.stdout + ended.stderr)
    after = os.times()
    busy = sum(getattr(after, name) - getattr(before, name) for name in ("children_user", "children_system"))
    return {"seconds": round(time.perf_counter() - started, 1), "processor_seconds": round(busy, 1)}


def told(folder: Path) -> dict[str, Any]:
    """Return what ``trt-harness operators`` says of the sessions."""
    asked = [sys.executable, "-m", "harness.cli", "operators", "--db", str(folder / "history.db"), "--format", "json"]
    answer = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    table: dict[str, Any] = json.loads(answer.stdout)
    return table


if __name__ == "__main__":
    main()
