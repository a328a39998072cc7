"""onnxruntime's CPU provider as a runtime: the engine is the graph as it optimised it, saved."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness.errors import BuildFailed, ModelError, RunFailed
from harness.runtimes.base import (
    BuildOption,
    BuildRequest,
    BuildResult,
    Engine,
    EngineLayer,
    Inspection,
    Runtime,
    SoftwareVersions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.cases import Precision

_PROVIDER = "CPUExecutionProvider"
_TOO_NEW = re.compile(
    r"Unsupported model IR version: (?P<ir>\d+), max supported IR version: (?P<max_ir>\d+)"
    r"|Opset (?P<opset>\d+) is under development.*?till opset (?P<max_opset>\d+)",
    re.DOTALL,
)
# onnxruntime prefixes its messages with an address in its own source.
_NOISE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |/\S+/onnxruntime/\S+:\d+ ")


class OnnxRuntime(Runtime):
    """The CPU provider of the onnxruntime that this interpreter has."""

    name = "onnxruntime"
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

        return SoftwareVersions(runtime=self.name, version=onnxruntime.__version__, libraries={"provider": _PROVIDER})

    def unsupported(self, precision: Precision) -> str | None:
        """Say why ``precision`` cannot run on a CPU, or return None where it can."""
        return {
            "tf32": "TF32 is a number type of NVIDIA tensor cores; a CPU has none",
            "fp16-flags": "builder flags are TensorRT's; onnxruntime has no builder to set them on (use fp16)",
            "int8-calibrator": "calibrators are TensorRT's; onnxruntime has none (use int8)",
        }.get(precision.recipe)

    def build(self, request: BuildRequest) -> BuildResult:
        """Optimise the graph and save it as the engine; see Runtime.build."""
        self.check_options(request.options)
        level = _level(request)
        started = time.perf_counter()
        session_options = _session_options(level)
        session_options.optimized_model_filepath = str(request.destination)
        _open(request.graph, session_options, BuildFailed)
        return BuildResult(
            seconds=time.perf_counter() - started,
            bytes=request.destination.stat().st_size,
            options={"optimization": level},
        )

    def inspect(self, engine: Path) -> Inspection:
        """List the nodes of the optimised graph with the type that each computes in."""
        import onnx

        model = onnx.load(str(engine), load_external_data=False)
        types = _element_types(model)
        return Inspection(
            layers=tuple(
                EngineLayer(
                    name=node.name,
                    operator=f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type,
                    compute_type=_compute_type(node, types),
                    outputs=tuple(node.output),
                )
                for node in model.graph.node
            ),
            provider=_PROVIDER,
        )

    def load(self, engine: Path) -> Engine:
        """Load an optimised graph as it is."""
        return _CpuEngine(_open(engine, _session_options("disabled"), RunFailed))

    def run_layers(
        self, request: BuildRequest, inputs: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], Iterable[tuple[str, str, np.ndarray]]]:
        """Run the graph with every node's outputs exposed, at the optimisation level of the build."""
        from harness.graphs.expose import expose
        from harness.graphs.load import load_model

        exposed, layers = expose(load_model(request.graph))
        inner = {layer.tensor for layer in layers}
        session = _open(exposed.SerializeToString(), _session_options(_level(request), spin=False), RunFailed)
        values = _run(session, None, inputs)
        tensors = dict(zip((output.name for output in session.get_outputs()), values, strict=True))
        finals = {name: array for name, array in tensors.items() if name not in inner}
        return finals, ((layer.tensor, layer.operator, tensors[layer.tensor]) for layer in layers)


class _CpuEngine(Engine):
    def __init__(self, session: Any) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self._outputs, _run(self._session, self._outputs, inputs), strict=True))

    def timers(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Callable[[], float]]:
        feed = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        run, outputs, clock = self._session.run, self._outputs, time.perf_counter

        def host() -> float:
            started = clock()
            run(outputs, feed)
            return (clock() - started) * 1e3

        _run(self._session, outputs, feed)  # a refusal is told apart from a slow run, and before the clock starts
        return {"host": host}

    def close(self) -> None:
        self._session = None


def _level(request: BuildRequest) -> str:
    # A graph of casts that stands for bfloat16 is only an oracle while no optimiser removes the casts.
    default = "disabled" if request.precision.recipe == "bf16" else "all"
    return str(request.options.get("optimization", default))


def _session_options(level: str, *, spin: bool = True) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = {
        "disabled": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }[level]
    options.log_severity_level = 3  # its warnings about saved layouts do not concern a machine-local file
    if not spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _open(graph: Path | bytes, options: Any, failure: type[BuildFailed | RunFailed]) -> Any:
    import onnxruntime

    source = graph if isinstance(graph, bytes) else str(graph)
    try:
        return onnxruntime.InferenceSession(source, options, providers=[_PROVIDER])
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
        text = _NOISE.sub("", str(error)).strip()
        newer = _TOO_NEW.search(str(error))
        if newer:
            what, has, reads = (
                ("IR version", newer["ir"], newer["max_ir"])
                if newer["ir"]
                else ("opset", newer["opset"], newer["max_opset"])
            )
            raise ModelError(
                f"the graph has {what} {has}, but onnxruntime {onnxruntime.__version__} reads {what} up to {reads}. "
                f"Export it with an older one, convert it with onnx.version_converter, or take a newer onnxruntime."
            ) from None
        raise failure(f"onnxruntime {onnxruntime.__version__} refused the graph: {text}") from None


def _run(session: Any, outputs: list[str] | None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    try:
        values = session.run(outputs, dict(inputs))
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
        raise RunFailed(f"onnxruntime could not run the graph: {_NOISE.sub('', str(error)).strip()}") from None
    return [np.asarray(value) for value in values]


# Operators that do arithmetic worth a number type of their own; the rest is counted with neither side of an audit.
_COMPUTING = frozenset(
    {"Conv", "ConvTranspose", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "LSTM", "GRU", "RNN",
     "Attention", "MultiHeadAttention", "NhwcFusedConv"}
)  # fmt: skip
_INTEGER = re.compile(
    r"QLinear(Conv|MatMul)|QGemm|QAttention|(MatMul|Conv)Integer(ToFloat)?|DynamicQuantize(MatMul|LSTM)|MatMulNBits"
)
# Where outputs are of the type of another input than the first. What is dequantised has the type of its scale: a layer
# behind it computes in floating point, whatever its weights are stored as.
_TYPE_FROM_INPUT = {"CastLike": 1, "DequantizeLinear": 1, "QuantizeLinear": 2, "Where": 1}


def _compute_type(node: Any, types: Mapping[str, str]) -> str:
    if _INTEGER.fullmatch(node.op_type):
        return "int8"
    if node.op_type not in _COMPUTING:
        return ""
    return next((types[name] for name in node.input if name in types), "unknown")


def _element_types(model: Any) -> dict[str, str]:
    """Return the element type of every tensor for which the graph declares or implies one.

    An optimised graph carries types for its inputs, outputs and initialisers only, and holds operators of onnxruntime's
    own, which ONNX's inference does not know. So types are handed on from a node's inputs to its outputs.
    """
    from onnx import TensorProto

    from harness.graphs.element_types import type_name

    types = {
        **{initializer.name: type_name(initializer.data_type) for initializer in model.graph.initializer},
        **{
            value.name: type_name(value.type.tensor_type.elem_type)
            for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)
            if value.type.tensor_type.elem_type != TensorProto.UNDEFINED
        },
    }
    for node in model.graph.node:
        known = _output_type(node, types)
        if known and node.output:
            types.setdefault(node.output[0], known)
    return types


def _output_type(node: Any, types: Mapping[str, str]) -> str | None:
    from harness.graphs.element_types import type_name

    if node.op_type == "Cast":
        return type_name(next(attribute.i for attribute in node.attribute if attribute.name == "to"))
    if node.op_type in _COMPUTING:
        return next((types[name] for name in node.input if name in types), None)
    position = _TYPE_FROM_INPUT.get(node.op_type, 0)
    return types.get(node.input[position]) if position < len(node.input) else None
