from __future__ import annotations

from typing import Any

import pytest

from reports.case_history import CaseTrial
from reports.case_telemetry import GAUGES, read_gauge, telemetry_of
from tests.reports.sample_history import FIRST_DAY

GAUGE = {gauge.path[-1]: gauge for gauge in GAUGES}


@pytest.mark.parametrize(
    ("name", "conditions", "expected"),
    [
        pytest.param(
            "sm_clock_mhz", {"gpu": {"sm_clock_mhz": [1980, 1700]}}, 1700.0, id="a clock by its lowest reading"
        ),
        pytest.param("temperature_c", {"gpu": {"temperature_c": [40, 45]}}, 45.0, id="heat by its highest reading"),
        pytest.param("power_w", {"gpu": {"power_w": [None, 300.5]}}, 300.5, id="one of the two readings is missing"),
        pytest.param("load", {"load": 0.5}, 0.5, id="one number"),
        pytest.param("drift", {"drift": -0.02}, -2.0, id="a share as percent"),
        pytest.param("load", {"load": None}, None, id="not readable"),
        pytest.param("load", {}, None, id="not asked"),
        pytest.param("load", {"load": True}, None, id="no number"),
        pytest.param("load", {"load": float("inf")}, None, id="not finite"),
        pytest.param("power_w", {"gpu": "none"}, None, id="of another shape"),
    ],
)
def test_a_gauge_reads_what_conditions_tell(name: str, conditions: dict[str, Any], expected: float | None) -> None:
    """Of two readings the one that tells more counts; what is missing or no number is None."""
    assert read_gauge(GAUGE[name], conditions) == (None if expected is None else pytest.approx(expected))


def test_gauges_that_no_trial_tells_of_are_left_out() -> None:
    """A machine without a GPU has no GPU clock, and a gauge has a place for every trial."""
    conditions: list[dict[str, Any]] = [{"load": 1.0}, {}]
    trials = [CaseTrial(i, "s", "x", 0, FIRST_DAY, "ok", "ok", each, "", "") for i, each in enumerate(conditions)]
    (readings,) = telemetry_of(trials)
    assert (readings.gauge.title, readings.values) == ("load average of one minute", (1.0, None))
