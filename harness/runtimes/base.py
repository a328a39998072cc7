"""What every runtime does: build an engine from a graph, look into it, run it."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from harness.cases import Precision, Profile, TensorSpec

BuildOption = str | int | bool


@dataclass(frozen=True, kw_only=True)
class SoftwareVersions:
    """A runtime's name and version, and the versions of what stands beside it."""

    runtime: str
    version: str
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What an engine is to be built from.

    Attributes:
        graph: the ONNX file, its precision already made in it.
        precision: what it was asked to be.
        profile: the shapes that it must run at.
        inputs: the graph's inputs.
        destination: where the engine goes.
        options: the build's options, by name; which ones there are is for the runtime to say.
        calibration: input tensors by name, one mapping per sample, for recipes that calibrate in the builder.
    """

    graph: Path
    precision: Precision
    profile: Profile
    inputs: tuple[TensorSpec, ...]
    destination: Path
    options: Mapping[str, BuildOption] = field(default_factory=dict)
    calibration: Sequence[Mapping[str, np.ndarray]] = ()


@dataclass(frozen=True, kw_only=True)
class BuildIdentity:
    """What decides, beside the graph and the runtime's version, which engine comes out of a build.

    Attributes:
        device: name of the GPU, as its driver gives it, or of the processor.
        capability: CUDA compute capability, e.g. ``9.0``; empty for a processor.
        libraries: versions of what takes part in a build beside the runtime.
        options: every option that changes what is built, with the value in force, defaults included.
        plugins: libraries whose code the engine calls.
    """

    device: str
    capability: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, BuildOption] = field(default_factory=dict)
    plugins: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What a build left behind.

    Attributes:
        seconds: of wall time.
        bytes: size of the engine's file.
        options: those in force, as far as they are worth remembering.
        warnings: those worth showing.
        warning_kinds: how many of each kind there were, those not worth showing included.
        log: what the runtime said; empty where it says nothing.
    """

    seconds: float
    bytes: int
    options: Mapping[str, BuildOption]
    warnings: tuple[str, ...] = ()
    warning_kinds: Mapping[str, int] = field(default_factory=dict)
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class EngineLayer:
    """One layer of a built engine.

    Attributes:
        name: the engine's own name for it.
        operator: its type, e.g. ``Conv`` or ``com.microsoft.nchwc.Conv``.
        compute_type: the number type that it computes in; ``""`` for layers that only move or reshape data.
        outputs: the tensors that it makes.
        tactic: which implementation was chosen, where the runtime says.
    """

    name: str
    operator: str
    compute_type: str
    outputs: tuple[str, ...]
    tactic: str = ""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a built engine consists of."""

    layers: tuple[EngineLayer, ...]
    provider: str

    @property
    def type_shares(self) -> dict[str, float]:
        """Share of the computing layers by number type; empty where no layer computes."""
        types = [layer.compute_type for layer in self.layers if layer.compute_type]
        return {name: types.count(name) / len(types) for name in sorted(set(types))}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over operators, types and tactics in order: equal where a rebuild chose the same."""
        chosen = [(layer.operator, layer.compute_type, layer.tactic) for layer in self.layers]
        return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the inspection as plain data."""
        return {"layers": [asdict(layer) for layer in self.layers], "provider": self.provider}


class Engine(ABC):
    """A loaded engine."""

    @abstractmethod
    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return every output by name for one batch of ``inputs``.

        Raises:
            RunFailed: the runtime refused or failed.
        """

    @abstractmethod
    def timers(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Callable[[], float]]:
        """Return, by mode of launch, a function that runs once on ``inputs`` and returns milliseconds.

        ``host`` is there always: from inputs in host memory to outputs in host memory.
        """

    def facts(self) -> Mapping[str, float]:
        """Return what the engine knows of itself, by the name of its metric (harness.cases.METRICS)."""
        return {}

    def stream_throughput(
        self,
        inputs: Mapping[str, np.ndarray],  # noqa: ARG002 - for those that have streams
        streams: int,  # noqa: ARG002
        seconds: float,  # noqa: ARG002
    ) -> float | None:
        """Return runs a second with ``streams`` of them in flight at once, or None where the runtime has no streams."""
        return None

    def run_concurrently(
        self,
        inputs: Mapping[str, np.ndarray],  # noqa: ARG002 - for those that can
        contexts: int,  # noqa: ARG002
        runs: int,  # noqa: ARG002
    ) -> list[dict[str, np.ndarray]] | None:
        """Run the engine in several contexts at once, each of them several times, all on the same inputs.

        Returns:
            Every output by name, of one run or more of each context; None where the runtime cannot do that.

        Raises:
            RunFailed: the runtime refused or failed.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Give back what the engine holds."""


LayerReader = Callable[
    [Mapping[str, "np.ndarray"]], tuple[dict[str, "np.ndarray"], Iterable[tuple[str, str, "np.ndarray"]]]
]


class Runtime(ABC):
    """One way to run ONNX graphs, in this process.

    Attributes:
        name: ``onnxruntime``, ``onnxruntime-cuda`` or ``tensorrt``.
        emulated: the number types that it accepts but may compute in another one: an audit looks at the graph instead.
        on_gpu: whether engines run on a GPU, so that its telemetry belongs to their timings.
        slow_builds: whether a build takes so long that its engine is worth keeping from session to session.
        build_options: the options that ``build`` knows, each with the values it takes, or with none if it takes any.
        unreadable_layers: tensors of the graph that the last ``run_layers`` could not get out of the engine.
    """

    unreadable_layers: tuple[str, ...] = ()
    name: ClassVar[str]
    emulated: ClassVar[frozenset[str]]
    on_gpu: ClassVar[bool] = False
    slow_builds: ClassVar[bool] = False
    build_options: ClassVar[Mapping[str, tuple[BuildOption, ...]]]

    @abstractmethod
    def versions(self) -> SoftwareVersions:
        """Say which software this is."""

    @abstractmethod
    def unsupported(self, precision: Precision) -> str | None:
        """Say why ``precision`` cannot run here, or return None where it can."""

    @abstractmethod
    def build(self, request: BuildRequest) -> BuildResult:
        """Build an engine and write it to ``request.destination``.

        Raises:
            BuildFailed: the runtime refused the graph.
            ModelError: the graph is newer than the runtime reads.
            ConfigurationError: an option is unknown, or has a value that it cannot have.
        """

    def build_identity(self, request: BuildRequest) -> BuildIdentity:
        """Say what an engine of ``request`` depends on, so that it can be found again; nothing is built.

        Raises:
            ConfigurationError: as ``build`` does.
        """
        from harness.measurement.devices import present_gpus
        from harness.measurement.environment import processor_name

        self.check_options(request.options)
        gpus = present_gpus() if self.on_gpu else ()
        return BuildIdentity(
            device=gpus[0].name if gpus else processor_name(),
            libraries=self.versions().libraries,
            options=self.options_in_force(request),
        )

    def options_in_force(self, request: BuildRequest) -> Mapping[str, BuildOption]:
        """Return the build's options with the defaults of those that ``request`` leaves open."""
        return request.options

    def adopt(self, request: BuildRequest) -> None:
        """Make ``request.destination``, the copy of an engine of an equal request, as good as one built now.

        Raises:
            RunFailed: it does not load.
        """
        self.load(request.destination).close()

    @abstractmethod
    def inspect(self, engine: Path) -> Inspection:
        """List the layers of the engine in file ``engine``."""

    @abstractmethod
    def load(self, engine: Path) -> Engine:
        """Load the engine in file ``engine``.

        Raises:
            RunFailed: it does not load.
        """

    @abstractmethod
    def run_layers(
        self, request: BuildRequest, inputs: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], Iterable[tuple[str, str, np.ndarray]]]:
        """Run ``request.graph`` built so that its inner tensors can be read.

        Returns:
            The final outputs by name; and the inner tensors in graph order: name, type of its node, array.
        """

    def layer_reader(self, request: BuildRequest) -> LayerReader:
        """Return a function of inputs that does what ``run_layers`` does; what can be kept between its calls is.

        Its answer is good until it is called again.
        """
        return lambda inputs: self.run_layers(request, inputs)

    def profile(
        self,
        engine: Path,  # noqa: ARG002 - for those that can tell
        inputs: Mapping[str, np.ndarray],  # noqa: ARG002
    ) -> Mapping[str, float] | None:
        """Return the median milliseconds of each layer of the engine in file ``engine``, by the layer's name.

        They are taken in runs of their own, a few dozen at most, in which a profiler slows the engine down.

        Returns:
            Layers that take no time of their own may be missing; None where the runtime cannot tell layers apart.

        Raises:
            RunFailed: the engine does not load, or does not run on ``inputs``.
        """
        return None

    @classmethod
    def check_options(cls, options: Mapping[str, BuildOption]) -> None:
        """Raise ConfigurationError for an option that ``build`` does not know or a value that it does not take."""
        for name, value in options.items():
            if name not in cls.build_options:
                raise ConfigurationError(unknown_value(f"build option of {cls.name}", name, cls.build_options))
            allowed = cls.build_options[name]
            if allowed and value not in allowed:
                raise ConfigurationError(
                    f"build option {name}={value!r}: {cls.name} takes {', '.join(map(repr, allowed))}"
                )
