from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.gpu.engines import build_engine, model_named
from benchmarks.gpu.overhead import bare_session
from harness.cases import Precision
from harness.errors import ConfigurationError
from harness.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_of_the_catalogue_is_built_and_fed_at_its_smallest_point(tmp_path: Path) -> None:
    """Engine and inputs fit each other, in our timers and in a bare loop."""
    runtime = OnnxRuntime()
    built = build_engine(runtime, model_named("digits"), Precision("fp32"), tmp_path, {"optimization": "basic"})
    assert (built.point, built.result.options["optimization"]) == ("batch=1", "basic")
    engine = runtime.load(built.path)
    assert engine.timers(built.inputs)["host"]() > 0
    assert bare_session(engine, built.inputs)(3) > 0
    engine.close()


def test_a_model_that_is_not_there_is_named_with_those_that_are() -> None:
    """The nearest one is suggested."""
    with pytest.raises(
        ConfigurationError, match=r"'squeezenett' is no model of the catalogue\. Did you mean 'squeezenet'"
    ):
        model_named("squeezenett")
