from __future__ import annotations

import math

import pytest

from harness.quantities import binary_unit, written


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.12153, "ms", "0.1215 ms"),
        (812.0, "B", "812 B"),
        (344_572.0, "B", "336.5 KiB"),
        (3.7767e8, "B", "360.2 MiB"),
        (12.34567, "1/s", "12.35/s"),
        (1_234_567.8, "1/s", "1,234,568/s"),
        (0.99871, "1", "0.99871"),
        (math.inf, "dB", "inf"),
        (31.25, "dB", "31.25 dB"),
        (5.0, "", "5"),
    ],
)
def test_a_value_is_written_with_its_unit(value: float, unit: str, expected: str) -> None:
    """Bytes are in binary units, rates per second, and what has no unit is a bare number."""
    assert written(value, unit) == expected


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (0.0, (1.0, "B")),
        (1023.0, (1.0, "B")),
        (1024.0, (1024.0, "KiB")),
        (-3e6, (2.0**20, "MiB")),
        (1e18, (2.0**40, "TiB")),
    ],
)
def test_bytes_have_the_largest_unit_that_they_fill(largest: float, expected: tuple[float, str]) -> None:
    """Beyond tebibytes there is none."""
    assert binary_unit(largest) == expected
