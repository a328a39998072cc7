from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from harness.errors import ConfigurationError
from harness.runtimes.base import BuildOption, EngineLayer, Inspection
from harness.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from collections.abc import Mapping


class ChoosyRuntime(OnnxRuntime):
    """A runtime with an option that takes two values and one that takes any."""

    name = "choosy"
    build_options: ClassVar[Mapping[str, tuple[BuildOption, ...]]] = {"level": ("low", "high"), "workspace": ()}


def layer(operator: str, compute_type: str = "", *, name: str = "n", tactic: str = "") -> EngineLayer:
    """Return a layer whose outputs do not matter."""
    return EngineLayer(name=name, operator=operator, compute_type=compute_type, outputs=(), tactic=tactic)


def inspection(*layers: EngineLayer) -> Inspection:
    """Return what an engine of ``layers`` looks like."""
    return Inspection(layers=layers, provider="test")


@pytest.mark.parametrize(
    ("layers", "shares"),
    [
        pytest.param([layer("Conv", "int8"), layer("Conv", "float32"), layer("Conv", "int8"), layer("Relu")],
                     {"float32": pytest.approx(1 / 3), "int8": pytest.approx(2 / 3)}, id="two types"),
        pytest.param([layer("Relu"), layer("Reshape")], {}, id="nothing computes"),
        pytest.param([], {}, id="no layer"),
    ],
)  # fmt: skip
def test_shares_are_of_the_layers_that_compute(layers: list[EngineLayer], shares: dict[str, float]) -> None:
    """Layers that only move data have no type and count on neither side."""
    assert inspection(*layers).type_shares == shares


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param([layer("Conv", "float32", name="renamed", tactic="7"), layer("Relu")], True, id="names differ"),
        pytest.param([layer("Conv", "float32", tactic="8"), layer("Relu")], False, id="another tactic"),
        pytest.param([layer("Conv", "float16", tactic="7"), layer("Relu")], False, id="another type"),
        pytest.param([layer("Relu"), layer("Conv", "float32", tactic="7")], False, id="another order"),
        pytest.param([layer("Conv", "float32", tactic="7")], False, id="a layer less"),
    ],
)
def test_the_fingerprint_tells_what_was_chosen(other: list[EngineLayer], same: bool) -> None:
    """Engines of the same operators, types and tactics in the same order are the same."""
    first = inspection(layer("Conv", "float32", tactic="7"), layer("Relu"))
    assert (first.fingerprint == inspection(*other).fingerprint) is same


def test_an_inspection_is_plain_data() -> None:
    """It can be written as JSON."""
    assert inspection(layer("Conv", "int8")).to_json() == {
        "layers": [{"name": "n", "operator": "Conv", "compute_type": "int8", "outputs": (), "tactic": ""}],
        "provider": "test",
    }


def test_options_are_checked_by_name_and_value() -> None:
    """A misspelt option suggests the nearest, a wrong value lists the right ones, and some take any value."""
    runtime = ChoosyRuntime()
    runtime.check_options({"level": "high", "workspace": 2**30})
    with pytest.raises(ConfigurationError, match=r"'levle' is no build option of choosy\. Did you mean 'level'\?"):
        runtime.check_options({"levle": "high"})
    with pytest.raises(ConfigurationError, match="build option level='middle': choosy takes 'low', 'high'"):
        runtime.check_options({"level": "middle"})
