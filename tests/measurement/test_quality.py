from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from harness.measurement import quality
from harness.measurement.quality import (
    CONTENDED_CORES,
    UNSTABLE_DRIFT,
    UNSTABLE_SPREAD,
    ProcessTime,
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
def test_what_others_took_is_what_was_busy_less_our_own(busy: float, own: float, other_cores: float) -> None:
    """In cores: processor seconds for each second of wall time; whoever took them is named where they are many."""
    compiler = {(1, 9.0): ProcessTime("compiler", 1.5)}
    conditions = conditions_between(
        START, replace(START, at=102.0, busy=busy, own=own, throttle_events=5, others=compiler)
    )
    assert conditions["other_cores"] == pytest.approx(other_cores)
    assert conditions["seconds"] == 2.0
    assert conditions["throttle_events"] == 2
    assert conditions["heavy"] == ({"compiler (pid 1)": 0.75} if other_cores else {})


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


def test_the_busiest_processes_are_named_first() -> None:
    """At most three, by their share of the window: not those that rest, nor that were busy before it only."""
    before = {
        (1, 0.0): ProcessTime("rests", 50.0),
        (2, 0.0): ProcessTime("build", 1.0),
        (3, 0.0): ProcessTime("old", 7.0),
        (4, 0.0): ProcessTime("ended", 1.0),
        (5, 0.0): ProcessTime("fourth", 0.0),
    }
    after = {
        (1, 0.0): ProcessTime("rests", 50.05),
        (2, 0.0): ProcessTime("build", 2.0),
        (3, 6.0): ProcessTime("same id", 3.0),
        (5, 0.0): ProcessTime("fourth", 0.2),
        (6, 5.0): ProcessTime("began", 1.5),
    }
    heavy = quality._heavy(before, after, seconds=2.0)
    assert list(heavy.items()) == [("same id (pid 3)", 1.5), ("began (pid 6)", 0.75), ("build (pid 2)", 0.5)]


def test_readings_see_what_another_process_uses() -> None:
    """Two readings tell what another process used between them; our own is none of the others."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            start = Reading.now()
            time.sleep(0.5)
            end = Reading.now()
        finally:
            other.kill()
    used = {key[0]: process.seconds for key, process in end.others.items()}
    earlier = {key[0]: process.seconds for key, process in start.others.items()}
    assert used[other.pid] - earlier.get(other.pid, 0.0) > 0.05
    assert os.getpid() not in used
