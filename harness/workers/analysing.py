"""Layers run alone: each from its reference's activations, on the CPU, to tell an error made from one passed on."""

from __future__ import annotations

import math
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from harness.accuracy import LayerError, TensorError
from harness.accuracy.attribution import attribute, culprit, relative_error
from harness.accuracy.ranges import FLOAT_RANGES, QuantisedRange, SpreadCounter, spread_of
from harness.accuracy.reasons import Evidence, reason
from harness.cases import specs_from_json
from harness.errors import RunFailed
from harness.graphs.blocks import blocks_of, cut
from harness.graphs.element_types import element_types
from harness.graphs.expose import expose
from harness.graphs.save import save_model
from harness.runtimes.onnxruntime_session import open_session, run_session, session_options
from harness.workers.comparing import LayerComparison
from harness.workers.reference_layers import ReferenceLayers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from onnx import ModelProto, NodeProto

    from harness.accuracy.attribution import LayerOrigin
    from harness.graphs.blocks import Block

# Of the limits of a tolerance, those that are ratios.
_RATIOS = frozenset({"cosine", "max_rel", "sqnr_db"})
# Recipes whose numbers the graph's types do not tell: a CPU stands in for them with float32.
_NUMBER_TYPES = {"bf16": "bfloat16", "fp16-flags": "float16"}


def analyse_layers(request: Mapping[str, Any]) -> dict[str, Any]:
    """Tell where the errors of layers come from; see ``harness.accuracy.attribution``.

    Args:
        request: ``graph`` (path, in its precision), ``recipe``, ``inputs`` (specs), ``folder`` of the reference's
            point, ``rows_along``, and ``tensors``: the entries of ``compare_layers``.

    Returns:
        ``culprit``: the tensor whose layer makes the most of the error, or None where none is outside its tolerance;
        ``lines``: what to say of it; ``tensors``: by name, plain data for strict JSON, with errors relative to the
        reference's RMS: ``handed``, ``added``, ``made``, ``by_engine``, ``counts``; for layers outside their tolerance
        and the culprit also ``reason``, ``reference`` and ``weights``: ranges and histograms.

    Raises:
        RunFailed: onnxruntime cannot run the graph in parts.
        ModelError: the types of the graph's tensors cannot be inferred.
    """
    layers = [
        LayerError(entry["position"], entry["tensor"], entry["operator"], TensorError.from_json(entry["errors"]))
        for entry in request["tensors"]
    ]
    model = onnx.load(request["graph"])
    names = {layer.tensor for layer in layers}
    alone = LayersAlone(model, names)
    reference = ReferenceLayers(Path(request["folder"]), specs_from_json(request["inputs"]), request.get("rows_along"))
    spreads = _Spreads(model, alone.blocks, _NUMBER_TYPES.get(request["recipe"], ""))
    inputs = {name: block.inputs for name, block in alone.blocks.items()}
    added = alone.errors(reference, spreads)
    origins = attribute(layers, inputs, added)
    if any(origin.by_engine for origin in origins):
        whole = errors_of_whole(model, names, reference)
        origins = attribute(layers, inputs, added, whole)
        if any(origin.by_engine for origin in origins):
            noise = {layer.tensor: layer.error.rmse for layer in layers if math.isfinite(relative_error(layer.error))}
            origins = attribute(layers, inputs, added, whole, alone.errors(reference, noise=noise))
    failing = {entry["tensor"] for entry in request["tensors"] if entry["passed"] is False}
    limits = {entry["tensor"]: entry["tolerance"].keys() for entry in request["tensors"] if entry["tolerance"]}
    absolute = {tensor for tensor, measures in limits.items() if not _RATIOS & measures}
    found = culprit(origins, inputs, failing=failing, unranked=absolute)
    told = failing | ({found.layer.tensor} if found else set())
    entries = {}
    for origin in origins:
        name = origin.layer.tensor
        evidence = spreads.evidence(name, added, weights=name in told)
        entries[name] = _entry(origin, evidence, detailed=name in told)
    return {
        "culprit": found.layer.tensor if found else None,
        "lines": [f"most of it is made by {found}", f"why: {entries[found.layer.tensor]['reason']}"] if found else [],
        "tensors": entries,
    }


class LayersAlone:
    """A graph of which each layer can be run from its reference's inputs.

    Attributes:
        blocks: what makes each tensor, by its name.

    Args:
        model: the graph in its precision.
        names: the tensors to cut it at.

    Raises:
        RunFailed: onnxruntime cannot load the graph that was cut.
        ModelError: see ``cut``.
    """

    def __init__(self, model: ModelProto, names: Iterable[str]) -> None:
        found = cut(model, set(names))
        self._handed, self._outputs = found.handed, found.outputs
        self.blocks: dict[str, Block] = blocks_of(model, found.outputs)
        self._run = _runner(found.model)

    def errors(
        self,
        reference: ReferenceLayers,
        spreads: _Spreads | None = None,
        *,
        noise: Mapping[str, float] | None = None,
    ) -> dict[str, TensorError]:
        """Run every layer alone and return the errors of what they make, by tensor.

        Args:
            reference: inputs and expected tensors.
            spreads: told of all values, where given.
            noise: RMSE of Gaussian noise on the inputs of layers, by tensor.
        """
        compared = LayerComparison(reference)
        for number, part in enumerate(reference.parts()):
            feed = {}
            for name, (tensor, dtype) in self._handed.items():
                values = _with_noise(part.expected[tensor], (noise or {}).get(tensor, 0.0), tensor, number)
                feed[name] = _as_type(values, dtype)
            made = self._run({**part.inputs, **feed})
            compared.add(((tensor, "", made[tensor]) for tensor in self._outputs), part.expected)
            if spreads is not None:
                spreads.add({**part.expected, **part.inputs})
            del part, feed, made  # before the next part is made
        return {layer.tensor: layer.error for layer in compared.errors()}


def errors_of_whole(model: ModelProto, names: Collection[str], reference: ReferenceLayers) -> dict[str, TensorError]:
    """Run the whole graph, unoptimised and on the CPU, and return the errors of the tensors in ``names``.

    Raises:
        RunFailed: onnxruntime cannot load or run the graph.
    """
    exposed, layers = expose(model, only=names)
    run = _runner(exposed)
    del exposed
    compared = LayerComparison(reference)
    for part in reference.parts():
        made = run(part.inputs)
        compared.add(((layer.tensor, layer.operator, made[layer.tensor]) for layer in layers), part.expected)
        del part, made  # before the next part is made
    return {layer.tensor: layer.error for layer in compared.errors()}


@dataclass(frozen=True)
class _Quantiser:
    tensor: str
    fits: QuantisedRange


class _Spreads:
    """What the values of a graph's tensors are like, beside what they are rounded to."""

    def __init__(self, model: ModelProto, blocks: Mapping[str, Block], number_type: str) -> None:
        types = element_types(model)
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._blocks = blocks
        self._types = {
            name: (number_type if types.get(name) == "float32" else "") or types.get(name, "") for name in blocks
        }
        self._outputs = {name: SpreadCounter(FLOAT_RANGES.get(self._types[name])) for name in blocks}
        self._quantisers = {
            quantiser: SpreadCounter(quantiser.fits)
            for block in blocks.values()
            for quantiser in self._quantisers_of(block)
        }

    def add(self, values: Mapping[str, np.ndarray]) -> None:
        """Count one part of the reference's values, by tensor; those of the model's inputs are among them."""
        for name, counter in self._outputs.items():
            counter.add(values[name])
        for quantiser, counter in self._quantisers.items():
            if quantiser.tensor in values:
                counter.add(values[quantiser.tensor])

    def evidence(self, tensor: str, added: Mapping[str, TensorError], *, weights: bool) -> Evidence:
        """Return what is known of the layer that makes ``tensor``, with its ``weights`` if they are wanted."""
        if tensor not in self._blocks:
            return Evidence(number_type="", reference=spread_of(np.zeros(0)), quantised={}, weights={})
        block = self._blocks[tensor]
        return Evidence(
            number_type=self._types[tensor],
            reference=self._outputs[tensor].spread(),
            broken=added[tensor].mismatched_nonfinite if tensor in added else 0,
            quantised={q.tensor: (q.fits, self._quantisers[q].spread()) for q in self._quantisers_of(block)},
            weights={name: spread_of(array) for name, array in self._weights_of(block)} if weights else {},
        )

    def _quantisers_of(self, block: Block) -> Iterator[_Quantiser]:
        for node in block.nodes:
            if node.op_type != "QuantizeLinear" or node.input[1] not in self._constants:
                continue
            scale = numpy_helper.to_array(self._constants[node.input[1]])
            zero = self._constants.get(node.input[2]) if len(node.input) > 2 else None
            kind = np.dtype(np.uint8) if zero is None else numpy_helper.to_array(zero).dtype
            if scale.size == 1 and kind.kind in "iu":
                offset = 0 if zero is None else int(numpy_helper.to_array(zero).reshape(-1)[0])
                fits = QuantisedRange(name=kind.name, scale=float(scale.reshape(-1)[0]), zero_point=offset)
                yield _Quantiser(node.input[0], fits)

    def _weights_of(self, block: Block) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the block's weights of one dimension and more as real numbers."""
        steps = {node.input[0]: node for node in block.nodes if node.op_type == "DequantizeLinear"}
        scales = {name for node in steps.values() for name in node.input[1:]}
        scales |= {name for node in block.nodes if node.op_type == "QuantizeLinear" for name in node.input[1:]}
        for name in block.weights:
            tensor = self._constants[name]
            if name in scales or not tensor.dims or tensor.data_type in (TensorProto.INT64, TensorProto.STRING):
                continue
            array = numpy_helper.to_array(tensor)
            yield name, self._dequantised(array, steps[name]) if name in steps else array

    def _dequantised(self, array: np.ndarray, node: NodeProto) -> np.ndarray:
        steps = [numpy_helper.to_array(self._constants[name]).astype(np.float32) for name in node.input[1:]]
        if steps[0].size > 1:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1) % array.ndim
            steps = [step.reshape([-1 if i == axis else 1 for i in range(array.ndim)]) for step in steps]
        zero = steps[1] if len(steps) > 1 else np.float32(0.0)
        real: np.ndarray = (array.astype(np.float32) - zero) * steps[0]
        return real


def _entry(origin: LayerOrigin, evidence: Evidence, *, detailed: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "handed": _plain(origin.handed),
        "added": None if origin.added is None else _plain(origin.added),
        "made": _plain(origin.made),
        "by_engine": origin.by_engine,
        "counts": evidence.counts,
    }
    if detailed:
        entry["reason"] = reason(origin, evidence)
        entry["reference"] = evidence.reference.to_json()
        entry["weights"] = {name: spread.to_json() for name, spread in evidence.weights.items()}
    return entry


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _runner(model: ModelProto) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    names = [output.name for output in model.graph.output]
    # Each operator as the specification has it: an optimiser would fold what was cut apart, and casts with it.
    options = session_options("disabled", spin=False)
    options.enable_cpu_mem_arena = False
    with tempfile.TemporaryDirectory(prefix="layers-") as folder:
        # As a file: a graph of more than 2 GB has no other way.
        path = Path(folder) / "cut.onnx"
        save_model(model, path)
        session = open_session(path, options, ["CPUExecutionProvider"], RunFailed)
    return lambda inputs: dict(zip(names, run_session(session, names, inputs), strict=True))


def _with_noise(array: np.ndarray, rmse: float, name: str, number: int) -> np.ndarray:
    if not rmse or array.dtype.kind != "f":
        return array
    generator = np.random.default_rng([zlib.crc32(name.encode()), number])
    noise = generator.standard_normal(array.shape, dtype=np.float32)
    noise *= np.float32(rmse)
    noise += array
    return noise


def _as_type(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return ``array`` in ``dtype``; what overflows there is an error of whoever made it, so here it is clamped."""
    if array.dtype == dtype or dtype.kind != "f":
        return array.astype(dtype, copy=False)
    largest = np.finfo(dtype).max
    clamped: np.ndarray = np.clip(array, -float(largest), float(largest)).astype(dtype)
    return clamped
