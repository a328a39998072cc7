from __future__ import annotations

import numpy as np
import pytest

from harness.cases import Integers, Model, Padding, Point, TensorSpec
from harness.cases.invariance import UNUSUAL, exempt_under, make_unusual_inputs
from harness.errors import ConfigurationError

SPECS = (
    TensorSpec("wide", "float32", ("batch", 2)),
    TensorSpec("half", "float16", ("batch", 2)),
    TensorSpec("ids", "int64", ("batch", 4)),
)


@pytest.mark.parametrize("kind", UNUSUAL)
def test_floats_are_unusual_and_whole_numbers_as_ever(kind: str) -> None:
    """Every float input holds one number throughout, in its own type; token ids are those of ordinary inputs."""
    point = Point.of({"batch": 3})
    feeds = {"ids": Integers(5, 9)}
    inputs = make_unusual_inputs(kind, SPECS, feeds, point, seed="s")
    assert {name: (array.dtype.name, array.shape[0]) for name, array in inputs.items()} == {
        "wide": ("float32", 3),
        "half": ("float16", 3),
        "ids": ("int64", 3),
    }
    assert np.isin(inputs["ids"], range(5, 9)).all()
    for name in ("wide", "half"):
        assert len(np.unique(inputs[name])) == 1
        smallest = np.finfo(inputs[name].dtype).tiny
        holds = {
            "zero": inputs[name] == 0,
            "constant": inputs[name] == 1,
            "denormal": (inputs[name] > 0) & (inputs[name] < smallest),
            "huge": np.isfinite(inputs[name]) & (inputs[name] > 1000),
            "nan": np.isnan(inputs[name]),
            "infinite": np.isposinf(inputs[name]),
        }
        assert holds[kind].all()


def test_an_unknown_kind_is_refused() -> None:
    """The error lists the kinds that there are."""
    with pytest.raises(ConfigurationError, match=r"'nans' is no kind of unusual input\. Did you mean 'nan'"):
        make_unusual_inputs("nans", SPECS, {}, Point.of({"batch": 1}))


def test_a_mask_that_tells_nothing_apart_is_refused() -> None:
    """A mask must say something else of padding than of what is meant."""
    with pytest.raises(ConfigurationError, match="'mask' says 1 of what is meant and of padding"):
        Padding(axis="sequence", mask="mask", meant=1, padded=1)


def test_an_exemption_from_nothing_is_refused() -> None:
    """A model that is exempt from what is no invariance would believe that it is exempt."""
    with pytest.raises(ConfigurationError, match=r"model 'm': 'nans' is no invariance\. Did you mean 'nan'"):
        Model(name="m", source="zoo:m", exempt={"nans": "why not"})


def test_an_exemption_may_be_of_one_runtime() -> None:
    """What names a runtime is not asked under that one alone; a runtime that there is none of is refused."""
    exempt = {"tensorrt:nan": "ReLU", "huge": "overflows"}
    assert exempt_under("tensorrt", exempt) == {"nan": "ReLU", "huge": "overflows"}
    assert exempt_under("onnxruntime", exempt) == {"huge": "overflows"}
    with pytest.raises(ConfigurationError, match=r"'tensort' is no runtime\. Did you mean 'tensorrt'"):
        Model(name="m", source="zoo:m", exempt={"tensort:nan": "why not"})
