"""Sessions on a real runtime: A against A, then with one model made slower by a tenth.

    python benchmarks/real_sessions.py --output FILE [--gpu cpu] [--sessions 20] [--slowed 3] [-- PYTEST-OPTION …]

Runs ``pytest suites/`` over the catalogue of ``slowed.py`` until every case has the 8 good runs that a verdict needs,
then ``--sessions`` times more without any change, then ``--slowed`` times with a slower tower, each time against the
history as it was before. To reach: no session without a change is red, and the slower model alone is called regressed.
What the machine's noise would have allowed to see stands beside it. The file is rewritten after every session.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.gpu.files import write_json
from benchmarks.slowed import LAYERS, MORE_LAYERS, UNCHANGED_MODELS

ROOT = Path(__file__).resolve().parents[1]

FEWEST_RUNS = 8
# Where the machine is seldom quiet, good runs are waited for so long.
MOST_RUNS = 24


class Sessions:
    """Runs sessions against one history."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.history = folder / "history.db"
        self._cache = arguments.cache or folder / "cache"
        self._options = ["--gpu", arguments.gpu, "--models", arguments.models, *arguments.options]

    def run(self, *, slowed: bool = False) -> dict[str, Any]:
        """Run one session and return its verdicts."""
        environment = {**os.environ, "TRT_HARNESS_CATALOGUE": "benchmarks.slowed:CATALOGUE"}
        environment.pop("SLOWED", None)
        if slowed:
            environment["SLOWED"] = "yes"
        command = [sys.executable, "-m", "pytest", "suites/", "-q", "-p", "no:cacheprovider", "--report", ""]
        command += ["--db", str(self.history), "--cache", str(self._cache), *self._options]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        closing_line = (ended.stdout.strip().splitlines() or [ended.stderr[-2000:]])[-1]
        if ended.returncode not in (0, 1):
            sys.exit(f"pytest ended with {ended.returncode}:\n{ended.stdout[-4000:]}\n{ended.stderr[-2000:]}")
        failed = [line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return {"exit_code": ended.returncode, "closing_line": closing_line, "failed": failed, **self._verdicts()}

    def good_runs(self) -> int:
        """Return how many runs of the history are good enough for a baseline of latencies, in the worst case."""
        rows = self._rows(
            "select count(*) filter (where quality = 'ok') from trend"
            " where metric like 'latency_%' and trial_index = 0 group by case_id"
        )
        return min((count for (count,) in rows), default=0)

    def spread(self) -> dict[str, float]:
        """Return the standard deviation of the logarithm of each latency over its good runs, in percent."""
        values: dict[str, list[float]] = {}
        for case, metric, point, value in self._rows(
            "select case_id, metric, point, ln(value) from trend"
            " where metric like 'latency_%' and trial_index = 0 and quality = 'ok' order by trial_id"
        ):
            values.setdefault(f"{case} {metric} {point}".strip(), []).append(value)
        return {name: round(100 * statistics.stdev(own), 3) for name, own in values.items() if len(own) > 1}

    def _verdicts(self) -> dict[str, Any]:
        rows = self._rows(
            "select case_id, metric, point, verdict, effect, low, high, n, k, reason from latest"
            " where verdict is not null"
            " and session_id = (select id from session order by started_at desc limit 1)"
        )
        words = ("pass", "insufficient")
        return {
            "verdicts": dict(Counter(row[3] for row in rows)),
            "others": [
                dict(
                    zip(
                        ("case", "metric", "point", "verdict", "effect", "low", "high", "n", "k", "reason"),
                        row,
                        strict=True,
                    )
                )
                for row in rows
                if row[3] not in words
            ],
        }

    def _rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.history)) as connection:
            return connection.execute(query).fetchall()


def main() -> int:
    """Run the sessions; return 1 where the goals were missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--gpu", default="cpu")
    parser.add_argument("--models", default=",".join((*UNCHANGED_MODELS, "tower")))
    parser.add_argument("--sessions", type=int, default=20, help="without a change, once there is a baseline")
    parser.add_argument("--slowed", type=int, default=3, help="with the slower model")
    parser.add_argument("--history", type=Path, help="a new file that the history of the sessions is copied to")
    parser.add_argument("--cache", type=Path, help="of graphs and engines; else a new one")
    parser.add_argument("options", nargs="*", help="options of pytest, after --")
    arguments = parser.parse_args()
    results: dict[str, Any] = {
        "slowdown": f"{MORE_LAYERS} of {LAYERS} layers more",
        "options": arguments.options,
        "machine": {"system": platform.system(), "cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 2)},
    }
    with tempfile.TemporaryDirectory(prefix="real-sessions-") as folder:
        sessions = Sessions(arguments, Path(folder))
        results["before"] = [sessions.run()]
        while sessions.good_runs() < FEWEST_RUNS and len(results["before"]) < MOST_RUNS:
            results["before"].append(sessions.run())
        results["unchanged"], results["slowed"] = [], []
        for _ in range(arguments.sessions):
            results["unchanged"].append(sessions.run())
            told(arguments.output, results, sessions)
        kept = sessions.history.with_suffix(".kept")
        with closing(sqlite3.connect(sessions.history)) as history, closing(sqlite3.connect(kept)) as copy:
            history.backup(copy)
        for _ in range(arguments.slowed):
            results["slowed"].append(sessions.run(slowed=True))
            told(arguments.output, results, sessions)
            for suffix in ("", "-wal", "-shm"):
                sessions.history.with_name(sessions.history.name + suffix).unlink(missing_ok=True)
            shutil.copy(kept, sessions.history)
        if arguments.history:
            shutil.copy(kept, arguments.history)
    print(json.dumps(results["reached"], indent=2))
    return 0 if all(results["reached"].values()) else 1


def told(output: Path, results: dict[str, Any], sessions: Sessions) -> None:
    """Sum up what there is so far, write it, and print the newest session."""
    red = [session for session in results["unchanged"] if regressions(session)]
    found = [any(case.startswith("tower-") for case in regressions(session)) for session in results["slowed"]]
    elsewhere = [
        case for session in results["slowed"] for case in regressions(session) if not case.startswith("tower-")
    ]
    results["deviation_percent"] = sessions.spread()
    results["reached"] = {
        "no_red_session": not red,
        "slower_model_found": bool(found) and all(found),
        "found_nowhere_else": not elsewhere,
    }
    write_json(output, results)
    newest = (results["slowed"] or results["unchanged"])[-1]
    words = [
        f"{other['case']} {other['metric']} {other['verdict']} {other['effect']:+.1%}" for other in newest["others"]
    ]
    print(newest["closing_line"], newest["verdicts"], *words, sep="; ", flush=True)


def regressions(session: dict[str, Any]) -> set[str]:
    """Return the cases that a session called regressed."""
    return {other["case"] for other in session["others"] if other["verdict"] == "regressed"}


if __name__ == "__main__":
    sys.exit(main())
