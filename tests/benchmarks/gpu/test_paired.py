from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gpu.paired import ratio_of, take_turns, turns
from harness.errors import ConfigurationError


def test_a_drift_of_the_machine_is_not_taken_for_a_difference() -> None:
    """Of two equal loops on a machine that slows down throughout, neither is called slower, as turns alternate."""
    clock = iter(1.0 + 0.01 * step for step in range(40))
    ours, bare = take_turns(lambda: next(clock), lambda: next(clock), 20)
    found = ratio_of(ours, bare)
    assert found.low < 1.0 < found.high
    assert found.ratio == pytest.approx(1.0, abs=2e-4)


def test_turns_alternate_who_begins() -> None:
    """Each pair begins with the loop that the pair before ended with."""
    assert turns(3) == [("ours", "bare"), ("bare", "ours"), ("ours", "bare")]


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    """Of 400 experiments with blocks that vary by 2 %, about 95 of 100 intervals hold the true 3 %."""
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        bare = np.exp(generator.normal(0, 0.02, 20))
        found = ratio_of(list(1.03 * np.exp(generator.normal(0, 0.02, 20))), list(bare))
        held += found.low <= 1.03 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_seconds_become_microseconds_a_run() -> None:
    """Both sides are told by their median."""
    found = ratio_of([2e-6, 2e-6, 9e-6], [1e-6, 1e-6, 1e-6])
    assert (found.ours_us, found.bare_us, found.pairs) == (pytest.approx(2.0), pytest.approx(1.0), 3)


def test_one_pair_has_no_interval() -> None:
    """The error says how many pairs there were and which option has them."""
    with pytest.raises(ConfigurationError, match="2 pairs of blocks or more, not 1; raise --pairs"):
        ratio_of([1.0], [1.0])
