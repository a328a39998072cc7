"""Judges runs against a history of a million measurements, and writes how long one takes.

Run it from the checkout: ``python benchmarks/history_judging.py``. To reach: at most 50 ms for one run, which is ten
series: their baselines are fetched and the gate is asked for each. It takes 500 MB in the temporary folder. One case of
the history is hostile: its newest 900 runs are regressions, so that its baseline lies far back.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.history.identity import series_fingerprint  # the checkout need not be installed
from harness.history.records import EnvironmentRecord, SubjectRecord, stable_hash
from harness.history.store import History
from harness.verdicts.gate import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT = Path(__file__).parent / "results" / "history_judging.json"
GOAL_MILLISECONDS = 50.0
CASES, POINTS, SESSIONS = 100, 10, 1000
HOSTILE_CASE, REGRESSED_SESSIONS = 0, 900
MACHINE = EnvironmentRecord(name="cpu", identity={"cpu": "benchmark"})
SUBJECT = SubjectRecord(name="onnxruntime", runtime="onnxruntime", version="1.31.1")
START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def case_id(case: int) -> str:
    """Return the name of a case."""
    return f"model{case}-fp16-static"


def fill(path: Path) -> int:
    """Store a million measurements, a verdict with each and raw samples with every tenth; return how many there are."""
    History.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, rows in _keys():
            _insert(connection, table, rows)
        _insert(connection, "trial", _trials())
        _insert(connection, "measurement", _measurements())
        _insert(connection, "verdict", _verdicts())
        (count,) = connection.execute("SELECT count(*) FROM measurement").fetchone()
    return int(count)


def judge_one_run(history: History, case: int, values: list[float]) -> list[str]:
    """Fetch the baseline of each series of one run and ask the gate; return the statuses."""
    statuses = []
    for point, value in enumerate(values):
        baseline = history.queries.baseline_values(case_id(case), 1, MACHINE.hash, "latency_host", f"batch{point}")
        statuses.append(judge(baseline, [value], smallest_effect=0.05).status)
    return statuses


def main() -> int:
    """Run the benchmark; return 1 if the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="how many runs are judged (default: %(default)s)")
    arguments = parser.parse_args()
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        measurements = fill(path)
        print(f"{measurements} measurements, {path.stat().st_size / 1e6:.0f} MB")
        with History.open(path) as history:
            first = _milliseconds(history, 1, generator)
            ordinary = [_milliseconds(history, generator.randrange(1, CASES), generator) for _ in range(arguments.runs)]
            hostile = [_milliseconds(history, HOSTILE_CASE, generator) for _ in range(arguments.runs // 10)]
        size = path.stat().st_size
    reached = max(statistics.median(ordinary), statistics.median(hostile)) <= GOAL_MILLISECONDS
    result: dict[str, Any] = {
        "measurements": measurements,
        "database_bytes": size,
        "series_in_a_run": POINTS,
        "milliseconds_for_a_run": {
            "first_in_the_process": round(first, 1),
            "ordinary": _summary(ordinary),
            "after_900_regressions": _summary(hostile),
            "goal": GOAL_MILLISECONDS,
        },
        "reached": reached,
        "machine": {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()},
    }
    print(json.dumps(result, indent=2))
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if reached else 1


def _milliseconds(history: History, case: int, generator: random.Random) -> float:
    values = [generator.gauss(1.0, 0.01) for _ in range(POINTS)]
    start = time.perf_counter()
    statuses = judge_one_run(history, case, values)
    elapsed = time.perf_counter() - start
    assert "insufficient" not in statuses, "the benchmark judged against nothing"
    return 1e3 * elapsed


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(milliseconds), 2),
        "worst": round(max(milliseconds), 2),
        "runs": len(milliseconds),
    }


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    first = next(rows)
    # Columns that a later schema added have defaults, and come last.
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')][: len(first)]
    places = ", ".join("?" * len(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', chain([first], rows))  # noqa: S608 - names of our own


def _keys() -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    times = [(START + timedelta(hours=session)).isoformat(timespec="microseconds") for session in range(SESSIONS)]
    yield "environment", iter([(1, MACHINE.hash, MACHINE.name, "{}", "{}")])
    yield "subject", iter([(1, SUBJECT.hash, SUBJECT.name, SUBJECT.runtime, SUBJECT.version, "{}")])
    yield "case", ((c, stable_hash(c), case_id(c), 1, f"model{c}", "fp16", "static") for c in range(CASES))
    yield (
        "session",
        ((f"{s:012x}", times[s], times[s], "finished", "", "{}", None, None, 0, "") for s in range(SESSIONS)),
    )
    yield (
        "series",
        (
            (
                c * POINTS + p,
                series_fingerprint(case_id(c), 1, MACHINE.hash, "latency_host", f"batch{p}"),
                *(c, 1, "latency_host", f"batch{p}"),
            )
            for c in range(CASES)
            for p in range(POINTS)
        ),
    )


def _trials() -> Iterator[tuple[Any, ...]]:
    time_stamp = START.isoformat(timespec="microseconds")
    for session in range(SESSIONS):
        for case in range(CASES):
            keys = (f"{session:012x}", case, 1, 1, None, SUBJECT.name)
            yield (session * CASES + case, *keys, 0, time_stamp, "ok", "", "ok", "{}", "{}")


def _measurements() -> Iterator[tuple[Any, ...]]:
    values = np.random.default_rng(0).normal(1.0, 0.01, CASES * POINTS * SESSIONS)
    samples = np.random.default_rng(1).bytes(400)
    for index, value in enumerate(values.tolist()):
        trial, point = divmod(index, POINTS)
        series = trial % CASES * POINTS + point
        yield (index, trial, series, value, 100 if point == 0 else 0, samples if point == 0 else None)


def _verdicts() -> Iterator[tuple[Any, ...]]:
    numbers = (1.0, 1.0, 0.001, -0.02, 0.02, 0.9, 0.95, 0.01, 0.06)
    for index in range(CASES * POINTS * SESSIONS):
        trial, point = divmod(index, POINTS)
        session, case = divmod(trial, CASES)
        regressed = case == HOSTILE_CASE and session >= SESSIONS - REGRESSED_SESSIONS
        status = "regressed" if regressed else "pass"
        yield (index, trial, case * POINTS + point, status, "lower", "log", 0.05, "a sentence", 20, 1, *numbers)


if __name__ == "__main__":
    raise SystemExit(main())
