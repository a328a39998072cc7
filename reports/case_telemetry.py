"""Telemetry of trials: what the worker read of the machine beside the timings, as numbers over time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.case_history import CaseTrial


@dataclass(frozen=True)
class Gauge:
    """One number that trials tell of their machine.

    Attributes:
        path: where it stands among the conditions, the keys from the outside in.
        title: what it is called.
        unit: of its values as they are shown.
        of_both: makes one number of two, where it was read at the start and at the end: the one that tells more.
        factor: from what was stored to ``unit``.
    """

    path: tuple[str, ...]
    title: str
    unit: str
    of_both: Callable[[Sequence[float]], float] = max
    factor: float = 1.0


# A clock is as good as where it was lowest, heat and power as bad as where they were highest.
GAUGES = (
    Gauge(("gpu", "sm_clock_mhz"), "GPU clock, lowest read", "MHz", min),
    Gauge(("gpu", "memory_clock_mhz"), "GPU memory clock, lowest read", "MHz", min),
    Gauge(("gpu", "temperature_c"), "GPU temperature, highest read", "°C"),
    Gauge(("gpu", "power_w"), "GPU power, highest read", "W"),
    Gauge(("frequency_mhz",), "CPU clock", "MHz", min),
    Gauge(("other_cores",), "CPU cores busy with something else", "cores"),
    Gauge(("load",), "load average of one minute", ""),
    Gauge(("spread",), "spread of samples within the run", "%", factor=100.0),
    Gauge(("drift",), "drift within the run", "%", factor=100.0),
)


@dataclass(frozen=True)
class GaugeReadings:
    """A gauge, and what it showed during each trial, in the gauge's unit; None where a trial does not tell."""

    gauge: Gauge
    values: tuple[float | None, ...]


def telemetry_of(trials: Sequence[CaseTrial]) -> tuple[GaugeReadings, ...]:
    """Return the gauges that at least one trial tells of, with a value or None for each trial."""
    readings = (GaugeReadings(gauge, tuple(read_gauge(gauge, t.conditions) for t in trials)) for gauge in GAUGES)
    return tuple(each for each in readings if any(value is not None for value in each.values))


def read_gauge(gauge: Gauge, conditions: Mapping[str, Any]) -> float | None:
    """Return what a gauge showed under ``conditions``, in its unit; None where they do not tell."""
    found: Any = conditions
    for key in gauge.path:
        found = found.get(key) if isinstance(found, dict) else None
    both = found if isinstance(found, (list, tuple)) else [found]
    # True is a number to Python, and no reading.
    numbers = [float(n) for n in both if isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n)]
    return gauge.of_both(numbers) * gauge.factor if numbers else None
