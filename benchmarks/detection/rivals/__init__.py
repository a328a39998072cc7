"""What other projects would say of the same runs: their rules, written anew from their sources, which they cite.

Each looks at a history and at one new run, since that is what it is given in use, and says where it would call the new
run slower. None of them asks for more trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.detection.rivals import asv, bencher, conbench, criterion, google_benchmark, pytest_benchmark

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.detection.noise import Runs


@dataclass(frozen=True)
class Rival:
    """A rule of another project.

    Attributes:
        name: project and rule.
        alarms: given history (series, runs, samples) and one new run (series, 1, samples): which series are slower.
    """

    name: str
    alarms: Callable[[Runs, Runs], NDArray[np.bool_]]


RIVALS: tuple[Rival, ...] = (
    Rival("pytest-benchmark, mean:5% of the last run", pytest_benchmark.alarms),
    Rival("asv, steps of more than 5 %", asv.alarms),
    Rival("google/benchmark, U-test over iterations", google_benchmark.alarms),
    Rival("criterion, bootstrap over iterations, 1 %", criterion.alarms),
    Rival("Bencher, t-test, boundary 0.99", bencher.alarms),
    Rival("conbench, z of 5", conbench.alarms),
)
