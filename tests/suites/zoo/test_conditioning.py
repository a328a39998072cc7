"""Rescaling of random weights."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.errors import ConfigurationError
from suites.zoo.builder import GraphBuilder, generator_for
from suites.zoo.conditioning import condition
from tests.suites.models import run

if TYPE_CHECKING:
    from suites.zoo.draft import Draft

Inputs = dict[str, np.ndarray]

LAYERS = ("first", "second", "third")
CHANNELS = 16


def _chain(deviation: float) -> Draft:
    """Return three convolutions with rectifiers between, all of whose outputs can be read; the second has no bias."""
    build = GraphBuilder("chain")
    tensor = build.input("x", ("batch", CHANNELS, 12, 12))
    for name in LAYERS:
        weight = build.weight(f"{name}/weight", (CHANNELS, CHANNELS, 3, 3), deviation)
        bias = [build.weight(f"{name}/shift", (CHANNELS,), deviation)] if name != "second" else []
        build.output(build.add(name, "Conv", tensor, weight, *bias, pads=[1] * 4), ("batch", CHANNELS, 12, 12))
        tensor = build.add(f"{name}/relu", "Relu", name)
    return build.draft()


@pytest.fixture
def inputs() -> Inputs:
    """A batch of Gaussian images."""
    return {"x": generator_for("x").standard_normal((4, CHANNELS, 12, 12), dtype=np.float32)}


@pytest.mark.parametrize(
    "deviation", [pytest.param(1e-3, id="vanishing weights"), pytest.param(50.0, id="exploding weights")]
)
def test_every_layer_ends_near_unit_size(deviation: float, inputs: Inputs) -> None:
    """Each layer's output has an RMS near 1, whatever the weights' size was and however deep the layer lies."""
    draft = _chain(deviation)
    condition(draft, inputs)
    outputs = run(draft.to_model(), inputs)
    for layer in LAYERS:
        assert 0.65 < np.sqrt(np.mean(outputs[layer] ** 2)) < 1.45


def test_weights_keep_their_digits(inputs: Inputs) -> None:
    """Weights change by powers of two only, so that no CPU's rounding shows in them."""
    draft, plain = _chain(3.0), _chain(3.0)
    condition(draft, inputs)
    for layer in LAYERS:
        ratio = plain.weights[f"{layer}/weight"] / draft.weights[f"{layer}/weight"]
        assert len(np.unique(ratio)) == 1
        assert np.log2(ratio.flat[0]) == np.round(np.log2(ratio.flat[0])) != 0


def test_offsets_are_multiples_of_a_step(inputs: Inputs) -> None:
    """The bias that a layer is given is a multiple of 1/32, for the same reason."""
    draft = _chain(3.0)
    condition(draft, inputs)
    bias = draft.weights["second/bias"]
    assert np.any(bias)
    np.testing.assert_array_equal(bias * 32, np.round(bias * 32))


def test_heads_give_up_half_of_their_mean(inputs: Inputs) -> None:
    """The mean of each channel of a head falls to half of what the layer has as an inner one, but for an eighth."""
    inner, head = _chain(3.0), _chain(3.0)
    condition(inner, inputs)
    condition(head, inputs, heads=["third"])
    means = [run(draft.to_model(), inputs)["third"].mean(axis=(0, 2, 3)) for draft in (inner, head)]
    np.testing.assert_allclose(means[1], means[0] * (1 - 1 / 2) / (1 - 1 / 8), atol=1 / 32)
    assert np.abs(means[0]).max() > 0.5


def test_unknown_head_is_named() -> None:
    """A head that is no layer is an error that names it and the layers."""
    with pytest.raises(ConfigurationError, match=r"'fourth' is no convolution .* first, second, third"):
        condition(_chain(1.0), {}, heads=["fourth"])


def test_missing_onnxruntime_names_the_extra(monkeypatch: pytest.MonkeyPatch, inputs: Inputs) -> None:
    """Without onnxruntime the error says what to install."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trt-harness\[cpu\]'"):
        condition(_chain(1.0), inputs)
