"""Whole suites, and constants."""

from __future__ import annotations

import numpy as np

from benchmarks.detection import suite_rates
from benchmarks.detection.noise import Noise


def test_quiet_suite_has_no_red_session() -> None:
    """Where runs hardly differ no session is red."""
    alarms = suite_rates._red_sessions([Noise(between_runs=0.0005)], np.random.default_rng(0), 20)
    assert alarms == [0] * suite_rates.SESSIONS


def test_drift_is_red_session_after_session() -> None:
    """Once runs that get slower and slower are alarms they stay so, since none of them enters the baseline."""
    alarms = suite_rates._red_sessions([Noise(between_runs=0.0005, drift=0.01)], np.random.default_rng(0), 3)
    assert alarms[-10:] == [3] * 10


def test_every_changed_constant_is_found() -> None:
    """One unit is enough where nothing ever varied."""
    figures = list(suite_rates.measure_constants(values=50))
    assert [figure.value for figure in figures] == [1.0, 1.0, 1.0]
    assert all(figure.reached for figure in figures)
