"""Regressions between TensorRT versions that people reported, replayed with stated noise around their numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.detection.noise import Noise, sessions_of, simulate
from harness.cases.metric import metric_named
from harness.verdicts.gate import CONFIRMING_TRIALS, Verdict, judge

PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "published_regressions.json").read_text())
NOISE = Noise(between_runs=0.01, within_run=0.02)
BASELINE_RUNS = 20
SEEDS = range(10)


def judge_session(metric_name: str, before: float, after: float, seed: int) -> Verdict:
    """Judge a session at ``after`` against a baseline at ``before``: one trial, and four more where they are wanted."""
    metric = metric_named(metric_name)
    runs = simulate(NOISE, np.random.default_rng(seed), 1, sessions_of(BASELINE_RUNS, CONFIRMING_TRIALS))
    latencies = runs.medians[0]
    factors = latencies if metric.direction == "lower" else 1 / latencies
    baseline, trials = (before * factors[:BASELINE_RUNS]).tolist(), (after * factors[BASELINE_RUNS:]).tolist()
    options: dict[str, Any] = {"direction": metric.direction, "smallest_effect": metric.smallest_effect}
    first = judge(baseline, trials[:1], **options)
    return judge(baseline, trials, **options) if first.status == "inconclusive" else first


def transitions() -> list[Any]:
    """Return each pair of neighbouring versions that both have a published number."""
    found = []
    for case in PUBLISHED["cases"]:
        for old, new in zip(case["runs"], case["runs"][1:], strict=False):
            if new["value"] is not None:
                versions = f"{old['tensorrt']} to {new['tensorrt']}"
                values = (case["metric"], old["value"], new["value"], new["verdict"])
                found.append(pytest.param(*values, id=f"{versions} in {case['issue']}"))
    return found


@pytest.mark.parametrize(("metric", "before", "after", "verdict"), transitions())
@pytest.mark.parametrize("seed", SEEDS)
def test_next_version(metric: str, before: float, after: float, verdict: str, seed: int) -> None:
    """From one version to the next the gate says what the thread says, on the default of 20 baseline runs."""
    assert judge_session(metric, before, after, seed).status == verdict


@pytest.mark.parametrize("case", PUBLISHED["cases"], ids=lambda case: str(case["issue"]))
@pytest.mark.parametrize("seed", SEEDS)
def test_version_without_regression(case: dict[str, Any], seed: int) -> None:
    """A session under the version that was fast passes against that version's own runs."""
    fast = case["runs"][0]["value"]
    assert judge_session(case["metric"], fast, fast, seed).status == "pass"


def test_unknown_figure_would_have_been_found_from_eight_percent_on() -> None:
    """Where no newer number could be read, the gate says beforehand that it would find a slowdown of 8 %, and does."""
    (case,) = (case for case in PUBLISHED["cases"] if case["runs"][-1]["value"] is None)
    fast = case["runs"][0]["value"]
    for seed in SEEDS:
        detectable = judge_session(case["metric"], fast, fast, seed).detectable
        assert detectable is not None
        assert detectable < 0.08
    found = [judge_session(case["metric"], fast, 1.08 * fast, seed).status == "regressed" for seed in SEEDS]
    assert all(found)
