from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import ConfigurationError
from harness.runtimes.tensorrt.options import BuildSettings, read_settings
from tests.runtimes.tensorrt.fake_tensorrt import FEATURES

if TYPE_CHECKING:
    from pathlib import Path


def test_without_options_the_tactic_sources_are_those_of_every_version() -> None:
    """Neither cuBLAS nor cuDNN takes part in an engine unless asked for."""
    assert read_settings({}, FEATURES).tactic_sources == ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")


def test_every_option_is_read(tmp_path: Path) -> None:
    """Values come out typed, lists split."""
    plugins = [tmp_path / "a.so", tmp_path / "b.so"]
    for plugin in plugins:
        plugin.touch()
    settings = read_settings(
        {
            "workspace_mib": 512,
            "optimization_level": 1,
            "timing_cache": str(tmp_path),
            "sparse": True,
            "version_compatible": True,
            "hardware_compatible": "ampere_plus",
            "tactic_sources": "cublas, JIT_CONVOLUTIONS",
            "plugins": os.pathsep.join(map(str, plugins)),
            "calibrator": "minmax",
            "precision_constraints": "obey",
            "shape_values": "size=1,8/4,8/16,8",
        },
        FEATURES,
    )
    assert settings == BuildSettings(
        workspace_mib=512,
        optimization_level=1,
        timing_cache=tmp_path,
        sparse=True,
        version_compatible=True,
        hardware_compatible="AMPERE_PLUS",
        tactic_sources=("CUBLAS", "JIT_CONVOLUTIONS"),
        plugins=tuple(plugins),
        calibrator="minmax",
        precision_constraints="obey",
        shape_values={"size": ((1, 8), (4, 8), (16, 8))},
    )
    assert settings.in_force() == {
        "workspace_mib": 512,
        "tactic_sources": "CUBLAS,JIT_CONVOLUTIONS",
        "optimization_level": 1,
        "sparse": True,
        "version_compatible": True,
        "hardware_compatible": "ampere_plus",
        "plugins": "a.so,b.so",
    }


def test_a_level_that_the_version_lacks_is_left_out_and_told() -> None:
    """One set of options goes to TensorRT 8.5 and 8.6 alike, and the engine's record shows the difference."""
    settings = read_settings({"optimization_level": 1}, replace(FEATURES, version="8.5.3.1", optimization_level=False))
    assert settings.optimization_level is None
    assert "optimization_level" not in settings.in_force()
    assert settings.ignored == ("optimization_level=1: TensorRT 8.5.3.1 has no such setting",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"workspace_mib": 0}, "workspace_mib=0: it takes a whole number", id="no workspace"),
        pytest.param({"workspace_mib": True}, "workspace_mib=True", id="a truth value as workspace"),
        pytest.param({"tactic_sources": "CUBLAST"}, "Did you mean 'CUBLAS'", id="a misspelt tactic source"),
        pytest.param(
            {"hardware_compatible": "same_compute_capability"}, "Known: ampere_plus", id="a newer kind of plan"
        ),
        pytest.param({"plugins": "/nowhere/x.so"}, "there is no library '/nowhere/x.so'", id="a missing plugin"),
        pytest.param({"shape_values": "size=1,8/4,8"}, "NAME=1,8/4,8/16,8", id="two of three values"),
    ],
)
def test_a_value_that_cannot_be_is_refused(options: dict[str, str | int | bool], message: str) -> None:
    """The error names the option, the value and what it takes."""
    with pytest.raises(ConfigurationError, match=message):
        read_settings(options, FEATURES)


def test_compatible_plans_are_refused_where_they_cannot_be_made() -> None:
    """A plan that is not what others rely on would be worse than none."""
    with pytest.raises(ConfigurationError, match=r"version_compatible: TensorRT 8\.6\.0 cannot make such plans"):
        read_settings({"version_compatible": True}, replace(FEATURES, version_compatible=False))
