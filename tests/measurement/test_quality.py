from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.measurement import quality
from harness.measurement.quality import (
    CONTENDED_CORES,
    UNSTABLE_DRIFT,
    UNSTABLE_SPREAD,
    Reading,
    conditions_between,
    judge_quality,
)

QUIET: dict[str, Any] = {"throttle_events": 0, "other_cores": 0.0}
START = Reading(at=100.0, busy=1000.0, own=50.0, throttle_events=3)


@pytest.mark.parametrize(
    ("conditions", "spread", "drift", "word"),
    [
        pytest.param({}, 0.0, 0.0, "ok", id="nothing to find fault with"),
        pytest.param({}, UNSTABLE_SPREAD - 0.01, UNSTABLE_DRIFT - 0.01, "ok", id="below every limit"),
        pytest.param({"other_cores": CONTENDED_CORES}, 0.0, 0.0, "contended", id="others took processor time"),
        pytest.param({}, UNSTABLE_SPREAD, 0.0, "unstable", id="samples far apart"),
        pytest.param({}, 0.0, UNSTABLE_DRIFT, "unstable", id="slower and slower"),
        pytest.param({}, 0.0, -UNSTABLE_DRIFT, "unstable", id="faster and faster"),
        pytest.param({"other_cores": 1.0}, 1.0, 1.0, "contended", id="contention explains instability"),
        pytest.param({"throttle_events": 1, "other_cores": 1.0}, 1.0, 1.0, "throttled", id="heat explains all"),
    ],
)
def test_a_word_sums_up_the_conditions(conditions: dict[str, Any], spread: float, drift: float, word: str) -> None:
    """The cause goes before what follows from it."""
    assert judge_quality({**QUIET, **conditions}, spread=spread, drift=drift) == word


@pytest.mark.parametrize(
    ("busy", "own", "other_cores"),
    [
        pytest.param(1004.0, 52.0, 1.0, id="half of the work was others'"),
        pytest.param(1002.0, 52.0, 0.0, id="all of it was ours"),
        pytest.param(1001.9, 52.0, 0.0, id="counters that disagree are no negative time"),
    ],
)
def test_what_others_took_is_what_was_busy_less_our_own(
    monkeypatch: pytest.MonkeyPatch, busy: float, own: float, other_cores: float
) -> None:
    """In cores: processor seconds for each second of wall time."""
    monkeypatch.setattr(quality, "_heavy", lambda: ["compiler (pid 1)"])
    conditions = conditions_between(START, replace(START, at=102.0, busy=busy, own=own, throttle_events=5))
    assert conditions["other_cores"] == pytest.approx(other_cores)
    assert conditions["seconds"] == 2.0
    assert conditions["throttle_events"] == 2
    assert conditions["heavy"] == (["compiler (pid 1)"] if other_cores else [])


def test_readings_grow() -> None:
    """Work of our own is told as our own."""
    start = Reading.now()
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:
        pass
    end = Reading.now()
    assert end.at > start.at
    assert end.own - start.own >= 0.05
    assert end.busy >= start.busy


def test_the_heaviest_processes_are_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many of them, and neither those that rest nor those that came or went meanwhile."""

    def process(pid: int, seconds: float) -> SimpleNamespace:
        times = SimpleNamespace(user=seconds, system=0.0)
        return SimpleNamespace(pid=pid, info={"name": f"job{pid}", "cpu_times": times})

    looks = iter([
        [process(1, 5.0), process(2, 0.0), process(3, 0.0), process(4, 9.0), process(5, 0.0)],
        [process(1, 5.05), process(2, 0.1), process(3, 0.07), process(4, 9.001), process(6, 3.0)],
    ])  # fmt: skip
    monkeypatch.setattr("psutil.process_iter", lambda _: next(looks))
    assert quality._heavy(most=2) == ["job2 (pid 2)", "job3 (pid 3)"]


def test_a_busy_process_is_named() -> None:
    """Whoever was heavy on the machine stands beside the timing."""
    code = "while True: pass"
    with subprocess.Popen([sys.executable, "-c", code]) as other:
        try:
            deadline = time.monotonic() + 20
            named = False
            while not named and time.monotonic() < deadline:
                named = any(f"(pid {other.pid})" in text for text in quality._heavy(most=1000))
        finally:
            other.kill()
    assert named
