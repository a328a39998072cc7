from __future__ import annotations

import pytest

from benchmarks.gpu.idle import check_watchable, idle_share, note
from harness.errors import ConfigurationError, TargetError
from harness.measurement.telemetry import GpuReading


def test_idle_is_the_share_of_readings_without_a_kernel() -> None:
    """Two of five readings are 0; the mean says how busy the others were."""
    found = idle_share([(0.0, 0.0), (0.2, 0.5), (0.4, 1.0), (0.6, 0.0), (0.8, 0.5)])
    assert (found.readings, found.idle, found.utilisation, found.seconds) == (5, 0.4, 0.4, 0.8)


def test_the_longest_rest_is_an_unbroken_one() -> None:
    """Rests are not added up over work between them, and one at the end counts."""
    shares = [0, 0, 0.1, 0, 0, 0, 0, 1, 0, 0]
    assert idle_share([(float(at), share) for at, share in enumerate(shares)]).longest_rest_seconds == 3.0
    assert idle_share([(0.0, 1.0), (1.0, 0.0), (3.0, 0.0)]).longest_rest_seconds == 2.0
    assert idle_share([(0.0, 1.0), (1.0, 0.5)]).longest_rest_seconds == 0.0


def test_no_reading_is_no_answer() -> None:
    """A command that was too short is told so, not given a share of nothing."""
    with pytest.raises(ConfigurationError, match="before the GPU was read once"):
        idle_share([])


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        pytest.param(GpuReading(at=0.0, absent="NVML does not answer"), "here: NVML does not answer", id="no NVML"),
        pytest.param(GpuReading(at=0.0), "does not tell its utilisation", id="a GPU that tells nothing"),
    ],
)
def test_a_machine_that_cannot_be_watched_is_an_error(reading: GpuReading, message: str) -> None:
    """The reason is named before the command is begun."""
    with pytest.raises(TargetError, match=message):
        check_watchable(reading)


def test_readings_without_an_answer_are_left_out() -> None:
    """A reading that failed counts neither as rest nor as work."""
    readings: list[tuple[float, float]] = []
    note(readings, 0.21234, GpuReading(at=0.0, utilisation=0.25))
    note(readings, 0.4, GpuReading(at=0.0, absent="gone"))
    assert readings == [(0.212, 0.25)]
