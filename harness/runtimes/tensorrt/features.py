"""What the TensorRT at hand can do, asked of its Python module and never of its version string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

StrongTyping = Literal["no", "opt_in", "always"]


@dataclass(frozen=True, kw_only=True)
class Features:
    """What differs between versions of TensorRT, as found.

    Attributes:
        version: the version string, to be shown and stored, never compared.
        precision_flags: the builder flags that allow a number type, out of ``FP16 INT8 BF16``.
        calibrators: whether there are INT8 calibrators.
        layer_precisions: whether a layer's number type can be constrained.
        strong_typing: whether networks whose types are those of the graph exist, and whether there are any others.
        explicit_batch_flag: whether a network must be told to have its batch among its dimensions.
        optimization_level: whether the builder can be told how long to search.
        version_compatible: whether a plan can be made that later versions load; such a plan carries code, which the
            runtime must be told to allow.
        hardware_levels: the kinds of plans that run on other GPUs, e.g. ``AMPERE_PLUS``.
        tactic_sources: the libraries that kernels can be taken from.
        number_types: the number types that tensors can have, by TensorRT's names.
        debug_tensors: whether inner tensors can be read without being made outputs.
        unfused_debug_tensors: whether those that fusion left can be read without hindering fusion.
        context_memory: the attribute of an engine that says how much device memory a context takes.
        engine_statistics: whether an engine says how large its weights are.
        parser_names_nodes: whether the parser's errors name node and operator.
    """

    version: str
    precision_flags: tuple[str, ...]
    calibrators: bool
    layer_precisions: bool
    strong_typing: StrongTyping
    explicit_batch_flag: bool
    optimization_level: bool
    version_compatible: bool
    hardware_levels: tuple[str, ...]
    tactic_sources: tuple[str, ...]
    number_types: tuple[str, ...]
    debug_tensors: bool
    unfused_debug_tensors: bool
    context_memory: str
    engine_statistics: bool
    parser_names_nodes: bool


def probe(trt: Any) -> Features:
    """Ask the module ``trt`` what it can do.

    Raises:
        ConfigurationError: it is older than the harness can use: tensors have no names there, but positions.
    """
    _check_not_too_old(trt)
    flags = _members(trt, "BuilderFlag")
    precision_flags = tuple(name for name in ("FP16", "INT8", "BF16") if name in flags)
    creation_flags = _members(trt, "NetworkDefinitionCreationFlag")
    return Features(
        version=trt.__version__,
        precision_flags=precision_flags,
        calibrators=hasattr(trt, "IInt8EntropyCalibrator2") and hasattr(trt.IBuilderConfig, "int8_calibrator"),
        layer_precisions="PREFER_PRECISION_CONSTRAINTS" in flags and hasattr(trt.ILayer, "precision"),
        strong_typing=_strong_typing(creation_flags, precision_flags),
        explicit_batch_flag="EXPLICIT_BATCH" in creation_flags,
        optimization_level=hasattr(trt.IBuilderConfig, "builder_optimization_level"),
        version_compatible="VERSION_COMPATIBLE" in flags and hasattr(trt.Runtime, "engine_host_code_allowed"),
        hardware_levels=tuple(name for name in _members(trt, "HardwareCompatibilityLevel") if name != "NONE"),
        tactic_sources=_members(trt, "TacticSource"),
        number_types=_members(trt, "DataType"),
        debug_tensors=hasattr(trt.INetworkDefinition, "mark_debug"),
        unfused_debug_tensors=hasattr(trt.INetworkDefinition, "mark_unfused_tensors_as_debug_tensors"),
        context_memory=(
            "device_memory_size_v2" if hasattr(trt.ICudaEngine, "device_memory_size_v2") else "device_memory_size"
        ),
        engine_statistics=hasattr(trt.ICudaEngine, "get_engine_stat") and hasattr(trt, "EngineStat"),
        parser_names_nodes=hasattr(trt.ParserError, "node_name"),
    )


def _check_not_too_old(trt: Any) -> None:
    missing = [
        f"{owner}.{name}"
        for owner, name in (
            ("IExecutionContext", "execute_async_v3"),
            ("IExecutionContext", "set_input_shape"),
            ("ICudaEngine", "num_io_tensors"),
            ("Builder", "build_serialized_network"),
        )
        if not hasattr(getattr(trt, owner, None), name)
    ]
    if missing:
        version = getattr(trt, "__version__", "of unknown version")
        raise ConfigurationError(
            f"TensorRT {version} is too old: it lacks {', '.join(missing)}. The harness needs TensorRT 8.5 or newer."
        )


def _strong_typing(creation_flags: Iterable[str], precision_flags: tuple[str, ...]) -> StrongTyping:
    if "STRONGLY_TYPED" not in creation_flags:
        return "no"
    # Where no flag allows a number type any more, the graph's types are the only ones there are.
    return "opt_in" if precision_flags else "always"


def _members(trt: Any, enumeration: str) -> tuple[str, ...]:
    return tuple(getattr(getattr(trt, enumeration, None), "__members__", ()))
