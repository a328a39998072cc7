"""google/benchmark's U-test in tools/compare.py.

After google/benchmark, ``calc_utest`` and ``print_utest`` in tools/gbench/report.py, read at commit 058fb588
(https://github.com/google/benchmark): a two-sided Mann-Whitney test over the repetitions of one process against those
of another, significant below 0.05. There a person reads it; here a series is slower if the test is significant and the
median has risen. The approximation for large samples is used, as scipy does there from nine repetitions on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import mannwhitneyu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.noise import Runs

ALPHA = 0.05


def alarms(history: Runs, new: Runs) -> NDArray[np.bool_]:
    """Say in which series the samples of the new run differ from those of the last run, and are slower."""
    p = mannwhitneyu(
        new.samples[:, 0], history.samples[:, -1], alternative="two-sided", method="asymptotic", axis=1
    ).pvalue
    return np.asarray((p < ALPHA) & (new.medians[:, 0] > history.medians[:, -1]))
