from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import Precision, Profile, TensorSpec
from harness.errors import CalibrationError, ConfigurationError, ProfileError
from harness.runtimes.base import BuildRequest
from harness.runtimes.tensorrt import build
from harness.runtimes.tensorrt.number_types import plan_types
from harness.runtimes.tensorrt.options import BuildSettings
from tests.runtimes.tensorrt.fake_tensorrt import FEATURES

if TYPE_CHECKING:
    from harness.runtimes.tensorrt.tools import Tools


def request(recipe: str = "fp32") -> BuildRequest:
    """Return a request for a graph of two inputs, one of them the shape of something."""
    return BuildRequest(
        graph=Path("graph.onnx"),
        precision=Precision(recipe),  # type: ignore[arg-type]
        profile=Profile({"batch": (1, 4, 8)}),
        inputs=(TensorSpec("image", "float32", ("batch", 3)), TensorSpec("size", "int64", (2,))),
        destination=Path("plan"),
    )


def network(*names: str) -> Any:
    """Return a network with inputs called ``names``, of which ``size`` steers shapes."""
    inputs = [SimpleNamespace(name=name, is_shape_tensor=name == "size") for name in names]
    return SimpleNamespace(num_inputs=len(inputs), get_input=inputs.__getitem__)


def test_the_profile_has_the_corners_of_each_input() -> None:
    """Shapes come from the harness's profile, values of shape tensors from the option."""
    settings = BuildSettings(shape_values={"size": ((1, 1), (4, 4), (8, 8))})
    profile = build.make_profile(network("image", "size"), request(), settings)
    assert [tuple(corner) for corner in profile["image"]] == [(1, 3), (4, 3), (8, 3)]
    assert [tuple(corner) for corner in profile["size"]] == [(1, 1), (4, 4), (8, 8)]


def test_an_input_that_steers_shapes_needs_its_values() -> None:
    """The error says which option gives them, and in which form."""
    with pytest.raises(ProfileError, match=r"input 'size' steers shapes.*shape_values='size=1,8/4,8/16,8'"):
        build.make_profile(network("image", "size"), request(), BuildSettings())


def test_a_calibrator_needs_samples(tools: Tools) -> None:
    """Without a calibration set nothing is built."""
    calibrated = request("int8-calibrator")
    with pytest.raises(CalibrationError, match="the build was given none"):
        build.configure(
            tools,
            None,
            network("image"),
            request=calibrated,
            settings=BuildSettings(),
            types=plan_types(calibrated.precision, FEATURES),
        )


def test_a_precision_that_the_version_lacks_is_refused_before_anything_is_built(tools: Tools) -> None:
    """Whoever builds without having asked is told the same reason."""
    lacking = replace(tools, features=replace(FEATURES, strong_typing="always", precision_flags=()))
    with pytest.raises(ConfigurationError, match=r"no builder flags for number types.*use fp16"):
        build.build_plan(lacking, request("fp16-flags"), BuildSettings())
