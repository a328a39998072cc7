"""From an ONNX graph to a plan."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import BuildFailed, CalibrationError, ConfigurationError, ProfileError, unknown_value
from harness.runtimes.tensorrt import timing_cache
from harness.runtimes.tensorrt.network import constrain_layers, inputs_of, make_builder, parse_network
from harness.runtimes.tensorrt.number_types import plan_types, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.runtimes.base import BuildRequest
    from harness.runtimes.tensorrt.number_types import TypePlan
    from harness.runtimes.tensorrt.options import BuildSettings
    from harness.runtimes.tensorrt.tools import Tools

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A serialised engine.

    Attributes:
        content: its bytes (anything with the buffer protocol).
        seconds: wall time from the empty network to the plan.
        cache_was_warm: whether an earlier build's timings were used.
        layers_constrained: number of layers that were told their number type.
    """

    content: Any
    seconds: float
    cache_was_warm: bool
    layers_constrained: int


def build_plan(
    tools: Tools,
    request: BuildRequest,
    settings: BuildSettings,
    *,
    cache: Path | None = None,
    prepare: Callable[[Any], None] | None = None,
) -> Plan:
    """Build the graph of ``request``.

    Args:
        tools: TensorRT and what it needs.
        request: what is built.
        settings: how.
        cache: file of the timing cache, or None to keep none.
        prepare: changes the parsed network before it is built, e.g. marks outputs.

    Raises:
        BuildFailed: TensorRT refused the graph, or found no engine for it; the log's first error says why.
        ConfigurationError: this TensorRT has no way to build the precision.
        CalibrationError: ``int8-calibrator`` without a calibration set.
        ProfileError: the profile does not fit the graph's inputs.
    """
    trt, features = tools.trt, tools.features
    reason = unsupported(request.precision, features)
    if reason:
        raise ConfigurationError(reason)
    started = time.perf_counter()
    types = plan_types(request.precision, features)
    builder = make_builder(tools)
    network, parser = parse_network(tools, builder, request, types)
    constrained = constrain_layers(trt, network, request.precision) if _constrains(types, settings) else 0
    if prepare:
        prepare(network)
    config, calibrator = configure(tools, builder, network, request=request, settings=settings, types=types)
    warm = timing_cache.attach(config, cache) if cache else False
    position = len(tools.log.lines)  # what the parser and Polygraphy ask of a half-made network is logged as errors
    content = builder.build_serialized_network(network, config)
    if content is None:
        raise BuildFailed(f"TensorRT {features.version} built no engine: {tools.log.first_error(position)}")
    if cache:
        timing_cache.save(config, cache)
    # TensorRT read the weights from the parser, and the samples from the calibrator, until here.
    del parser, calibrator
    return Plan(
        content=content,
        seconds=time.perf_counter() - started,
        cache_was_warm=warm,
        layers_constrained=constrained,
    )


def _constrains(types: TypePlan, settings: BuildSettings) -> bool:
    return types.constrained and settings.precision_constraints != "none"


def configure(
    tools: Tools, builder: Any, network: Any, *, request: BuildRequest, settings: BuildSettings, types: TypePlan
) -> tuple[Any, Any]:
    """Return the builder's configuration, and the calibrator, which must outlive the build."""
    from polygraphy.backend.trt import CreateConfig

    trt = tools.trt
    calibrator = _calibrator(tools, request, settings) if types.calibrated else None
    hardware = settings.hardware_compatible
    config = CreateConfig(
        profiles=[make_profile(network, request, settings)],
        tf32=types.tf32,
        fp16="FP16" in types.flags,
        bf16="BF16" in types.flags,
        int8="INT8" in types.flags,
        calibrator=calibrator,
        precision_constraints=settings.precision_constraints if _constrains(types, settings) else None,
        sparse_weights=settings.sparse,
        tactic_sources=[getattr(trt.TacticSource, name) for name in settings.tactic_sources],
        profiling_verbosity=trt.ProfilingVerbosity.DETAILED,
        memory_pool_limits={trt.MemoryPoolType.WORKSPACE: settings.workspace_mib * _MIB},
        builder_optimization_level=settings.optimization_level,
        hardware_compatibility_level=getattr(trt.HardwareCompatibilityLevel, hardware) if hardware else None,
        version_compatible=settings.version_compatible,
    )(builder, network)
    if calibrator is not None:
        # Otherwise calibration runs at the profile's opt shapes, and reads past the end of smaller samples.
        config.set_calibration_profile(_calibration_profile(request).to_trt(builder, network))
    return config, calibrator


def make_profile(network: Any, request: BuildRequest, settings: BuildSettings) -> Any:
    """Return Polygraphy's profile with the smallest, likeliest and largest shape of every input.

    Raises:
        ProfileError: the values of an input that steers shapes were not given, or a free dimension has no range.
        BuildFailed: the network has an input that the request does not know.
    """
    from polygraphy.backend.trt import Profile

    specs = {spec.name: spec for spec in request.inputs}
    corners = [request.profile.corner(which) for which in ("min", "opt", "max")]
    profile = Profile()
    for tensor in inputs_of(network):
        if tensor.is_shape_tensor:
            if tensor.name not in settings.shape_values:
                raise ProfileError(
                    f"input {tensor.name!r} steers shapes, so TensorRT must know its values before it builds. Give "
                    f"the smallest, likeliest and largest: build option shape_values='{tensor.name}=1,8/4,8/16,8'"
                )
            profile.add(tensor.name, *settings.shape_values[tensor.name])
            continue
        if tensor.name not in specs:
            raise BuildFailed(unknown_value("input of the request", tensor.name, specs))
        profile.add(tensor.name, *(specs[tensor.name].at(corner) for corner in corners))
    return profile


def _calibrator(tools: Tools, request: BuildRequest, settings: BuildSettings) -> Any:
    from harness.runtimes.tensorrt.calibrator import make_calibrator

    if not request.calibration:
        raise CalibrationError(
            "the recipe 'int8-calibrator' takes its scales from a calibration set, and the build was given none"
        )
    return make_calibrator(tools.trt, tools.cuda, request.calibration, settings.calibrator)


def _calibration_profile(request: BuildRequest) -> Any:
    from polygraphy.backend.trt import Profile

    profile = Profile()
    for name, array in request.calibration[0].items():
        profile.add(name, *(tuple(array.shape),) * 3)
    return profile
