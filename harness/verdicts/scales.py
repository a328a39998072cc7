"""The two scales of metrics: on ``log`` a change is a ratio, on ``linear`` a difference.

Statistics are done on scaled values: natural logarithms, or the values themselves. A *shift* is a difference of scaled
values; an *effect* is what a person is told: a ratio minus 1, or the difference itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

from harness.cases.metric import Direction, Scale
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

# Two computations of one effect differ by rounding; nothing is decided by less.
ROUNDING = 1e-9


def is_usable(value: float, scale: Scale) -> bool:
    """Tell whether ``value`` has a place on the scale: NaN has none, and a negative value has no logarithm."""
    return not math.isnan(value) and (scale == "linear" or value >= 0)


def scaled(value: float, scale: Scale) -> float:
    """Return a usable value on the scale; the logarithm of zero is -inf."""
    if scale == "linear":
        return value
    return math.log(value) if value > 0 else -math.inf


def difference(value: float, other: float) -> float:
    """Return ``value - other`` of two scaled values, equal infinities being equal."""
    return 0.0 if value == other else value - other


def effect_of(shift: float, scale: Scale) -> float:
    """Return what a shift is called: 0.05 for 5 % more on ``log``, the shift itself on ``linear``."""
    if scale == "linear":
        return shift
    return math.expm1(shift) if shift < 700 else math.inf


def shift_of(effect: float, scale: Scale) -> float:
    """Return the shift that an effect is: the inverse of ``effect_of``."""
    return math.log1p(effect) if scale == "log" else effect


def is_worse(shift: float, direction: Direction) -> bool:
    """Tell whether a shift that is not 0 is one for the worse."""
    return (shift > 0) == (direction == "lower")


def shown(effect: float, scale: Scale, unit: str = "") -> str:
    """Return an effect as a person reads it: ``5 %``, or on a ``linear`` scale a number with its unit, ``0.5 dB``."""
    if scale == "linear":
        return f"{effect:.3g} {unit}" if unit not in ("", "1") else f"{effect:.3g}"
    return f"{effect:.3g}" if math.isinf(effect) else f"{100 * effect:.3g} %"


def check_choices(*, direction: str = "lower", scale: str) -> None:
    """Raise ConfigurationError for a direction or a scale that no metric has."""
    for what, value, known in (("direction", direction, get_args(Direction)), ("scale", scale, get_args(Scale))):
        if value not in known:
            raise ConfigurationError(unknown_value(f"{what} of a metric", value, known))


def check_sizes(sizes: Mapping[str, float]) -> None:
    """Raise ConfigurationError for a number, by its name, that is negative or not finite."""
    for what, number in sizes.items():
        if not (math.isfinite(number) and number >= 0):
            raise ConfigurationError(f"{what} must be a number of 0 or more, not {number!r}")


def check_probabilities(probabilities: Mapping[str, float]) -> None:
    """Raise ConfigurationError for a number, by its name, that is not between 0 and 1."""
    for what, number in probabilities.items():
        if not 0 < number < 1:
            raise ConfigurationError(f"{what} must be between 0 and 1, not {number!r}")
