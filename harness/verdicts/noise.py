"""Where the noise comes from: the spread between builds, between processes of one build, and within a run.

A run is one fresh process that loads one engine and measures it many times. On natural logarithms

    run = level + build + process + error

with independent deviations: σ_b between builds of one graph (the builder times tactics, and may choose others), σ_p
between processes that load the same engine (where its memory lies, what the clock does), and σ_w, the error of the
run's own median, which longer runs reduce. A logarithm's standard deviation of 0.01 reads as 1 %.

σ_b and σ_p are estimated by equating mean squares with their expectations, which for any numbers of runs n_i of a
builds is Henderson's first method for the nested classification (Henderson 1953, "Estimation of variance and covariance
components"; Searle, Casella & McCulloch 1992, Variance Components, chapter 3):

    σ_p² + σ_w² = MSW = Σ Σ (y_ij - ȳ_i)² / (N - a)
    σ_b² = (MSB - MSW) / n₀,   MSB = Σ n_i (ȳ_i - ȳ)² / (a - 1),   n₀ = (N - Σ n_i² / N) / (a - 1)

An estimate below 0, which small true values give, is told as 0 and named. That levels of repetition must be kept apart,
and how to divide effort among them, is from Kalibera & Jones 2013, "Rigorous benchmarking in reasonable time".
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import ConfigurationError
from harness.verdicts import prediction, scales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike

# With fewer samples there are no four batches of four, and nothing is said about the error of their median.
_FEWEST_SAMPLES = 16
# More processes of one build than this hardly lower the variance, which that of the build then rules.
_PROCESSES_AT_MOST = 64
_REPETITIONS_AT_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one process measured of one engine.

    Attributes:
        build: tells engines apart that were built separately, though their tactics be the same.
        value: the run's median, in the metric's unit; positive and finite.
        error: standard error of the natural logarithm of ``value``; None where it is not known.
    """

    build: str
    value: float
    error: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.value < math.inf:
            raise ConfigurationError(f"the value of a run must be a positive number, not {self.value!r}")
        if self.error is not None:
            scales.check_sizes({"the error of a run": self.error})

    @classmethod
    def from_samples(cls, build: str, samples: ArrayLike) -> Run:
        """Reduce the samples of one run to their median and its standard error.

        Successive samples resemble each other, so the error is that of batch means (Law & Kelton, Simulation Modeling
        and Analysis, 9.5.3), with medians, which stray samples do not move: the √n batches of √n successive samples
        each have a median, whose standard deviation over √(number of batches) is the error. It is None below 16
        samples.

        Args:
            build: tells engines apart.
            samples: [n] in the order of time, in the metric's unit; positive and finite.
        """
        array = np.asarray(samples, dtype=np.float64).ravel()
        if array.size == 0 or not np.all((array > 0) & (array < math.inf)):
            raise ConfigurationError(
                f"a run has one sample or more, all of them positive numbers; a run of {build!r} has not"
            )
        logarithms = np.log(array)
        error = None
        if logarithms.size >= _FEWEST_SAMPLES:
            size = math.isqrt(logarithms.size)
            count = logarithms.size // size
            medians = np.median(logarithms[-count * size :].reshape(count, size), axis=1)
            error = float(medians.std(ddof=1)) / math.sqrt(count)
        return cls(build=build, value=math.exp(float(np.median(logarithms))), error=error)


@dataclass(frozen=True, kw_only=True)
class Components:
    """The parts of the noise, as standard deviations of natural logarithms: 0.01 is 1 %.

    Attributes:
        between_builds: σ_b; None with one build, or with one run of each, where it cannot be told from the rest.
        between_processes: σ_p; None with one run of each build. Where ``within_run`` is None, that is part of it.
        within_run: σ_w, of a typical run; None where the error of some run is not known.
        builds: how many builds there were.
        runs: how many runs, of all builds.
        truncated: which of the three came out below 0 and are told as 0.
    """

    between_builds: float | None
    between_processes: float | None
    within_run: float | None
    builds: int
    runs: int
    truncated: tuple[str, ...] = ()

    @property
    def of_one_build(self) -> float | None:
        """Standard deviation of runs of one build: between processes and within a run together."""
        if self.between_processes is None:
            return None
        return math.hypot(self.between_processes, self.within_run or 0.0)


@dataclass(frozen=True)
class Replication:
    """How much to measure of each of two subjects.

    Attributes:
        builds: engines to build.
        processes: fresh processes to run of each engine.
        detectable: the effect that so many find with the power that was asked for, as a ratio minus 1.
    """

    builds: int
    processes: int
    detectable: float


def components(runs: Iterable[Run]) -> Components:
    """Estimate where the noise of runs comes from; builds need not have equal numbers of them.

    Raises:
        ConfigurationError: no run at all.
    """
    of_builds: dict[str, list[float]] = defaultdict(list)
    errors: list[float | None] = []
    for run in runs:
        of_builds[run.build].append(math.log(run.value))
        errors.append(run.error)
    if not errors:
        raise ConfigurationError("there are no runs to take apart; give at least two runs of each of two builds")
    known = [error for error in errors if error is not None]
    error_variance = float(np.mean(np.square(known))) if len(known) == len(errors) else None
    truncated: list[str] = []

    def deviation(name: str, variance: float) -> float:
        if variance < 0:
            truncated.append(name)
        return math.sqrt(max(variance, 0.0))

    builds, total = len(of_builds), len(errors)
    between_builds = between_processes = None
    if total > builds:
        groups = [np.array(values) for values in of_builds.values()]
        counts = np.array([group.size for group in groups], dtype=np.float64)
        within = sum(float(np.sum((group - group.mean()) ** 2)) for group in groups) / (total - builds)
        between_processes = deviation("between_processes", within - (error_variance or 0.0))
        if builds > 1:
            means = np.array([group.mean() for group in groups])
            between = float(counts @ (means - counts @ means / total) ** 2) / (builds - 1)
            typical = (total - float(counts @ counts) / total) / (builds - 1)
            between_builds = deviation("between_builds", (between - within) / typical)
    return Components(
        between_builds=between_builds,
        between_processes=between_processes,
        within_run=None if error_variance is None else math.sqrt(error_variance),
        builds=builds,
        runs=total,
        truncated=tuple(truncated),
    )


def needed(
    noise: Components, effect: float, *, power: float = 0.8, alpha: float = 0.01, build_cost: float = 10.0
) -> Replication:
    """Return the cheapest numbers of builds and processes that tell two subjects apart which differ by ``effect``.

    Each subject is built B times and each build run in P processes; the means of the builds are compared by Student's t
    with 2 (B - 1) degrees of freedom. Found with the given power is what is at least

        (t(1 - alpha / 2) + t(power)) · √(2 (σ_b² / B + (σ_p² + σ_w²) / (B P)))

    apart in logarithms. Where builds do not differ, one of each is compared, with 2 (P - 1) degrees of freedom.

    Args:
        noise: what ``components`` found; with ``dataclasses.replace(noise, between_builds=0.0)`` the question is
            whether two engines differ, rather than what builds them.
        effect: as a ratio minus 1; positive.
        power: how often it is to be found.
        alpha: how often equal subjects may be called different.
        build_cost: what a build costs, in processes.

    Raises:
        ConfigurationError: noise that is not known, an effect too small to find, or a parameter without meaning.
    """
    scales.check_sizes({"build_cost": build_cost})
    scales.check_probabilities({"power": power, "alpha": alpha})
    if not 0 < effect < math.inf:
        raise ConfigurationError(f"effect must be a positive number, not {effect!r}")
    of_builds, of_runs = noise.between_builds, noise.of_one_build
    if of_builds is None or of_runs is None:
        raise ConfigurationError(
            f"{noise.runs} runs of {noise.builds} builds do not tell how far builds lie apart; measure at least two "
            "runs of each of two builds, or set between_builds to 0.0 to ask about two engines"
        )

    def detectable(builds: int, processes: int) -> float:
        freedom = 2 * (builds - 1 if of_builds else builds * processes - 1)
        if freedom == 0:
            return math.inf
        error = math.sqrt(2 * (of_builds**2 + of_runs**2 / processes) / builds)
        return scales.effect_of(
            (prediction.quantile(1 - alpha / 2, freedom) + prediction.quantile(power, freedom)) * error, "log"
        )

    if not of_builds:
        processes = _least(lambda count: detectable(1, count) <= effect)
        return Replication(1, processes, detectable(1, processes))

    def plan(processes: int) -> Replication:
        builds = _least(lambda count: detectable(count, processes) <= effect)
        return Replication(builds, processes, detectable(builds, processes))

    plans = map(plan, range(1, _PROCESSES_AT_MOST + 1))
    return min(plans, key=lambda plan: plan.builds * (build_cost + plan.processes))


def _least(enough: Callable[[int], bool]) -> int:
    """Return the smallest number that is enough, where each larger one is, too."""
    if not enough(_REPETITIONS_AT_MOST):
        raise ConfigurationError(
            f"not even {_REPETITIONS_AT_MOST} repetitions would find that effect in this noise; ask for a larger one"
        )
    return 1 + bisect_left(range(1, _REPETITIONS_AT_MOST + 1), True, key=enough)
