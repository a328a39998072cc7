"""What an engine depends on: two builds of equal keys may stand for each other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.cases import Profile

# Raised when the same parts mean another engine, so that none of before is found again.
# 1: as first written.
KEY_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class EngineKey:
    """Everything that decides which engine comes out of a build, as plain data.

    Attributes:
        graph: ``harness.graphs.save.graph_hash`` of the graph that is built: its nodes and all weights, external data
            included.
        precision: ``Precision.to_json()``: by builder flags one graph gives several engines. Its name does not count.
        axes: smallest, tuned-for and largest size of each free dimension; see ``axes_of``.
        runtime: ``tensorrt`` or ``onnxruntime``.
        version: the runtime's version.
        libraries: versions of what the build uses beside it.
        gpu: name of the GPU, as its driver gives it, or of the processor.
        capability: CUDA compute capability, e.g. ``9.0``; empty for a processor.
        options: the build's options that change what is built; not where a timing cache lies, nor how much is logged.
        plugins: SHA-256 of each plugin library, by its file's name; see ``plugin_hashes``.
        calibration: hash of the calibration set, where the builder calibrates.
        build: 0, or the number of a further build of the same, for measuring how much builds differ.
    """

    graph: str
    precision: Mapping[str, Any]
    axes: Mapping[str, tuple[int, int, int]]
    runtime: str
    version: str
    gpu: str
    capability: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str | int | bool] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    calibration: str = ""
    build: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 (hex) over all parts, whatever the order of their names."""
        parts = {"version_of_keys": KEY_VERSION, **self.to_json()}
        parts["precision"] = {name: value for name, value in self.precision.items() if name != "name"}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the key as plain data."""
        return asdict(self)


def axes_of(profile: Profile) -> dict[str, tuple[int, int, int]]:
    """Return the ranges of a profile as a key has them.

    Its points are left out: they say where an engine is run, not how it is built.
    """
    return {symbol: (sizes.min, sizes.opt, sizes.max) for symbol, sizes in profile.axes.items()}


def plugin_hashes(libraries: Iterable[str | Path]) -> dict[str, str]:
    """Return SHA-256 (hex) of each plugin library, by its file's name.

    Raises:
        ConfigurationError: there is no such file, or two have one name.
    """
    hashes: dict[str, str] = {}
    for library in map(Path, libraries):
        if library.name in hashes:
            raise ConfigurationError(f"two plugin libraries are called {library.name!r}; rename one of them")
        try:
            hashes[library.name] = hashlib.sha256(library.read_bytes()).hexdigest()
        except OSError as error:
            raise ConfigurationError(
                f"the plugin library {str(library)!r} cannot be read: {error.strerror}. Name it by its full path."
            ) from None
    return hashes
