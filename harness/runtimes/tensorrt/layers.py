"""Reading the tensors inside an engine: as debug tensors where they exist, else as outputs, a few at a time."""

from __future__ import annotations

import ctypes
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import BuildFailed, RunFailed
from harness.runtimes.tensorrt.build import build_plan
from harness.runtimes.tensorrt.engine import TensorRTEngine
from harness.runtimes.tensorrt.network import inputs_of, layers_of, make_builder, outputs_of, parse_network
from harness.runtimes.tensorrt.number_types import numpy_dtype, plan_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.graphs.expose import LayerTensor
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.tensorrt.options import BuildSettings
    from harness.runtimes.tensorrt.tools import Tools

# What a reference has under the same name. An output of INT8 would need scales, and those of the nodes that make INT8
# must stay inside: a layer whose dequantised operand is also an output no longer computes in INT8.
_READABLE_TYPES = frozenset({"FLOAT", "HALF", "BF16", "INT32", "INT64"})
_QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})

# Ends the name of an output that is a copy of the tensor called so without it.
_COPY = "__copied_to_be_read"

# How many engines more than planned may be built to get round outputs that break the builder.
_FURTHER_BUILDS = 8

# Outputs keep their memory for the whole run, so that all of a large network's would not fit beside it.
MEMORY_BOUND = 4 * 1024**3


class LayerReader:
    """Builds instrumented engines of one graph and reads their inner tensors.

    Attributes:
        unreadable: names of the graph's tensors that no engine gave out, after ``read``.

    Args:
        tools: TensorRT and CUDA.
        request: the build whose layers are read.
        settings: how it is built.
        cache: file of the timing cache, or None.
        memory_bound: bytes of outputs that one engine may have.
    """

    def __init__(
        self,
        tools: Tools,
        request: BuildRequest,
        settings: BuildSettings,
        cache: Path | None,
        memory_bound: int = MEMORY_BOUND,
    ) -> None:
        self.unreadable: tuple[str, ...] = ()
        self._tools, self._request, self._settings, self._cache = tools, request, settings, cache
        self._memory_bound = memory_bound

    def read(self, inputs: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[tuple[str, str, np.ndarray]]]:
        """Run the graph on ``inputs``; see Runtime.run_layers."""
        from harness.graphs.expose import expose
        from harness.graphs.load import load_model

        _, exposed = expose(load_model(self._request.graph))
        wanted = [layer for layer in exposed if layer.operator not in _QUANTISING]
        if self._tools.features.debug_tensors:
            finals, tensors = self._as_debug_tensors(inputs, wanted)
        else:
            finals, tensors = self._as_outputs(inputs, wanted)
        self.unreadable = tuple(layer.tensor for layer in wanted if layer.tensor not in tensors)
        return finals, [
            (layer.tensor, layer.operator, tensors[layer.tensor]) for layer in wanted if layer.tensor in tensors
        ]

    def _as_debug_tensors(
        self, inputs: Mapping[str, np.ndarray], wanted: Sequence[LayerTensor]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        names = {layer.tensor for layer in wanted}
        if self._tools.features.unfused_debug_tensors:
            finals, tensors = self._debugged(inputs, lambda network: network.mark_unfused_tensors_as_debug_tensors())
            if names & tensors.keys():
                return finals, tensors
            # They go by the engine's own names; where none is the graph's, nothing could be compared.

        def mark(network: Any) -> None:
            for tensor in _markable(network, names):
                network.mark_debug(tensor)

        return self._debugged(inputs, mark)

    def _debugged(
        self, inputs: Mapping[str, np.ndarray], mark: Callable[[Any], Any]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        with self._engine(mark) as engine:
            execution = engine.new_execution()
            listener = make_listener(self._tools)
            try:
                execution.bind(inputs)
                context = execution.context
                if not context.set_debug_listener(listener) or not context.set_all_tensors_debug_state(True):
                    raise RunFailed("TensorRT does not let its debug tensors be read")
                if self._tools.features.unfused_debug_tensors:
                    context.unfused_tensors_debug_state = True
                execution.enqueue()
                return execution.outputs(), listener.tensors
            finally:
                execution.close()

    def _as_outputs(
        self, inputs: Mapping[str, np.ndarray], wanted: Sequence[LayerTensor]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        sizes = self._sizes(inputs, {layer.tensor for layer in wanted})
        waiting = list(chunks_within([layer.tensor for layer in wanted], sizes, self._memory_bound))
        most_builds = len(waiting) + _FURTHER_BUILDS
        finals: dict[str, np.ndarray] | None = None
        tensors: dict[str, np.ndarray] = {}
        failure: BuildFailed | None = None
        for _ in range(most_builds):
            if not waiting:
                break
            chunk = waiting.pop(0)
            try:
                results = self._with_outputs(inputs, set(chunk))
            except BuildFailed as error:
                # TensorRT 8 fails an assertion of its own over some outputs: find the others.
                failure = error
                half = len(chunk) // 2
                waiting += [part for part in (chunk[:half], chunk[half:]) if part and half]
                continue
            tensors.update({name: array for name, array in results.items() if name in chunk})
            finals = {name: array for name, array in results.items() if name not in chunk}
        if finals is None:
            raise failure or BuildFailed("no engine could be built that gives out an inner tensor")
        return finals, tensors

    def _with_outputs(self, inputs: Mapping[str, np.ndarray], names: set[str]) -> dict[str, np.ndarray]:
        def mark(network: Any) -> None:
            quantised = _is_quantised(network)
            for tensor in _markable(network, names):
                network.mark_output(_copy_of(network, tensor) if quantised else tensor)

        with self._engine(mark) as engine:
            return {name.removesuffix(_COPY): array for name, array in engine.run(inputs).items()}

    def _sizes(self, inputs: Mapping[str, np.ndarray], names: set[str]) -> dict[str, int]:
        """Estimate the bytes of each tensor that can be marked; free dimensions count as the inputs' largest."""
        tools, request = self._tools, self._request
        free = self._largest_free(inputs)
        builder = make_builder(tools)
        network, parser = parse_network(tools, builder, request, plan_types(request.precision, tools.features))
        sizes = {tensor.name: bytes_of(tuple(tensor.shape), free) for tensor in _markable(network, names)}
        del parser
        return sizes

    def _largest_free(self, inputs: Mapping[str, np.ndarray]) -> int:
        sizes = [
            size
            for spec in self._request.inputs
            for declared, size in zip(spec.shape, inputs[spec.name].shape, strict=True)
            if isinstance(declared, str)
        ]
        return max(sizes, default=1)

    def _engine(self, prepare: Callable[[Any], Any]) -> _TemporaryEngine:
        plan = build_plan(self._tools, self._request, self._settings, cache=self._cache, prepare=prepare)
        return _TemporaryEngine(self._tools, plan.content)


class _TemporaryEngine:
    """An engine whose plan is gone once it is loaded."""

    def __init__(self, tools: Tools, content: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="layers-") as folder:
            path = Path(folder) / "instrumented.plan"
            path.write_bytes(memoryview(content))
            self._engine = TensorRTEngine(tools, path)

    def __enter__(self) -> TensorRTEngine:
        return self._engine

    def __exit__(self, *_: object) -> None:
        self._engine.close()


def chunks_within(names: Sequence[str], sizes: Mapping[str, int], bound: int) -> Iterator[tuple[str, ...]]:
    """Yield ``names`` in order, in groups whose ``sizes`` (bytes) add up to at most ``bound``, or that have one member.

    Names without a size are left out; without any name that has one, a single empty group is yielded.
    """
    chunk: list[str] = []
    total = 0
    for name in (name for name in names if name in sizes):
        if chunk and total + sizes[name] > bound:
            yield tuple(chunk)
            chunk, total = [], 0
        chunk.append(name)
        total += sizes[name]
    yield tuple(chunk)


def bytes_of(shape: tuple[int, ...], free: int) -> int:
    """Estimate the bytes of a float32 tensor of ``shape``, whose free dimensions (-1) are taken to be ``free``."""
    return 4 * math.prod(free if size < 0 else size for size in shape)


def _markable(network: Any, names: set[str]) -> list[Any]:
    """Return the tensors called ``names`` that can be made outputs: no shapes, no inputs, no outputs already."""
    taken = {tensor.name for tensor in (*inputs_of(network), *outputs_of(network))}
    found = []
    for layer in layers_of(network):
        for index in range(layer.num_outputs):
            tensor = layer.get_output(index)
            wanted = tensor is not None and tensor.name in names and tensor.name not in taken
            if wanted and not tensor.is_shape_tensor and tensor.dtype.name in _READABLE_TYPES:
                taken.add(tensor.name)
                found.append(tensor)
    return found


def _is_quantised(network: Any) -> bool:
    return any(layer.type.name == "QUANTIZE" for layer in layers_of(network))


def _copy_of(network: Any, tensor: Any) -> Any:
    """Return a copy of ``tensor``, which may be an output where the tensor itself may not.

    TensorRT 8 moves quantisation to where numbers still have eight bits. Over a tensor on the way that is an output it
    fails an assertion of its own (``c < mSet.size()`` in cgraph.h), as seen with the activations of squeezenet on 8.5.3
    and 8.6.0; over one that is merely used by one layer more it does not.
    """
    copy = network.add_identity(tensor).get_output(0)
    copy.name = tensor.name + _COPY
    return copy


def make_listener(tools: Tools) -> Any:
    """Return a ``trt.IDebugListener`` that keeps a copy of each debug tensor in ``tensors``."""
    trt, cuda = tools.trt, tools.cuda
    stream = cuda.stream()

    class Listener(trt.IDebugListener):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IDebugListener.__init__(self)
            self.tensors: dict[str, np.ndarray] = {}

        def process_debug_tensor(self, *told: Any) -> None:
            address, location, data_type, shape, name, _ = told
            array = np.empty(tuple(shape), dtype=numpy_dtype(data_type))
            cuda.call("cudaDeviceSynchronize")  # what made it may still be running, on a stream that is not ours
            if location == trt.TensorLocation.HOST:
                ctypes.memmove(array.ctypes.data, address, array.nbytes)
            else:
                stream.copy_out(array.ctypes.data, address, array.nbytes)
                stream.wait()
            self.tensors[name] = array

    return Listener()
