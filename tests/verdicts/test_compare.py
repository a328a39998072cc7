"""Interleaved comparisons, by tables, and by simulation of what they promise."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.errors import ConfigurationError
from harness.verdicts.compare import Comparison, ComparisonStatus, compare_blocks, flip_p

if TYPE_CHECKING:
    from collections.abc import Callable

NOISE = np.array([0.004, -0.003, 0.001, -0.002, 0.003, -0.004, 0.002, -0.001])
NOT_A_NUMBER = math.nan
INFINITE = math.inf


def _compare(shift: float, **parameters: Any) -> Comparison:
    """Compare 7 ms with 7 ms and ``shift``, in eight blocks whose differences are those of ``NOISE``."""
    return compare_blocks(np.full(8, 7.0), 7.0 * np.exp(NOISE + shift), **{"smallest_effect": 0.01, **parameters})


@pytest.mark.parametrize(
    ("shift", "direction", "expected"),
    [
        pytest.param(0.0, "lower", "pass", id="no difference"),
        pytest.param(0.005, "lower", "pass", id="a difference that is surely too small for a word"),
        pytest.param(0.008, "lower", "inconclusive", id="one that may be large enough"),
        pytest.param(0.02, "lower", "regressed", id="slower"),
        pytest.param(-0.02, "lower", "improved", id="faster"),
        pytest.param(0.02, "higher", "improved", id="more, where higher is better"),
        pytest.param(-0.02, "higher", "regressed", id="less, where higher is better"),
        pytest.param(-0.008, "lower", "pass", id="one for the better rules a regression out"),
        pytest.param(-0.008, "higher", "inconclusive", id="the same where it is for the worse"),
    ],
)
def test_status(shift: float, direction: Any, expected: ComparisonStatus) -> None:
    """Eight blocks that are 0.3 % apart are judged with a smallest effect of 1 %."""
    assert _compare(shift, direction=direction).status == expected


def test_comparison_carries_what_it_was_decided_on() -> None:
    """Levels, effect, interval, both p and spread are those of the textbook."""
    from scipy.stats import ttest_1samp

    comparison = _compare(0.02)
    expected = ttest_1samp(NOISE + 0.02, 0.0)
    interval = expected.confidence_interval(0.99)
    assert (comparison.a, comparison.b) == pytest.approx((7.0, 7.0 * math.exp(0.02)))
    assert comparison.effect == pytest.approx(math.expm1(0.02))
    assert (comparison.low, comparison.high) == pytest.approx((math.expm1(interval.low), math.expm1(interval.high)))
    assert comparison.p == pytest.approx(expected.pvalue)
    assert comparison.flip_p == 2 / 2**8
    assert comparison.spread == pytest.approx(NOISE.std(ddof=1))
    assert (comparison.blocks, comparison.outliers) == (8, 0)
    assert "b is 2.02 % above a over 8 blocks, between 1.6" in comparison.reason
    assert "more blocks are wanted" not in comparison.reason
    assert "more blocks are wanted" in _compare(0.008).reason


def test_trials_of_a_block_are_reduced_to_their_mean_of_logarithms() -> None:
    """Two trials a block count with their geometric mean, on a linear scale with their mean."""
    a = np.exp(np.column_stack([NOISE, -NOISE]))
    b = np.exp(np.column_stack([NOISE + 0.03, NOISE + 0.01]))
    comparison = compare_blocks(a, b, smallest_effect=0.01)
    assert comparison.a == pytest.approx(1.0)
    assert comparison.effect == pytest.approx(math.expm1(0.02))
    linear = compare_blocks(a, a + np.array([0.4, 0.6]), smallest_effect=0.1, scale="linear")
    assert linear.effect == pytest.approx(0.5)


def test_linear_drift_within_blocks_cancels() -> None:
    """Trials in the order A B B A that do nothing but drift do not differ."""
    times = np.arange(32, dtype=np.float64).reshape(8, 4)
    drifting = np.exp(0.01 * times)
    comparison = compare_blocks(drifting[:, [0, 3]], drifting[:, [1, 2]], smallest_effect=0.01)
    assert comparison.effect == pytest.approx(0.0, abs=1e-12)
    assert comparison.status == "pass"


@pytest.mark.parametrize(
    ("a", "b", "expected", "blocks"),
    [
        pytest.param([1.0] * 5, [2.0] * 5, "insufficient", 5, id="five blocks are too few for a sign flip"),
        pytest.param([1.0] * 6, [2.0] * 6, "regressed", 6, id="six are enough"),
        pytest.param(
            [NOT_A_NUMBER] * 2 + [1.0] * 5, [2.0] * 7, "insufficient", 5, id="a block without a value is none"
        ),
        pytest.param([1.0] * 7, [-2.0] + [2.0] * 6, "regressed", 6, id="nor is one with a negative ratio"),
        pytest.param([], [], "missing", 0, id="no block at all"),
        pytest.param([NOT_A_NUMBER] * 8, [1.0] * 8, "missing", 0, id="no block with a value"),
        pytest.param([3.0] * 8, [3.0] * 8, "pass", 8, id="equal to the last digit"),
        pytest.param([3.0] * 8, [3.01] * 8, "pass", 8, id="exactly different, but too little for a word"),
        pytest.param([INFINITE] * 8, [INFINITE] * 8, "pass", 8, id="equal infinities"),
        pytest.param([INFINITE] * 8, [9.0] * 8, "improved", 8, id="infinitely far below"),
        pytest.param([9.0] * 8, [9.0] * 7 + [INFINITE], "inconclusive", 8, id="infinite now and then"),
    ],
)
def test_edges(a: list[float], b: list[float], expected: ComparisonStatus, blocks: int) -> None:
    """Blocks that cannot be used, that never vary, or that differ without bound are each told as what they are."""
    comparison = compare_blocks(a, b, smallest_effect=0.05)
    assert (comparison.status, comparison.blocks) == (expected, blocks)


def test_unusable_blocks_are_counted() -> None:
    """The reason says how many blocks there are, how many were lost, and how many are needed."""
    comparison = compare_blocks([NOT_A_NUMBER] * 2 + [1.0] * 5, [2.0] * 7, smallest_effect=0.05)
    assert comparison.reason == "there are 5 blocks (2 more had no usable value), and 6 are needed"


def test_exact_comparison_heeds_the_resolution() -> None:
    """A difference within the instrument's resolution is none."""
    parameters: dict[str, Any] = {"smallest_effect": 0.0, "scale": "linear"}
    assert compare_blocks([3.0] * 8, [4.0] * 8, resolution=1.0, **parameters).status == "pass"
    assert compare_blocks([3.0] * 8, [4.0] * 8, resolution=0.5, **parameters).status == "regressed"


def test_coarse_clock_does_not_shrink_the_spread() -> None:
    """Blocks that agree better than the clock can tell are not believed to."""
    assert _compare(0.02, resolution=0.0).status == "regressed"
    assert _compare(0.02, resolution=0.7).status == "inconclusive"


def test_outlying_block_is_put_aside() -> None:
    """One block with a disturbed trial neither hides a difference nor makes one, and the reason tells of it."""
    disturbed = NOISE.copy()
    disturbed[2] += 0.3
    parameters: dict[str, Any] = {"smallest_effect": 0.01}
    slower = compare_blocks(np.ones(8), np.exp(disturbed + 0.02), **parameters)
    assert (slower.status, slower.blocks, slower.outliers) == ("regressed", 7, 1)
    assert slower.reason.endswith("1 outlying block was put aside")
    assert compare_blocks(np.ones(8), np.exp(disturbed), **parameters).status == "pass"


def test_many_outlying_blocks_are_no_accident() -> None:
    """Where three blocks of eight lie far out, they stay, and nothing is sure."""
    disturbed = NOISE.copy()
    disturbed[:3] += 0.3
    comparison = compare_blocks(np.ones(8), np.exp(disturbed), smallest_effect=0.01)
    assert (comparison.status, comparison.outliers) == ("inconclusive", 0)


def test_sign_flip_can_object() -> None:
    """Of six blocks, one with the other sign leaves a sign flip in doubt, whatever Student's t says."""
    shifts = [0.05, 0.05, 0.05, 0.05, 0.05, -0.0001]
    parameters: dict[str, Any] = {"smallest_effect": 0.01, "alpha": 0.02}
    comparison = compare_blocks(np.ones(6), np.exp(shifts), **parameters)
    assert comparison.p is not None
    assert comparison.flip_p is not None
    assert comparison.p < 0.02
    assert comparison.flip_p > 0.05
    assert comparison.status == "inconclusive"


@pytest.mark.parametrize("count", [1, 5, 8])
def test_flip_p_counts_all_ways(count: int) -> None:
    """The p of a sign flip is the share of all signs whose sum is as large either way, ties included."""
    differences = np.round(np.random.default_rng(count).normal(0.5, 1.0, count), 1)
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product([1, -1], repeat=count)]
    expected = np.mean([total >= abs(differences.sum()) - 1e-9 for total in sums])
    assert flip_p(differences) == pytest.approx(expected)


def test_flip_p_of_many_blocks_is_drawn() -> None:
    """With more than 15 blocks p is near the exact one, never 0, and the same each time."""
    differences = np.random.default_rng(1).normal(0.6, 1.0, 16)
    ways = 1.0 - 2.0 * (np.arange(2**16)[:, None] >> np.arange(16) & 1)
    exact = float(np.mean(np.abs(ways @ differences) >= abs(differences.sum()) - 1e-9))
    assert flip_p(differences) == pytest.approx(exact, abs=4 * math.sqrt(exact / 100_000))
    assert flip_p(differences) == flip_p(differences)
    assert 0 < flip_p(np.ones(40)) < 1e-4


def test_detectable_effect_is_found_four_times_out_of_five() -> None:
    """At the effect called detectable, by blocks of typical spread, about 80 % are found."""
    from scipy.stats import norm

    typical = norm.ppf((np.arange(8) + 0.5) / 8)
    typical *= 0.005 / typical.std(ddof=1)
    detectable = compare_blocks(np.ones(8), np.exp(typical), smallest_effect=0.0).detectable
    assert detectable is not None
    shift = math.log1p(detectable)
    noise = np.random.default_rng(4).normal(shift, 0.005, (2000, 8))
    found = [compare_blocks(np.ones(8), np.exp(row), smallest_effect=0.0).status == "regressed" for row in noise]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def _called(shift: float, *, pairs: int, outliers: float = 0.0) -> float:
    """Return how many of simulated pairs of subjects are called different.

    Trials are 0.5 % apart and drift by 0.5 % a block, in the order A B B A, eight blocks a pair.
    """
    generator = np.random.default_rng(20_240_601)
    trials = generator.normal(0.0, 0.005, (pairs, 8, 4)) + 0.005 * np.arange(32).reshape(8, 4) / 4
    trials += (generator.random(trials.shape) < outliers) * generator.uniform(0.05, 0.5, trials.shape)
    trials[:, :, 1:3] += math.log1p(shift)
    values = np.exp(trials)
    statuses = [compare_blocks(pair[:, [0, 3]], pair[:, [1, 2]], smallest_effect=0.0).status for pair in values]
    return float(np.mean([status in {"regressed", "improved"} for status in statuses]))


@pytest.mark.parametrize("outliers", [0.0, 0.02])
def test_false_alarms(outliers: float, record_property: Callable[[str, object], None]) -> None:
    """Of equal subjects, with every effect worth a word, at most 1.2 % are called different, outlying trials or not."""
    rate = _called(0.0, pairs=4000, outliers=outliers)
    record_property("false_alarms", float(rate))
    assert rate <= 0.012


@pytest.mark.parametrize(("shift", "outliers", "least"), [(0.01, 0.0, 0.85), (0.02, 0.0, 0.99), (0.02, 0.02, 0.90)])
def test_power(shift: float, outliers: float, least: float, record_property: Callable[[str, object], None]) -> None:
    """Differences by 1 % and 2 % are found as often as promised."""
    rate = _called(shift, pairs=1000, outliers=outliers)
    record_property("power", float(rate))
    assert rate >= least


@pytest.mark.parametrize(
    ("a", "b", "parameters", "message"),
    [
        pytest.param([1.0], [1.0, 2.0], {}, "a has values of 1 and b of 2 blocks", id="unequal numbers of blocks"),
        pytest.param(np.ones((2, 2, 2)), np.ones(2), {}, r"not \(2, 2, 2\)", id="a shape with a third axis"),
        pytest.param([1.0], [1.0], {"direction": "lowr"}, "Did you mean 'lower'", id="a misspelt direction"),
        pytest.param([1.0], [1.0], {"smallest_effect": -1.0}, "smallest_effect must be", id="a negative effect"),
        pytest.param([1.0], [1.0], {"alpha": 2.0}, "alpha must be", id="a level above one"),
    ],
)
def test_meaningless_parameters_are_refused(a: Any, b: Any, parameters: dict[str, Any], message: str) -> None:
    """Shapes that do not match and parameters without a meaning are errors that name them."""
    with pytest.raises(ConfigurationError, match=message):
        compare_blocks(a, b, **{"smallest_effect": 0.01, **parameters})
