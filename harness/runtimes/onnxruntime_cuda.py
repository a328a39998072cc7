"""onnxruntime's CUDA provider as a runtime: the engine is the graph as it optimised it for the GPU, saved."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.errors import RunFailed
from harness.runtimes.base import BuildResult, Inspection, SoftwareVersions
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.runtimes.onnxruntime_cuda_library import (
    CPU_PROVIDER,
    CUDA_PROVIDER,
    cuda_libraries,
    cuda_providers,
    has_come_up,
    require_cuda,
)
from harness.runtimes.onnxruntime_nodes import read_nodes
from harness.runtimes.onnxruntime_session import open_session, session_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from harness.cases import Precision
    from harness.errors import BuildFailed
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.onnxruntime_cuda_engine import CudaEngine

# Whether TF32 is allowed is an option of the session, which an optimised graph does not carry, and a trial knows of an
# engine only its file. So an engine of the recipe tf32 ends in this: a model's metadata, which in a serialised
# protocol buffer may stand anywhere, and is merged with the rest by whoever reads the file.
_TF32_KEY = "trt-harness.use_tf32"
# MemcpyToHost and MemcpyFromHost, which onnxruntime puts between nodes on different sides.
_COPY = "Memcpy"
_MOST_NODES = 12


@dataclass(frozen=True)
class Placement:
    """Which provider runs each node of an engine.

    Attributes:
        providers: by the node's name, without those that copy; empty where this onnxruntime does not tell.
        copies: number of nodes that only carry a tensor between host and device.
    """

    providers: Mapping[str, str]
    copies: int

    @property
    def on_cpu(self) -> tuple[str, ...]:
        """The nodes that the CPU runs, in no order."""
        return tuple(name for name, provider in self.providers.items() if provider == CPU_PROVIDER)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of latencies should know."""
        said = []
        if self.on_cpu:
            shown = ", ".join(map(repr, self.on_cpu[:_MOST_NODES]))
            more = f" and {len(self.on_cpu) - _MOST_NODES} more" if len(self.on_cpu) > _MOST_NODES else ""
            said.append(f"{len(self.on_cpu)} of {len(self.providers)} nodes run on the CPU: {shown}{more}")
        if self.copies:
            said.append(f"{self.copies} Memcpy nodes carry tensors between host and device within a run")
        if not self.providers:
            said.append("this onnxruntime does not tell which nodes run on the CPU")
        return tuple(said)


class CudaOnnxRuntime(OnnxRuntime):
    """The CUDA provider of the onnxruntime that this interpreter has, on the GPU that CUDA calls the current one.

    Nothing is loaded before it is asked for, so that a missing library or driver is an answer to a question and not the
    end of the worker. ``fp32`` is FP32: TF32, which this provider uses by default, is on for the recipe ``tf32`` alone.
    """

    name = "onnxruntime-cuda"
    on_gpu = True
    provider = CUDA_PROVIDER
    # float16 has kernels of its own. The recipe bf16 is a graph of casts around float32 arithmetic, and between the
    # pairs of an int8 graph every layer computes in float32: fusing them is done for the CPU provider only.
    emulated = frozenset({"bfloat16", "int8"})

    def versions(self) -> SoftwareVersions:
        """Say which onnxruntime this is, and which CUDA, cuDNN and driver stand beside it.

        Raises:
            ConfigurationError: it has no CUDA provider, or libraries that it needs are missing.
            TargetError: there is no driver or no GPU.
        """
        return self._versions

    def unsupported(self, precision: Precision) -> str | None:
        """Say why ``precision`` cannot run here, or return None where it can."""
        return None if precision.recipe == "tf32" else super().unsupported(precision)

    def build(self, request: BuildRequest) -> BuildResult:
        """Optimise the graph and save it as the engine; nodes that the CPU is left with are warnings."""
        result = super().build(request)
        if request.precision.recipe == "tf32":
            with request.destination.open("ab") as file:
                file.write(_tf32_mark())
        placement = self._placement(request.destination)
        kinds = {"nodes on the CPU": len(placement.on_cpu), "copies within a run": placement.copies}
        return replace(
            result,
            bytes=request.destination.stat().st_size,
            warnings=placement.warnings,
            warning_kinds={kind: count for kind, count in kinds.items() if count},
        )

    def inspect(self, engine: Path) -> Inspection:
        """List the nodes of the optimised graph; the tactic of each is the provider that runs it."""
        plain = super().inspect(engine)
        providers = self._placement(engine).providers
        return replace(
            plain, layers=tuple(replace(layer, tactic=providers.get(layer.name, "")) for layer in plain.layers)
        )

    def load(self, engine: Path) -> CudaEngine:
        """Load an optimised graph as it is."""
        from harness.runtimes.onnxruntime_cuda_engine import CudaEngine

        tf32 = _allows_tf32(engine)

        def open_anew(*, captured: bool) -> Any:
            options = session_options("disabled")
            return self._open(engine, options, RunFailed, tf32=tf32, captured=captured)

        return CudaEngine(open_anew)

    def profile(self, engine: Path, inputs: Mapping[str, np.ndarray]) -> Mapping[str, float] | None:  # noqa: ARG002
        """Return None: what onnxruntime's profiler times of a node on the GPU is its launch; see Runtime.profile."""
        return None

    @functools.cached_property
    def _versions(self) -> SoftwareVersions:
        """Asked once, and before anything is built: a library that a build loads must not make another subject."""
        require_cuda()
        return SoftwareVersions(runtime=self.name, version=super().versions().version, libraries=cuda_libraries())

    def _open(
        self,
        graph: Path | bytes,
        options: Any,
        failure: type[BuildFailed | RunFailed],
        *,
        tf32: bool = False,
        captured: bool = False,
    ) -> Any:
        session = open_session(graph, options, cuda_providers(tf32=tf32, captured=captured), failure)
        if not has_come_up(session):
            require_cuda()  # says why, where it does so for any graph
            raise failure("onnxruntime left the GPU and took the CPU provider for this graph, without giving a reason")
        session.disable_fallback()  # the same for what fails in a run
        return session

    def _placement(self, engine: Path) -> Placement:
        options = session_options("disabled")
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        session = self._open(engine, options, RunFailed, tf32=_allows_tf32(engine))
        parts: Any = getattr(session, "get_provider_graph_assignment_info", tuple)()
        return Placement(
            providers={
                node.name: part.ep_name
                for part in parts
                for node in part.get_nodes()
                if not node.op_type.startswith(_COPY)
            },
            copies=sum(layer.operator.startswith(_COPY) for layer in read_nodes(engine)),
        )


def _tf32_mark() -> bytes:
    from onnx import ModelProto, StringStringEntryProto

    entry = StringStringEntryProto(key=_TF32_KEY, value="1")
    mark: bytes = ModelProto(metadata_props=[entry]).SerializeToString()
    return mark


def _allows_tf32(engine: Path) -> bool:
    mark = _tf32_mark()
    with engine.open("rb") as file:
        file.seek(max(0, engine.stat().st_size - len(mark)))
        return file.read() == mark
