"""Values with their units, as sentences have them."""

from __future__ import annotations

import math

_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def written(value: float, unit: str) -> str:
    """Write a value with a metric's unit: ``0.122 ms``, ``3.267 MiB``, ``1,234/s``, ``0.9987``.

    Args:
        value: in ``unit``.
        unit: as metrics declare it, see ``harness.cases.metric.Metric``; empty for a bare number.
    """
    if unit in ("", "1") or not math.isfinite(value):
        return f"{value:.6g}"
    if unit == "1/s":
        return f"{value:.4g}/s" if abs(value) < 1000 else f"{value:,.0f}/s"
    if unit == "B":
        divisor, name = binary_unit(value)
        return f"{value:.0f} B" if name == "B" else f"{value / divisor:.4g} {name}"
    return f"{value:.4g} {unit}"


def binary_unit(largest: float) -> tuple[float, str]:
    """Return what to divide bytes by for values up to ``largest``, and the unit that they then have."""
    power = min(int(math.log(max(abs(largest), 1), 1024)), len(_BINARY_UNITS) - 1)
    return 1024.0**power, _BINARY_UNITS[power]
