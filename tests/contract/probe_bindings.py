"""Run in a process of its own: holds the harness against the TensorRT bindings that are importable here, as JSON."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorrt as trt

from harness.cases import Precision, Profile, TensorSpec
from harness.cases.precision import RECIPES
from harness.errors import HarnessError
from harness.runtimes.base import BuildRequest
from harness.runtimes.tensorrt import (
    build,
    calibrator,
    execution,
    features,
    layers,
    log,
    number_types,
    options,
    profiling,
)
from harness.runtimes.tensorrt.tools import Tools
from tests.contract.names import names_used

PACKAGE = Path(build.__file__).parent


class FakeBuffer:
    """Memory at a made-up address."""

    def __init__(self, size: int) -> None:
        self.size, self.address = size, 256

    def close(self) -> None:
        """Do nothing."""


class FakeCuda:
    """Memory and streams that are not there."""

    def call(self, *_: object) -> None:
        """Do nothing."""

    def device_buffer(self, size: int) -> FakeBuffer:
        """Return a buffer."""
        return FakeBuffer(size)

    def stream(self) -> FakeCuda:
        """Return a stream."""
        return self

    def copy_in(self, *_: object) -> None:
        """Do nothing."""

    copy_out = wait = copy_in


class FakeConfig:
    """Has what this version's ``IBuilderConfig`` has, and remembers what it is told."""

    def __init__(self) -> None:
        self.told: dict[str, list[Any]]
        object.__setattr__(self, "told", {})

    def __getattr__(self, name: str) -> Any:
        getattr(trt.IBuilderConfig, name)  # an AttributeError where the version lacks it, as the real one raises
        return lambda *arguments, **_: self.told.setdefault(name, []).append(arguments[0])

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(trt.IBuilderConfig, name)
        self.told.setdefault(name, []).append(value)


class FakeProfile:
    """An optimisation profile that takes any shape."""

    def set_shape(self, *_: object) -> None:
        """Do nothing."""


class FakeBuilder:
    """Makes fakes."""

    create_builder_config = staticmethod(FakeConfig)
    create_optimization_profile = staticmethod(FakeProfile)


class FakeInput:
    """The one input of ``FakeNetwork``."""

    name, shape, is_shape_tensor, dtype = "x", (-1, 3), False, trt.DataType.FLOAT


class FakeNetwork:
    """A network of one input and no layers."""

    num_inputs = 1
    num_layers = 0

    def get_input(self, _: int) -> FakeInput:
        """Return the input."""
        return FakeInput()

    def __iter__(self) -> Any:
        return iter(())


def missing_names() -> dict[str, str]:
    """Return the names that the harness touches and this version lacks, with the place of use."""
    missing = {}
    for name, place in names_used(PACKAGE).items():
        owner: Any = trt
        for part in name.split("."):
            owner = getattr(owner, part, None)
            if owner is None:
                missing[name] = place
    return missing


def derived_classes(found: features.Features) -> list[str]:
    """Make and call every class that derives from one of TensorRT's, and return their bases' names."""
    cuda: Any = FakeCuda()
    kept = log.Log()
    logger = log.make_logger(trt, kept)
    logger.log(trt.ILogger.Severity.ERROR, "an error")
    assert [line.severity for line in kept.lines] == ["ERROR"]
    allocator = execution.make_output_allocator(trt, cuda)
    assert allocator.reallocate_output("y", 0, 10, 1) == 256
    allocator.notify_shape("y", trt.Dims([1, 2]))
    assert allocator.shape == (1, 2)
    profiler = profiling.make_profiler(trt)
    profiler.runs.append({})
    profiler.report_layer_time("conv", 1.5)
    assert profiler.runs == [{"conv": 1.5}]
    made = ["ILogger", "IOutputAllocator", "IProfiler"]
    if found.calibrators:
        for kind in ("entropy", "minmax"):
            one = calibrator.make_calibrator(trt, cuda, [{"x": np.zeros((1, 3), np.int64)}], kind)
            assert [one.get_batch(["x"]), one.get_batch(["x"])] == [[256], None]
            made.append(one.get_algorithm().name)
    if found.debug_tensors:
        listener = layers.make_listener(tools(found))
        listener.process_debug_tensor(0, trt.TensorLocation.DEVICE, trt.DataType.FLOAT, trt.Dims([2]), "inner", 0)
        assert list(listener.tensors) == ["inner"]
        made.append("IDebugListener")
    return made


def tools(found: features.Features) -> Tools:
    """Return tools whose CUDA is a fake."""
    cuda: Any = FakeCuda()
    return Tools(trt=trt, features=found, cuda=cuda, log=log.Log(), logger=None)


def configurations(found: features.Features) -> dict[str, Any]:
    """Configure a build of every recipe through Polygraphy, and return the flags set, or the refusal's text."""
    told: dict[str, Any] = {}
    for recipe in RECIPES:
        precision = Precision(recipe)
        request = BuildRequest(
            graph=Path("graph.onnx"),
            precision=precision,
            profile=Profile({"batch": (1, 2, 4)}),
            inputs=(TensorSpec("x", "float32", ("batch", 3)),),
            destination=Path("plan"),
            options={"optimization_level": 1},
            calibration=[{"x": np.zeros((1, 3), np.float32)}],
        )
        settings = options.read_settings(request.options, found)
        reason = number_types.unsupported(precision, found)
        if reason:
            try:
                build.build_plan(tools(found), request, settings)
            except HarnessError as error:
                told[recipe] = f"{type(error).__name__}: {error}"
            continue
        types = number_types.plan_types(precision, found)
        builder, network = FakeBuilder(), FakeNetwork()
        with contextlib.redirect_stdout(sys.stderr):  # Polygraphy tells of what it does
            config, _ = build.configure(tools(found), builder, network, request=request, settings=settings, types=types)
        told[recipe] = {
            "strongly_typed": types.strongly_typed,
            "set": sorted(flag.name for flag in config.told.get("set_flag", [])),
            "cleared": sorted(flag.name for flag in config.told.get("clear_flag", [])),
            "calibrators": len(config.told.get("int8_calibrator", [])),
        }
    return told


def main() -> None:
    """Print everything as one JSON object."""
    found = features.probe(trt)
    answer = {
        "features": asdict(found),
        "missing": missing_names(),
        "derived": derived_classes(found),
        "configurations": configurations(found),
    }
    print(json.dumps(answer))  # noqa: T201 - its output is its purpose


main()
