"""Which verdicts are one finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from harness.verdicts.findings import grouped
from harness.verdicts.gate import Verdict


@dataclass(frozen=True)
class Record:
    """A verdict on a series."""

    metric: str
    point: str
    verdict: Verdict


def record(metric: str, point: str = "", **changes: Any) -> Record:
    """Return a regression of 10 % ± 5 %."""
    numbers: dict[str, Any] = {"effect": 0.10, "low": 0.05, "high": 0.15, **changes}
    word = Verdict(
        status="regressed", direction="lower", scale=numbers.pop("scale", "log"), smallest_effect=0.05, reason="", n=10,
        k=5, **numbers,
    )  # fmt: skip
    return Record(metric, point, word)


@pytest.mark.parametrize(
    ("metrics", "leads"),
    [
        pytest.param(
            ["latency_host", "throughput", "latency_stream", "latency_graph"], [("latency_graph", 3)], id="all clocks"
        ),
        pytest.param(["throughput", "latency_host"], [("latency_host", 1)], id="a CPU's"),
        pytest.param(
            ["host_memory_peak", "latency_host", "device_memory_peak"],
            [("device_memory_peak", 1), ("latency_host", 0)], id="memory is another finding",
        ),
        pytest.param(
            ["output_cosine", "top1"], [("output_cosine", 0), ("top1", 0)], id="accuracies do not move together"
        ),
        pytest.param(["novelty", "novelty"], [("novelty", 1)], id="points of a metric that nobody declared"),
        pytest.param([], [], id="nothing"),
    ],
)  # fmt: skip
def test_what_moves_together_is_one_finding(metrics: list[str], leads: list[tuple[str, int]]) -> None:
    """The most trustworthy metric of each family leads, the others are under it."""
    found = grouped(record(metric, f"p{i}") for i, metric in enumerate(metrics))
    assert [(finding.lead.metric, len(finding.others)) for finding in found] == leads


def test_of_one_metric_the_clearest_point_leads() -> None:
    """A smaller effect that is known better goes before a larger one that is hardly known, and what is exact first."""
    vague = record("latency_graph", "batch=1", effect=0.3, low=0.05, high=0.6)
    clear = record("latency_graph", "batch=4", effect=0.1, low=0.09, high=0.11)
    (finding,) = grouped([vague, clear])
    assert (finding.lead, finding.others) == (clear, (vague,))
    exact = record("latency_graph", "batch=8", low=None, high=None)
    assert grouped([vague, clear, exact])[0].lead is exact
    unknown = record("latency_graph", "batch=16", effect=None)
    assert grouped([unknown, vague])[0].lead is vague


def test_trust_goes_before_clearness() -> None:
    """A graph replay leads, however much clearer the host's clock shows it."""
    graph = record("latency_graph", effect=0.1, low=0.01, high=0.2)
    host = record("latency_host", effect=0.5, low=0.49, high=0.51)
    assert grouped([host, graph])[0].lead is graph
