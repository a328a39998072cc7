from __future__ import annotations

from dataclasses import replace

from harness.history.records import VerdictRecord
from harness.verdict_text import describe_findings, describe_verdict
from tests.history.building import verdict


def test_a_verdict_names_its_series() -> None:
    """The sentence begins with the metric's title, and the point where there is one."""
    told = replace(verdict("regressed"), reason="slower")
    latency = VerdictRecord(metric="latency_host", point="batch4", verdict=told)
    size = VerdictRecord(metric="engine_bytes", point="", verdict=told)
    assert describe_verdict(latency) == "latency, host to host, median at batch4: slower"
    assert describe_verdict(size) == "engine size: slower"


def test_what_moved_with_a_finding_stands_below_it() -> None:
    """Metrics that one cause moves are one finding: a line of its own, and indented ones for the rest."""
    told = verdict("regressed")
    records = [
        VerdictRecord(metric=metric, point="batch4", verdict=told)
        for metric in ("latency_host", "throughput", "engine_bytes")
    ]
    lines = describe_findings(records)
    assert [line.startswith("  also ") for line in lines].count(True) == 1
    assert sorted(line.removeprefix("  also ") for line in lines) == sorted(map(describe_verdict, records))
