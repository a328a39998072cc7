"""Values, shifts and effects on both scales."""

from __future__ import annotations

import math

import pytest

from harness.errors import ConfigurationError
from harness.verdicts import scales


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("effect", [-0.5, 0.0, 0.05, 3.0])
def test_shift_and_effect_are_inverse(effect: float, scale: str) -> None:
    """What an effect is as a shift, is called that effect again."""
    assert scales.effect_of(scales.shift_of(effect, scale), scale) == pytest.approx(effect)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "scale", "usable"),
    [
        pytest.param(0.0, "log", True, id="zero is as low as a ratio can be"),
        pytest.param(-1.0, "log", False, id="a negative value has no logarithm"),
        pytest.param(-1.0, "linear", True, id="a negative value is a number"),
        pytest.param(math.inf, "log", True, id="infinity is as high as a value can be"),
        pytest.param(math.nan, "linear", False, id="NaN is no value"),
    ],
)
def test_usable_values(value: float, scale: str, usable: bool) -> None:
    """Only values with a place on the scale are usable."""
    assert scales.is_usable(value, scale) is usable  # type: ignore[arg-type]


def test_infinities() -> None:
    """Equal infinities are equal, zero lies infinitely deep on a log scale, and no effect overflows."""
    assert scales.difference(math.inf, math.inf) == 0.0
    assert scales.scaled(0.0, "log") == -math.inf
    assert scales.effect_of(1e4, "log") == math.inf
    assert scales.effect_of(-math.inf, "log") == -1.0


@pytest.mark.parametrize(
    ("shift", "direction", "worse"), [(0.1, "lower", True), (-0.1, "lower", False), (-0.1, "higher", True)]
)
def test_the_worse_way(shift: float, direction: str, worse: bool) -> None:
    """More is worse where lower is better, and the other way round."""
    assert scales.is_worse(shift, direction) is worse  # type: ignore[arg-type]


def test_effects_are_shown_with_their_unit() -> None:
    """Ratios are shown in percent, differences and infinities bare."""
    assert scales.shown(0.0512, "log") == "5.12 %"
    assert scales.shown(0.0512, "linear") == "0.0512"
    assert scales.shown(math.inf, "log") == "inf"


def test_bad_parameters_are_named() -> None:
    """An error repeats the name and the value of what it refuses."""
    with pytest.raises(ConfigurationError, match="'logg' is no scale"):
        scales.check_choices(scale="logg")
    with pytest.raises(ConfigurationError, match="size must be a number of 0 or more, not inf"):
        scales.check_sizes({"size": math.inf})
    with pytest.raises(ConfigurationError, match="level must be between 0 and 1, not 1"):
        scales.check_probabilities({"level": 1})
