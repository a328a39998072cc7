"""Rates of comparisons in turns, on few pairs."""

from __future__ import annotations

from benchmarks.detection import block_rates


def test_drift_misleads_only_those_who_do_not_take_turns() -> None:
    """Equal subjects run one after the other look different under drift, and equal in blocks."""
    figures = {(f.method, f.what): f.value for f in block_rates.measure(pairs=100)}
    assert figures["t-test of runs one after the other, p < 0.01", "false positives"] > 0.9
    assert figures["compare_blocks", "false positives"] < 0.06
    assert figures["compare_blocks", "found at +2 %"] > 0.95
