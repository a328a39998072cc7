"""Number types: which flags a recipe needs of which TensorRT, and how the types are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.runtimes.dtypes import dtype_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from harness.cases import Precision
    from harness.runtimes.tensorrt.features import Features

# numpy's (or ml_dtypes') names, by those of trt.DataType.
NUMPY_NAMES: Mapping[str, str] = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "FP8": "float8_e4m3fn",
}

_BY_FLAGS: Mapping[str, str] = {"fp16-flags": "FP16", "int8-calibrator": "INT8"}


@dataclass(frozen=True, kw_only=True)
class TypePlan:
    """How a recipe is put to a builder.

    Attributes:
        strongly_typed: whether the network's types are the graph's and nothing else.
        flags: builder flags that allow a number type.
        constrained: whether layers are told the type that the graph gives them, for the builder would be free not to.
        tf32: whether FP32 may be computed in TF32.
        calibrated: whether scales come from a calibrator.
    """

    strongly_typed: bool
    flags: tuple[str, ...] = ()
    constrained: bool = False
    tf32: bool = False
    calibrated: bool = False


def plan_types(precision: Precision, features: Features) -> TypePlan:
    """Decide how ``precision`` is put to the builder of a TensorRT with ``features``; see ``unsupported`` first."""
    recipe = precision.recipe
    if recipe in _BY_FLAGS:
        kept = bool(precision.keep_fp32) and features.layer_precisions
        return TypePlan(
            strongly_typed=False,
            flags=(_BY_FLAGS[recipe],),
            constrained=kept,
            calibrated=recipe == "int8-calibrator",
        )
    if recipe in ("fp32", "tf32"):
        return TypePlan(strongly_typed=features.strong_typing == "always", tf32=recipe == "tf32")
    if recipe == "bf16":
        # Its graph rounds to bfloat16 between float32 layers: typed strongly, those would compute in float32.
        return TypePlan(strongly_typed=False, flags=("BF16",))
    if features.strong_typing != "no":
        return TypePlan(strongly_typed=True)
    flag = {"fp16": "FP16", "int8": "INT8"}[recipe]
    return TypePlan(strongly_typed=False, flags=(flag,), constrained=recipe == "fp16" and features.layer_precisions)


def unsupported(precision: Precision, features: Features) -> str | None:
    """Say why a TensorRT with ``features`` cannot build ``precision``, or return None where it can."""
    recipe, version = precision.recipe, features.version
    if recipe in _BY_FLAGS and features.strong_typing == "always":
        instead = recipe.partition("-")[0]
        what = "builder flags for number types" if recipe == "fp16-flags" else "calibrators"
        return f"TensorRT {version} has no {what}: it builds what the graph's types say (use {instead})"
    if recipe == "int8-calibrator" and not features.calibrators:
        return f"TensorRT {version} has no calibrators: take the scales from the graph (use int8)"
    if recipe == "bf16" and "BF16" not in features.number_types:
        return f"TensorRT {version} has no bfloat16"
    if recipe == "bf16" and "BF16" not in features.precision_flags:
        return (
            f"TensorRT {version} builds what the graph's types say, and a bf16 graph of the harness rounds to bfloat16 "
            "between layers in float32"
        )
    return None


def numpy_dtype(data_type: Any) -> np.dtype:
    """Return numpy's dtype of a ``trt.DataType``.

    Raises:
        KeyError: neither numpy nor ml_dtypes has it.
    """
    return dtype_named(NUMPY_NAMES[data_type.name])
