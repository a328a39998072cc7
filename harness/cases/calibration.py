"""Calibration: which inputs INT8 scales are taken from, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import ConfigurationError, unknown_value

METHODS = ("minmax", "percentile", "entropy", "mse")
MINMAX = METHODS[0]
# The share of magnitudes, in percent, that ``percentile`` without a number keeps.
_USUAL_PERCENT = 99.99


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The inputs from which INT8 scales are taken, and how they are taken.

    Attributes:
        samples: how many, where they are made from the model's feeds.
        source: ``module:function`` of no arguments that yields ``{input name: array with a batch dimension}``, where
            the model has real data; None makes them from the feeds.
        method: where the range of an activation ends: ``minmax`` at its largest magnitude, ``percentile-99.99`` where
            that percentage of its values lies below, ``entropy`` where least information is lost, ``mse`` where the
            mean squared error is smallest; see harness.graphs.thresholds. For the recipe ``int8``: in
            ``int8-calibrator`` the builder decides.

    Raises:
        ConfigurationError: there is no sample, or no such method.
    """

    samples: int = 16
    source: str | None = None
    method: str = MINMAX

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ConfigurationError(f"a calibration needs at least one sample, not {self.samples}")
        parse_method(self.method)

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as plain data; the method is left out where it is the default.

        What is cached under a calibration that says nothing of its method is thus found again.
        """
        plain = {"samples": self.samples, "source": self.source}
        return plain if self.method == MINMAX else {**plain, "method": self.method}


def parse_method(text: str) -> tuple[str, float]:
    """Return one of ``METHODS`` and the percentage that goes with it, which only ``percentile`` looks at.

    Args:
        text: a method's name; ``percentile`` may be followed by a number, e.g. ``percentile-99.999``.

    Raises:
        ConfigurationError: there is no such method, or the number is none or not above 0 and up to 100.
    """
    name, dash, number = text.partition("-")
    if name not in METHODS or (dash and name != "percentile"):
        raise ConfigurationError(unknown_value("calibration method", text, {*METHODS, f"percentile-{_USUAL_PERCENT}"}))
    try:
        percent = float(number) if dash else _USUAL_PERCENT
    except ValueError:
        percent = 0.0
    if not 0.0 < percent <= 100.0:
        raise ConfigurationError(
            f"the calibration method {text!r} needs a percentage above 0 and up to 100, e.g. percentile-99.999"
        )
    return name, percent
