"""The noise model, held to the numbers that it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.detection.noise import Noise, offsets, sessions_of, simulate
from harness.errors import ConfigurationError


def generator() -> np.random.Generator:
    """Return numbers that repeat themselves."""
    return np.random.default_rng(0)


def test_medians_of_runs_spread_by_the_stated_deviation() -> None:
    """The logarithms of run medians have the deviation between runs, plus what 400 samples leave of their own."""
    runs = simulate(Noise(between_runs=0.01), generator(), 500, range(20), samples=400)
    assert np.log(runs.medians).std() == pytest.approx(0.01, rel=0.03)


def test_samples_of_one_run_have_the_stated_range_and_a_tail() -> None:
    """The middle half of the samples is as wide as stated, and wider above the median than below."""
    samples = simulate(Noise(between_runs=0.0, within_run=0.01), generator(), 1, [0], samples=200_000).samples[0, 0]
    low, middle, high = np.quantile(samples, [0.25, 0.5, 0.75])
    assert middle == pytest.approx(1.0, abs=1e-4)
    assert high - low == pytest.approx(0.01, rel=0.02)
    assert (high - middle) / (middle - low) == pytest.approx(1.5, rel=0.03)


def test_neighbouring_runs_are_as_alike_as_stated() -> None:
    """The lag-one correlation is the stated one, and leaves the deviation of a run as it was."""
    drawn = offsets(Noise(between_runs=0.01, autocorrelation=0.6), generator(), 2000, range(50))
    correlation = np.mean(drawn[:, 1:] * drawn[:, :-1]) / drawn.var()
    assert correlation == pytest.approx(0.6, abs=0.02)
    assert drawn.std() == pytest.approx(0.01, rel=0.02)


def test_drift_adds_up() -> None:
    """Eleven runs at 1 % drift end 10.5 % above the first."""
    drawn = offsets(Noise(between_runs=0.0, drift=0.01), generator(), 1, range(11))
    assert np.exp(drawn[0, -1]) == pytest.approx(1.01**10)


def test_accidents_happen_at_their_rate_and_size() -> None:
    """Two runs of a hundred are a tenth slower, and no run is anything else."""
    drawn = np.exp(offsets(Noise(between_runs=0.0, outlier_rate=0.02), generator(), 500, range(100)))
    assert set(np.round(np.unique(drawn), 9)) == {1.0, 1.1}
    assert (drawn > 1).mean() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize(
    ("sessions_a_build", "expected"),
    [
        pytest.param(0, [1, 1, 1, 1, 1, 1], id="one engine for all sessions"),
        pytest.param(1, [1, 2, 3, 4, 4, 4], id="a build for each session, shared by its trials"),
        pytest.param(3, [1, 1, 1, 2, 2, 2], id="a build for the baseline and one for the new session"),
    ],
)
def test_builds_are_shared_by_sessions(sessions_a_build: int, expected: list[int]) -> None:
    """Runs of one build have one offset, and builds differ by the stated deviation."""
    noise = Noise(between_runs=0.0, between_builds=0.05, sessions_a_build=sessions_a_build)
    drawn = offsets(noise, generator(), 4000, sessions_of(3, 3))
    for other in range(1, 6):
        assert np.array_equal(drawn[:, 0], drawn[:, other]) == (expected[0] == expected[other])
        assert np.array_equal(drawn[:, 5], drawn[:, other]) == (expected[5] == expected[other])
    if sessions_a_build:
        assert drawn[:, 0].std() == pytest.approx(0.05, rel=0.05)


def test_trials_of_one_session_share_its_offset() -> None:
    """What a session has in common does not average out over its trials."""
    drawn = offsets(Noise(between_runs=0.0, between_sessions=0.01), generator(), 1000, sessions_of(2, 3))
    assert np.array_equal(drawn[:, 2], drawn[:, 4])
    assert not np.array_equal(drawn[:, 1], drawn[:, 2])
    assert drawn.std() == pytest.approx(0.01, rel=0.1)


def test_seed_decides_everything() -> None:
    """The same seed gives the same samples."""
    first, second = (simulate(Noise(outlier_rate=0.1), generator(), 3, range(5)).samples for _ in range(2))
    assert np.array_equal(first, second)


def test_slowed_runs_are_slower_in_every_summary() -> None:
    """Median, mean and fastest sample move by the effect."""
    runs = simulate(Noise(), generator(), 2, range(3))
    slowed = runs.slowed(0.1)
    for before, after in ((runs.medians, slowed.medians), (runs.means, slowed.means), (runs.minima, slowed.minima)):
        assert after == pytest.approx(1.1 * before)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        pytest.param({"autocorrelation": 1.0}, "autocorrelation must be between -1 and 1, not 1.0", id="a random walk"),
        pytest.param({"outlier_rate": 2.0}, "outlier_rate is a share, from 0 to 1, not 2.0", id="percent for a share"),
    ],
)
def test_impossible_noise_is_refused(numbers: dict[str, Any], message: str) -> None:
    """Numbers that describe no noise are named."""
    with pytest.raises(ConfigurationError, match=message):
        Noise(**numbers)


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        pytest.param(Noise(), "runs 0.5 %, samples 0.3 % IQR", id="what is off is left out"),
        pytest.param(
            Noise(between_builds=0.05, sessions_a_build=1),
            "runs 0.5 %, samples 0.3 % IQR, builds 5 %, always rebuilt",
            id="what is on is said",
        ),
    ],
)
def test_words(noise: Noise, words: str) -> None:
    """Figures are stated with the noise that they were measured under."""
    assert noise.describe() == words
