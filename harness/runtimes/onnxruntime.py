"""onnxruntime's CPU provider as a runtime: the engine is the graph as it optimised it, saved."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness.errors import BuildFailed, RunFailed
from harness.runtimes.base import (
    BuildOption,
    BuildRequest,
    BuildResult,
    Engine,
    Inspection,
    LayerReader,
    Runtime,
    SoftwareVersions,
)
from harness.runtimes.onnxruntime_nodes import read_nodes
from harness.runtimes.onnxruntime_session import open_session, run_session, session_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.cases import Precision


class OnnxRuntime(Runtime):
    """The CPU provider of the onnxruntime that this interpreter has.

    Attributes:
        provider: which of onnxruntime's execution providers runs the graph.
    """

    name = "onnxruntime"
    provider: ClassVar[str] = "CPUExecutionProvider"
    # Half precision goes through casts around float32 kernels. An int8 kernel takes the place of a layer only where
    # nothing stands between it and its pairs: before a symmetric scale a Relu stays, and the layer before that computes
    # in float32 on rounded numbers. Of squeezenet's layers 38 % are int8 in onnxruntime 1.31.1, of the detector's 5 %.
    emulated = frozenset({"float16", "bfloat16", "int8"})
    build_options: ClassVar[Mapping[str, tuple[BuildOption, ...]]] = {
        "optimization": ("disabled", "basic", "extended", "all")
    }

    def versions(self) -> SoftwareVersions:
        """Say which onnxruntime this is."""
        import onnxruntime

        return SoftwareVersions(
            runtime=self.name, version=onnxruntime.__version__, libraries={"provider": self.provider}
        )

    def unsupported(self, precision: Precision) -> str | None:
        """Say why ``precision`` cannot run on a CPU, or return None where it can."""
        return {
            "tf32": "TF32 is a number type of NVIDIA tensor cores; a CPU has none",
            "fp16-flags": "builder flags are TensorRT's; onnxruntime has no builder to set them on (use fp16)",
            "int8-calibrator": "calibrators are TensorRT's; onnxruntime has none (use int8)",
        }.get(precision.recipe)

    def options_in_force(self, request: BuildRequest) -> Mapping[str, BuildOption]:
        """Return the build's options; the level of optimisation depends on the precision."""
        return {**request.options, "optimization": _level(request)}

    def build(self, request: BuildRequest) -> BuildResult:
        """Optimise the graph and save it as the engine; see Runtime.build."""
        self.check_options(request.options)
        level = _level(request)
        started = time.perf_counter()
        options = session_options(level)
        options.optimized_model_filepath = str(request.destination)
        self._open(request.graph, options, BuildFailed, tf32=request.precision.recipe == "tf32")
        return BuildResult(
            seconds=time.perf_counter() - started,
            bytes=request.destination.stat().st_size,
            options={"optimization": level},
        )

    def inspect(self, engine: Path) -> Inspection:
        """List the nodes of the optimised graph with the type that each computes in."""
        return Inspection(layers=read_nodes(engine), provider=self.provider)

    def load(self, engine: Path) -> Engine:
        """Load an optimised graph as it is."""
        return SessionEngine(self._open(engine, session_options("disabled"), RunFailed))

    def profile(self, engine: Path, inputs: Mapping[str, np.ndarray]) -> Mapping[str, float] | None:
        """Return the milliseconds of each node's kernel; see Runtime.profile."""
        from harness.runtimes.onnxruntime_profiling import profile_nodes

        return profile_nodes(
            session_options("disabled"),
            lambda options: self._open(engine, options, RunFailed),
            lambda session: run_session(session, None, inputs),
        )

    def run_layers(
        self, request: BuildRequest, inputs: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], Iterable[tuple[str, str, np.ndarray]]]:
        """Run the graph with every node's outputs exposed, at the optimisation level of the build."""
        return self.layer_reader(request)(inputs)

    def layer_reader(self, request: BuildRequest) -> LayerReader:
        """Return what runs the exposed graph, which is loaded once; see Runtime.layer_reader."""
        from harness.graphs.expose import expose
        from harness.graphs.load import load_model

        exposed, layers = expose(load_model(request.graph))
        inner = {layer.tensor for layer in layers}
        options = session_options(_level(request), spin=False)
        # The arena would keep every output of a run while the next ones are made beside them.
        options.enable_cpu_mem_arena = False
        session = self._open(exposed.SerializeToString(), options, RunFailed, tf32=request.precision.recipe == "tf32")
        names = [output.name for output in session.get_outputs()]

        def read(
            inputs: Mapping[str, np.ndarray],
        ) -> tuple[dict[str, np.ndarray], Iterable[tuple[str, str, np.ndarray]]]:
            tensors = dict(zip(names, run_session(session, None, inputs), strict=True))
            finals = {name: array for name, array in tensors.items() if name not in inner}
            return finals, ((layer.tensor, layer.operator, tensors[layer.tensor]) for layer in layers)

        del exposed
        return read

    def _open(
        self,
        graph: Path | bytes,
        options: Any,
        failure: type[BuildFailed | RunFailed],
        *,
        tf32: bool = False,  # noqa: ARG002 - for providers that have it
    ) -> Any:
        """Open a session; ``failure`` is raised where onnxruntime refuses the graph."""
        return open_session(graph, options, [self.provider], failure)


class SessionEngine(Engine):
    """A session of onnxruntime as an engine, fed from host memory and read back into it."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return every output by name; see Engine.run."""
        return dict(zip(self._outputs, run_session(self._session, self._outputs, inputs), strict=True))

    def timers(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Callable[[], float]]:
        """Return the mode ``host``; see Engine.timers."""
        feed = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        run, outputs, clock = self._session.run, self._outputs, time.perf_counter

        def host() -> float:
            started = clock()
            run(outputs, feed)
            return (clock() - started) * 1e3

        run_session(
            self._session, outputs, feed
        )  # a refusal is told apart from a slow run, and before the clock starts
        return {"host": host}

    def run_concurrently(
        self, inputs: Mapping[str, np.ndarray], contexts: int, runs: int
    ) -> list[dict[str, np.ndarray]]:
        """Run the session from as many threads at once; see Engine.run_concurrently."""
        start = threading.Barrier(contexts)

        def several(_: int) -> list[dict[str, np.ndarray]]:
            start.wait()
            return [self.run(inputs) for _ in range(runs)]

        with ThreadPoolExecutor(contexts) as pool:
            return [outputs for of_thread in pool.map(several, range(contexts)) for outputs in of_thread]

    def close(self) -> None:
        """Give back the session."""
        self._session = None


def _level(request: BuildRequest) -> str:
    # A graph of casts that stands for bfloat16 is only an oracle while no optimiser removes the casts.
    default = "disabled" if request.precision.recipe == "bf16" else "all"
    return str(request.options.get("optimization", default))
