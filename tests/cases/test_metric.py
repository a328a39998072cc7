from __future__ import annotations

from typing import get_args

import pytest

from harness.cases import METRICS, Metric, metric_named
from harness.cases.metric import Direction, Scale
from harness.errors import ConfigurationError

UNITS = {"ms", "s", "1/s", "B", "J", "dB", "1"}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_declares_what_a_verdict_needs(metric: Metric) -> None:
    """Unit, direction and scale are of the closed sets, and a change has a size worth a word."""
    assert metric_named(metric.name) is metric
    assert metric.unit in UNITS
    assert metric.direction in get_args(Direction)
    assert metric.scale in get_args(Scale)
    assert metric.smallest_effect > 0
    assert metric.resolution >= 0
    assert metric.title


@pytest.mark.parametrize(
    ("name", "direction"),
    [("latency_host", "lower"), ("throughput", "higher"), ("engine_bytes", "lower"), ("output_sqnr_db", "higher")],
)
def test_metrics_know_which_way_is_better(name: str, direction: str) -> None:
    """Less time and space are better, more throughput and signal are."""
    assert metric_named(name).direction == direction


def test_tails_and_build_times_never_fail_a_test() -> None:
    """Too few samples stand behind a tail, and too much chance behind a build, to gate on either."""
    assert not any(metric_named(name).gated for name in ("latency_host_p99", "build_seconds", "load_seconds"))
    assert metric_named("latency_host").gated


def test_an_unknown_metric_is_an_error_that_suggests_one() -> None:
    """A misspelt metric names the nearest one."""
    with pytest.raises(ConfigurationError, match=r"'latency_hots' is no metric\. Did you mean 'latency_host'\?"):
        metric_named("latency_hots")
