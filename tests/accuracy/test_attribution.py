from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy import LayerError, TensorError, compare_tensors
from harness.accuracy.attribution import attribute, culprit, decibels, relative_error

SIGNAL = np.sin(np.arange(1000.0))
CHAIN = {"a": ("image",), "b": ("a",), "c": ("b",), "d": ("c",)}


def error(relative: float) -> TensorError:
    """Make an error of that share of its signal, or one with NaN if it is infinite."""
    broken = math.isinf(relative)
    return compare_tensors(np.where(broken, np.nan, SIGNAL * (1 + (0 if broken else relative))), SIGNAL)


def layers(**relative: float) -> list[LayerError]:
    """Make layers with these errors, in this order."""
    return [LayerError(i, name, "Conv", error(value)) for i, (name, value) in enumerate(relative.items())]


def errors(**relative: float) -> dict[str, TensorError]:
    """Make errors by tensor."""
    return {name: error(value) for name, value in relative.items()}


def test_an_error_that_is_passed_on_is_told_from_one_that_is_made() -> None:
    """The layer that adds to what it is handed makes the error, though those behind it are as wrong."""
    origins = attribute(layers(a=0.0, b=0.5, c=0.6), CHAIN, errors(a=0.0, b=0.5, c=0.001))
    assert [round(origin.handed, 6) for origin in origins] == [0.0, 0.0, 0.5]
    assert [round(origin.made, 6) for origin in origins] == [0.0, 0.5, 0.001]
    assert not any(origin.by_engine for origin in origins)
    found = culprit(origins, CHAIN, failing={"c"})
    assert found is not None
    assert found.layer.tensor == "b"


def test_an_error_that_the_graph_does_not_explain_is_the_engines() -> None:
    """Where the output is off by far more than its inputs and its own rounding explain, the engine made the rest."""
    origins = attribute(layers(a=0.001, b=0.3), CHAIN, errors(a=0.001, b=0.002))
    assert [origin.by_engine for origin in origins] == [False, True]
    assert origins[1].made == pytest.approx(0.297)


@pytest.mark.parametrize("explanation", [errors(b=0.2), errors(a=0.0, b=0.08)], ids=["whole graph", "just enough"])
def test_what_the_graph_magnifies_is_not_the_engines(explanation: dict[str, TensorError]) -> None:
    """An error within four times of what the graph makes of the same input, whole or with noise, is explained."""
    origins = attribute(layers(a=0.001, b=0.3), CHAIN, errors(a=0.001, b=0.002), explanation)
    assert not origins[1].by_engine
    assert origins[1].made == pytest.approx(0.002)


def test_fp32_in_another_order_is_nobodys_error() -> None:
    """An unexplained error below 1e-4 of the signal is not held against the engine."""
    (origin,) = attribute(layers(a=5e-5), CHAIN, errors(a=0.0))
    assert not origin.by_engine


def test_nan_that_is_handed_on_is_not_made_again() -> None:
    """The first layer that makes NaN is the culprit; those behind it make nothing."""
    origins = attribute(
        layers(a=0.01, b=math.inf, c=math.inf), CHAIN, errors(a=0.01, b=math.inf, c=0.001), errors(c=0.1)
    )
    assert [origin.made for origin in origins] == pytest.approx([0.01, math.inf, 0.001])
    found = culprit(origins, CHAIN, failing={"b", "c"})
    assert found is not None
    assert found.layer.tensor == "b"


def test_nan_that_only_the_engine_makes_is_the_engines() -> None:
    """An infinite error behind finite ones is not explained by anything."""
    origins = attribute(layers(a=0.01, b=math.inf), CHAIN, errors(a=0.01, b=0.01))
    assert origins[1].by_engine
    assert math.isinf(origins[1].made)


def test_a_layer_that_cannot_be_run_alone_has_no_added_error() -> None:
    """What is not known is None, and only the engine's excess is counted."""
    (_, origin) = attribute(layers(a=0.1, b=0.1), CHAIN, errors(a=0.1))
    assert origin.added is None
    assert origin.made == 0.0


def test_only_what_a_failing_layer_depends_on_can_be_the_culprit() -> None:
    """A worse layer on another branch is passed over."""
    inputs = {"a": ("image",), "b": ("a",), "c": ("image",)}
    origins = attribute(layers(a=0.1, b=0.1, c=0.9), inputs, errors(a=0.1, b=0.0, c=0.9))
    found = culprit(origins, inputs, failing={"b"})
    assert found is not None
    assert found.layer.tensor == "a"


def test_a_layer_whose_tolerance_is_absolute_is_not_ranked() -> None:
    """Where ratios were said to tell nothing, a large one blames nobody."""
    origins = attribute(layers(a=0.1, b=0.9), CHAIN, errors(a=0.1, b=0.9))
    found = culprit(origins, CHAIN, failing={"b"}, unranked={"b"})
    assert found is not None
    assert found.layer.tensor == "a"


def test_nothing_failing_has_no_culprit() -> None:
    """Without a layer outside its tolerance nobody is named."""
    assert culprit(attribute(layers(a=0.1), CHAIN, errors(a=0.1)), CHAIN, failing=()) is None


def test_of_equals_the_first_in_graph_order_is_named() -> None:
    """A tie goes to the layer that comes first."""
    origins = attribute(layers(a=math.inf, b=math.inf), CHAIN, errors(a=math.inf, b=math.inf))
    found = culprit(origins, CHAIN, failing={"a", "b"})
    assert found is not None
    assert found.layer.tensor == "a"


def test_the_error_of_silence_is_relative_to_the_quiet_floor() -> None:
    """A reference of zeros does not make every rounding infinite."""
    assert relative_error(compare_tensors(np.full(9, 1e-8), np.zeros(9))) == pytest.approx(1e-2)


@pytest.mark.parametrize(
    ("relative", "text"), [(0.0, "no error"), (0.1, "-20.0 dB"), (math.inf, "NaN or Inf")], ids=str
)
def test_an_error_is_said_in_decibels(relative: float, text: str) -> None:
    """A tenth of the signal is -20 dB."""
    assert decibels(relative) == text


def test_an_origin_says_what_it_makes_and_what_it_was_handed() -> None:
    """The sentence has the layer and the three errors."""
    origin = attribute(layers(a=0.01, b=0.1), CHAIN, errors(a=0.01, b=0.1))[1]
    assert str(origin) == ("'b' (Conv, position 1): makes -20.0 dB, is handed -40.0 dB, leaves with -20.0 dB")
