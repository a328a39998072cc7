"""Simulated runs: a model of how timings of one unchanged engine differ, with every part of it switched by a number.

Sample k of run i is ``exp(offset(i)) · (1 + within(k))``, where ``offset`` sums what the whole run shares: the run
itself, its session, the engine's build, drift, and now and then an accident. ``within`` is a log-normal, shifted to a
median of 0: timings have a floor and a tail above it. Its shape makes the upper half of the middle 50 % 1.5 times as
wide as the lower half, as in CUDA-graph replays of squeezenet on an H200 (1.3 to 1.7; their middle 50 % is 0.3 % wide,
and the medians of fresh processes have a deviation of 0.4 to 0.6 %), from which the defaults are taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

Array: TypeAlias = NDArray[np.float64]

_SHAPE = 0.6
_QUARTILE = 0.6744897501960817
# Interquartile range of exp(_SHAPE · z) - 1, by which a stated range is turned into the factor of that variable.
_RANGE_OF_SHAPE = 2 * math.sinh(_SHAPE * _QUARTILE)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How runs of one engine differ, all numbers relative: 0.01 is 1 %.

    Attributes:
        between_runs: standard deviation of a run's offset.
        within_run: interquartile range of the samples of one run.
        between_sessions: standard deviation of what all the runs of one session share.
        outlier_rate: share of runs that an accident makes slower.
        outlier_size: by how much it does.
        drift: what each run is slower than the one before it.
        autocorrelation: correlation of the offsets of neighbouring runs, from -1 to 1, both excluded.
        between_builds: standard deviation between builds of one engine.
        sessions_a_build: after how many sessions the engine is built anew; 0 for never.
    """

    between_runs: float = 0.005
    within_run: float = 0.003
    between_sessions: float = 0.0
    outlier_rate: float = 0.0
    outlier_size: float = 0.1
    drift: float = 0.0
    autocorrelation: float = 0.0
    between_builds: float = 0.0
    sessions_a_build: int = 0

    def __post_init__(self) -> None:
        if not -1 < self.autocorrelation < 1:
            raise ConfigurationError(f"autocorrelation must be between -1 and 1, not {self.autocorrelation!r}")
        if not 0 <= self.outlier_rate <= 1:
            raise ConfigurationError(f"outlier_rate is a share, from 0 to 1, not {self.outlier_rate!r}")

    def describe(self) -> str:
        """Say the noise in words, what is switched off left out."""
        parts = [f"runs {_percent(self.between_runs)}", f"samples {_percent(self.within_run)} IQR"]
        if self.between_sessions:
            parts.append(f"sessions {_percent(self.between_sessions)}")
        if self.outlier_rate:
            parts.append(f"{_percent(self.outlier_rate)} of runs {_percent(self.outlier_size)} slower")
        if self.drift:
            parts.append(f"drift {_percent(self.drift)} a run")
        if self.autocorrelation:
            parts.append(f"autocorrelation {self.autocorrelation:g}")
        if self.between_builds:
            rebuilt = (
                f"rebuilt every {self.sessions_a_build} sessions" if self.sessions_a_build > 1 else "always rebuilt"
            )
            parts.append(
                f"builds {_percent(self.between_builds)}, {rebuilt if self.sessions_a_build else 'one engine'}"
            )
        return ", ".join(parts)


@dataclass(frozen=True)
class Runs:
    """Timings, as a table of runs for each of many series.

    Attributes:
        samples: array (series, runs, samples), of one unit.
    """

    samples: Array

    @cached_property
    def medians(self) -> Array:
        """Median of each run, array (series, runs)."""
        return np.asarray(np.median(self.samples, axis=2))

    @cached_property
    def means(self) -> Array:
        """Mean of each run, array (series, runs)."""
        return np.asarray(self.samples.mean(axis=2))

    @cached_property
    def minima(self) -> Array:
        """Fastest sample of each run, array (series, runs)."""
        return np.asarray(self.samples.min(axis=2))

    def __getitem__(self, runs: slice) -> Runs:
        return Runs(self.samples[:, runs])

    def slowed(self, effect: float) -> Runs:
        """Return the same runs, each sample larger by ``effect``."""
        return Runs(self.samples * (1 + effect))


def sessions_of(baseline_runs: int, trials: int) -> list[int]:
    """Number the sessions of ``baseline_runs`` sessions of one run each, and one more of ``trials``."""
    return [*range(baseline_runs), *[baseline_runs] * trials]


def offsets(noise: Noise, generator: np.random.Generator, series: int, session_of_run: Sequence[int]) -> Array:
    """Return the logarithm of what each run shares, array (series, runs), around 0.

    Args:
        noise: what to draw from.
        generator: seeded by the caller.
        series: how many histories.
        session_of_run: the session of each run, in the order in which they ran, from 0 on.
    """
    session = np.asarray(session_of_run)
    runs, sessions = len(session), int(session.max()) + 1
    of_runs = _autoregressive(generator.standard_normal((series, runs)), noise.autocorrelation)
    total = noise.between_runs * of_runs + math.log1p(noise.drift) * np.arange(runs)
    if noise.between_sessions:
        total = total + noise.between_sessions * generator.standard_normal((series, sessions))[:, session]
    if noise.between_builds and noise.sessions_a_build:
        build = session // noise.sessions_a_build
        total = total + noise.between_builds * generator.standard_normal((series, int(build.max()) + 1))[:, build]
    if noise.outlier_rate:
        accidents = generator.random((series, runs)) < noise.outlier_rate
        total = total + math.log1p(noise.outlier_size) * accidents
    return np.asarray(total)


def observe(noise: Noise, generator: np.random.Generator, offset: Array, *, samples: int = 100) -> Runs:
    """Time each run: draw ``samples`` samples around 1.0, slower by the run's ``offset`` (series, runs)."""
    skewed = np.expm1(_SHAPE * generator.standard_normal((*offset.shape, samples)))
    return Runs(np.exp(offset)[..., None] * (1 + noise.within_run / _RANGE_OF_SHAPE * skewed))


def simulate(
    noise: Noise, generator: np.random.Generator, series: int, session_of_run: Sequence[int], *, samples: int = 100
) -> Runs:
    """Draw whole histories: ``offsets``, then ``observe``."""
    return observe(noise, generator, offsets(noise, generator, series, session_of_run), samples=samples)


def _autoregressive(innovations: Array, correlation: float) -> Array:
    # Scaled so that the deviation of a run is the stated one, whatever the correlation.
    values = innovations.copy()
    scale = math.sqrt(1 - correlation**2)
    for run in range(1, values.shape[1] if correlation else 0):
        values[:, run] = correlation * values[:, run - 1] + scale * innovations[:, run]
    return values


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
