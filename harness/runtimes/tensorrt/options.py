"""The build's options: as a model's record gives them, and as a TensorRT at hand can follow them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.runtimes.base import BuildOption
    from harness.runtimes.tensorrt.features import Features

# The two that every version has; the others need cuBLAS and cuDNN, whose versions would be one more thing that varies.
DEFAULT_TACTIC_SOURCES = ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")
DEFAULT_WORKSPACE_MIB = 4096

# By name, with the values that each takes; none where it takes any.
BUILD_OPTIONS: Mapping[str, tuple[BuildOption, ...]] = {
    "workspace_mib": (),
    "optimization_level": (0, 1, 2, 3, 4, 5),
    "timing_cache": (),
    "sparse": (False, True),
    "version_compatible": (False, True),
    "hardware_compatible": ("none", "ampere_plus", "same_compute_capability"),
    "tactic_sources": (),
    "plugins": (),
    "calibrator": ("entropy", "minmax"),
    "precision_constraints": ("none", "prefer", "obey"),
    "shape_values": (),
}

ShapeValues = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """How an engine is built.

    Attributes:
        workspace_mib: scratch memory that a kernel may use, in MiB.
        optimization_level: 0 (fastest build) to 5; None leaves it to TensorRT.
        timing_cache: folder of the timing caches, or None to keep none.
        sparse: whether kernels for 2:4 sparse weights are tried.
        version_compatible: whether later versions of TensorRT shall load the plan.
        hardware_compatible: the kinds of GPU that shall run it, by TensorRT's name, or None for this one alone.
        tactic_sources: where kernels are taken from.
        plugins: libraries that are loaded before anything is built.
        calibrator: how ``int8-calibrator`` finds its scales.
        precision_constraints: how firmly layers are held to the types that an FP16 graph gives them, where the network
            is not strongly typed.
        shape_values: smallest, likeliest and largest values of inputs that steer shapes, by name.
        ignored: what was asked for and this TensorRT does not have, in words.
    """

    workspace_mib: int = DEFAULT_WORKSPACE_MIB
    optimization_level: int | None = None
    timing_cache: Path | None = None
    sparse: bool = False
    version_compatible: bool = False
    hardware_compatible: str | None = None
    tactic_sources: tuple[str, ...] = DEFAULT_TACTIC_SOURCES
    plugins: tuple[Path, ...] = ()
    calibrator: str = "entropy"
    precision_constraints: str = "prefer"
    shape_values: Mapping[str, ShapeValues] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def in_force(self) -> dict[str, BuildOption]:
        """Return what is worth remembering of an engine: no paths of this machine, nothing that was not given."""
        options: dict[str, BuildOption] = {
            "workspace_mib": self.workspace_mib,
            "tactic_sources": ",".join(self.tactic_sources),
        }
        if self.optimization_level is not None:
            options["optimization_level"] = self.optimization_level
        if self.sparse:
            options["sparse"] = True
        if self.version_compatible:
            options["version_compatible"] = True
        if self.hardware_compatible:
            options["hardware_compatible"] = self.hardware_compatible.lower()
        if self.plugins:
            options["plugins"] = ",".join(path.name for path in self.plugins)
        return options

    def identity(self) -> dict[str, BuildOption]:
        """Return what decides which engine comes out: neither where timings are kept, nor what was only asked for.

        Plugins are left out too: their content counts, and not what they are called.
        """
        options = {name: value for name, value in self.in_force().items() if name != "plugins"}
        options["calibrator"] = self.calibrator
        options["precision_constraints"] = self.precision_constraints
        if self.shape_values:
            options["shape_values"] = json.dumps(self.shape_values, sort_keys=True)
        return options


def read_settings(options: Mapping[str, BuildOption], features: Features) -> BuildSettings:
    """Make settings of ``options``, whose names and closed values were checked already.

    An option that the TensorRT at hand lacks is left out and told of, since the same options go to every version: only
    what changes which plan comes out as a file for others (compatibility) is refused.

    Raises:
        ConfigurationError: a value cannot be read, or asks for a compatibility or a tactic source that is not there.
    """
    ignored = []
    level = options.get("optimization_level")
    if level is not None and not features.optimization_level:
        ignored.append(f"optimization_level={level}: TensorRT {features.version} has no such setting")
        level = None
    compatible = bool(options.get("version_compatible", False))
    if compatible and not features.version_compatible:
        raise ConfigurationError(
            f"build option version_compatible: TensorRT {features.version} cannot make such plans; leave it out"
        )
    cache = options.get("timing_cache")
    return BuildSettings(
        workspace_mib=_workspace(options.get("workspace_mib", DEFAULT_WORKSPACE_MIB)),
        optimization_level=None if level is None else int(level),
        timing_cache=Path(str(cache)) if cache else None,
        sparse=bool(options.get("sparse", False)),
        version_compatible=compatible,
        hardware_compatible=_hardware(str(options.get("hardware_compatible", "none")), features),
        tactic_sources=_tactic_sources(options.get("tactic_sources"), features),
        plugins=_plugins(str(options.get("plugins", ""))),
        calibrator=str(options.get("calibrator", "entropy")),
        precision_constraints=str(options.get("precision_constraints", "prefer")),
        shape_values=_shape_values(str(options.get("shape_values", ""))),
        ignored=tuple(ignored),
    )


def _workspace(value: BuildOption) -> int:
    if isinstance(value, bool) or not str(value).isdigit() or int(value) < 1:
        raise ConfigurationError(f"build option workspace_mib={value!r}: it takes a whole number of MiB, at least 1")
    return int(value)


def _hardware(value: str, features: Features) -> str | None:
    if value == "none":
        return None
    if value.upper() not in features.hardware_levels:
        known = [level.lower() for level in features.hardware_levels]
        raise ConfigurationError(
            f"build option hardware_compatible: {unknown_value(f'kind of TensorRT {features.version}', value, known)}"
        )
    return value.upper()


def _tactic_sources(value: BuildOption | None, features: Features) -> tuple[str, ...]:
    if value is None:
        return tuple(name for name in DEFAULT_TACTIC_SOURCES if name in features.tactic_sources)
    names = tuple(name.strip().upper() for name in str(value).split(",") if name.strip())
    for name in names:
        if name not in features.tactic_sources:
            raise ConfigurationError(
                f"build option tactic_sources: "
                f"{unknown_value(f'tactic source of TensorRT {features.version}', name, features.tactic_sources)}"
            )
    return names


def _plugins(value: str) -> tuple[Path, ...]:
    paths = tuple(Path(part) for part in value.split(os.pathsep) if part)
    for path in paths:
        if not path.is_file():
            raise ConfigurationError(
                f"build option plugins: there is no library {str(path)!r} (several are separated by {os.pathsep!r})"
            )
    return paths


def _shape_values(value: str) -> dict[str, ShapeValues]:
    """Read ``name=1,8/4,8/16,8;other=…``: for each input its smallest, likeliest and largest values."""
    values: dict[str, ShapeValues] = {}
    for entry in filter(None, value.split(";")):
        name, _, ranges = entry.partition("=")
        try:
            smallest, likeliest, largest = (tuple(int(n) for n in part.split(",")) for part in ranges.split("/"))
        except ValueError:
            raise ConfigurationError(
                f"build option shape_values: {entry!r} is not of the form NAME=1,8/4,8/16,8 (smallest, likeliest and "
                "largest values)"
            ) from None
        values[name.strip()] = (smallest, likeliest, largest)
    return values
