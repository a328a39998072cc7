"""Rates of change points, on few histories."""

from __future__ import annotations

from benchmarks.detection import change_rates


def test_changes_are_found_near_their_place() -> None:
    """Of twenty steps nearly all are found, of twenty stable histories hardly any has one."""
    figures = {(f.method, f.what): f for f in change_rates.measure(histories=20, rival_histories=2)}
    assert figures["find_changes", "stable, with any"].value <= 0.05
    assert figures["find_changes", "+3 % found within ± 3 runs"].value >= 0.9
    assert figures["asv, threshold set to 1 %", "stable, with any"].simulations == 2
