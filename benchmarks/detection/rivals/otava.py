"""Apache Otava (Hunter): change points by energy distance and t-tests, run as it is, under an interpreter of its own.

apache-otava 0.8.0, ``compute_change_points`` in otava/analysis.py (https://github.com/apache/otava), with its defaults:
windows of 50, p < 0.001, no smallest magnitude. After Fleming et al. 2023, "Hunter: Using Change Point Detection to
Hunt for Performance Regressions". It pins numpy and brings 42 packages, so it is no dependency: make it an environment
and name its interpreter (``--otava``), or go without.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from benchmarks.detection.noise import Array

_WORKER = Path(__file__).with_name("otava_worker.py")


def change_points(python: str, values: Array) -> list[list[tuple[int, float]]]:
    """Return for each series of ``values`` (series, runs) its change points: first run of the new level, and shift.

    Args:
        python: an interpreter that has apache-otava.
        values: one value per run.

    Raises:
        ConfigurationError: it cannot be run there.
    """
    try:
        answer = subprocess.run(
            [python, "-I", str(_WORKER)], input=json.dumps(values.tolist()), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as failure:
        told = getattr(failure, "stderr", "") or str(failure)
        raise ConfigurationError(
            f"apache-otava does not run under {python!r}: {told.strip().splitlines()[-1]}; install it there, or leave "
            "--otava out"
        ) from failure
    return [[(int(index), float(shift)) for index, shift in series] for series in json.loads(answer.stdout)]
