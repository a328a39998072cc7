"""What a built engine consists of: the engine inspector's JSON, in both of its dialects, as layers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from harness.runtimes.base import EngineLayer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.runtimes.tensorrt.tools import Tools

# Words of the inspector for number types: of its format texts, of weights, and of TensorRT 11's own key.
_TYPE_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"(?<![A-Za-z0-9]){words}(?![A-Za-z0-9])", re.IGNORECASE))
    for name, words in (
        ("bfloat16", "(BF16|BFloat16)"),
        ("float16", "(FP16|Half|Float16)"),
        ("float8_e4m3fn", "(FP8|E4M3|Float8\\w*)"),
        ("int8", "(Int8|I8)"),
        ("int64", "(Int64)"),
        ("int32", "(Int32|I32)"),
        ("float32", "(FP32|Float|Float32|TF32)"),
        ("bool", "(Bool)"),
        ("uint8", "(UInt8)"),
    )
)
# In the names of kernels the type of the operands comes first: f16f16_f16f16_f16, i8i8_i8i32_f32, f32f32_tf32f32_f32.
_TACTIC_TYPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("bfloat16", r"bf16bf16_|(?<![a-z0-9])bf16(?![a-z0-9])"),
        ("float8_e4m3fn", r"e4m3e4m3_|(?<![a-z0-9])e4m3(?![a-z0-9])"),
        ("int8", r"i8i8_|int8|imma|i8816|i16832"),
        ("float16", r"(?<!b)f16f16_|fp16|h884|h1688|h16816|hmma|hgemm|(?<!b)f16_f16"),
        ("float32", r"f32f32_|fp32|sgemm|ffma|f32_f32|scudnn"),
    )
)
_COMPUTING_TYPES = re.compile(
    r"conv(?!ert)|gemm|matrix_?multiply|matmul|fully_?connected|deconv|rnn|lstm|gru|attention|mha|fmha"
    r"|foreignnode|myelin|einsum",
    re.IGNORECASE,
)
_GENERATED = re.compile(r"kgen|myelin|foreignnode", re.IGNORECASE)
_FUSED_COMPUTING = re.compile(
    r"conv(?!ert)|gemm|matmul|mha|attention|(?<![a-z])fc(?=[A-Z_])|Fc(?=[A-Z_])|Dot(?=[A-Z_])"
)
# Only FP8, INT8 and the floating types are computed in; int32 and bool are indices and masks.
_COMPUTED_IN = ("float8_e4m3fn", "int8", "bfloat16", "float16", "float32")
_FLOATS = ("float32", "float16", "bfloat16")
_INTERNAL_NAME = re.compile(r"^(Reformatted (Input|Output) Tensor \d+ to |\(Unnamed |__my|__tran|__tmp)")


def read_layers(tools: Tools, engine: Any) -> tuple[EngineLayer, ...]:
    """Return the layers of a deserialised engine, as its inspector tells them."""
    inspector = engine.create_engine_inspector()
    return parse_layers(inspector.get_engine_information(tools.trt.LayerInformationFormat.JSON))


def parse_layers(information: str | Mapping[str, Any]) -> tuple[EngineLayer, ...]:
    """Return the layers in the engine inspector's ``information``.

    Args:
        information: its JSON. Each layer is an object, or, where the engine was not built with detailed verbosity, a
            mere name, of which no type can be told.
    """
    # TensorRT 8.6 separates the nodes of a fused layer by a control character, which strict JSON has not.
    data = json.loads(information, strict=False) if isinstance(information, str) else information
    return tuple(
        EngineLayer(name=layer, operator="", compute_type="unknown", outputs=())
        if isinstance(layer, str)
        else _layer(layer)
        for layer in data.get("Layers", ())
    )


def onnx_outputs(layer: EngineLayer, tensors: Iterable[str]) -> tuple[str, ...]:
    """Return the tensors of the ONNX graph that ``layer``, however fused, ends in.

    Args:
        layer: a layer of an engine.
        tensors: names of all tensors of the graph.
    """
    known = set(tensors)
    return tuple(name for name in layer.outputs if name in known)


def _layer(layer: Mapping[str, Any]) -> EngineLayer:
    outputs = tuple(tensor["Name"] for tensor in _tensors(layer, "Outputs"))
    return EngineLayer(
        name=str(layer.get("Name", "")),
        operator=str(layer.get("LayerType", "")),
        compute_type=_compute_type(layer),
        outputs=tuple(name for name in outputs if not _INTERNAL_NAME.match(name)),
        tactic=_tactic(layer),
    )


def _tactic(layer: Mapping[str, Any]) -> str:
    # The value tells apart what one name covers: the same kernel with other parameters.
    parts = (layer.get("TacticName"), layer.get("TacticValue"))
    return " ".join(str(part) for part in parts if part not in (None, ""))


def _compute_type(layer: Mapping[str, Any]) -> str:
    """Return the number type that a layer computes in, ``""`` if it only moves data or works element by element.

    Weights tell it best, then the kernel's name, then the operands: a convolution's output may have another type.
    """
    if not _computes(layer):
        return ""
    weights = layer.get("Weights")
    candidates = [
        _type_in(str(weights.get("Type", ""))) if isinstance(weights, dict) and weights.get("Count") else None,
        _type_of_tactic(str(layer.get("TacticName", ""))),
        *_operand_types(layer),
    ]
    return next((name for name in candidates if name in _COMPUTED_IN), "unknown")


def _computes(layer: Mapping[str, Any]) -> bool:
    kind = str(layer.get("LayerType", ""))
    if _GENERATED.search(kind):
        # A generated kernel may hold anything; its name lists the operators.
        names = " ".join(str(layer.get(key, "")) for key in ("Name", "TacticName", "Metadata"))
        return bool(_FUSED_COMPUTING.search(names)) or "foreignnode" in names.lower()
    described = f"{kind} {layer.get('ParameterType', '')}"
    return bool(_COMPUTING_TYPES.search(described))


def _operand_types(layer: Mapping[str, Any]) -> list[str]:
    """Return the type of the first operand that has one; in a generated kernel, that which all tensors share."""
    inputs = [_tensor_type(tensor) for tensor in _tensors(layer, "Inputs")]
    if _GENERATED.search(str(layer.get("LayerType", ""))):
        inputs += [_tensor_type(tensor) for tensor in _tensors(layer, "Outputs")]
        found = {name for name in inputs if name in _COMPUTED_IN}
        return [found.pop()] if len(found) == 1 else []
    return [name for name in inputs if name in _COMPUTED_IN][:1]


def _tensors(layer: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = layer.get(key)
    return (
        [tensor for tensor in value if isinstance(tensor, dict) and "Name" in tensor] if isinstance(value, list) else []
    )


def _tensor_type(tensor: Mapping[str, Any]) -> str | None:
    """Return a tensor's number type: TensorRT 11 has a key for it, older ones name it in that of the format."""
    return _type_in(str(tensor.get("Datatype") or tensor.get("Format/Datatype") or ""))


def _type_in(text: str) -> str | None:
    return next((name for name, words in _TYPE_WORDS if words.search(text)), None)


def _type_of_tactic(text: str) -> str | None:
    return next((name for name, pattern in _TACTIC_TYPES if pattern.search(text)), None)
