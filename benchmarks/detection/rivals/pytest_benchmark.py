"""pytest-benchmark's ``--benchmark-compare --benchmark-compare-fail=mean:5%``.

After pytest-benchmark 5.2.3, ``PercentageRegressionCheck`` in src/pytest_benchmark/utils.py
(https://github.com/ionelmc/pytest-benchmark): the new run fails if its mean is more than the stated percentage above
that of the run it is compared with, by default the last one saved. Nothing is simplified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.noise import Runs

PERCENT = 5.0


def alarms(history: Runs, new: Runs) -> NDArray[np.bool_]:
    """Say in which series the new run's mean is over the last one's by more than the percentage."""
    return np.asarray(new.means[:, 0] / history.means[:, -1] * 100 - 100 > PERCENT)
