"""An operator case in another precision than FP32: its graph, and what rounded inputs make of its outputs."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from harness.errors import HarnessError
from harness.graphs.bf16 import round_to_bfloat16
from harness.graphs.element_types import element_types
from harness.graphs.recipes import apply_recipe
from harness.graphs.save import replacing
from harness.operators.case_files import load_case, save_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.cases import Precision

# How far ONNX's reference evaluator may be from the outputs that come with a case, to be believed about others.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-5


def prepare_operator(graph: Path, tensors: Path, precision: Precision, destination: Path, nearby: Path) -> str:
    """Make the graph of a case in ``precision``, and the outputs that its reference has for rounded inputs.

    Args:
        graph: the FP32 graph.
        tensors: its inputs and outputs.
        precision: of a recipe out of ``harness.cases.operator.OPERATOR_PRECISIONS``.
        destination: where the graph goes; its folder is made.
        nearby: where the outputs go; nothing is written where the reference evaluator does not know the operator, or
            has other outputs than the case for the inputs as they are.

    Returns:
        Why the recipe cannot be made of this operator; empty where it was.
    """
    model = onnx.load(str(graph))
    inputs, expected = load_case(tensors)
    destination.parent.mkdir(parents=True, exist_ok=True)
    if not nearby.exists() and (outputs := _outputs_nearby(model, inputs, expected, precision.recipe)):
        unfinished = nearby.with_name(f".{nearby.name}.{os.getpid()}")
        save_case(unfinished, {}, outputs)
        unfinished.replace(nearby)
    try:
        converted = apply_recipe(model, precision, [inputs]).model
    except HarnessError as error:
        return f"the recipe {precision.recipe!r} cannot be made of it: {error}"
    except Exception as error:  # noqa: BLE001 - converters are other people's code, and this graph may be strange to them
        return f"the recipe {precision.recipe!r} cannot be made of it: {type(error).__name__}: {error}"
    # Mere hints, of which the converter leaves some that are true no longer, e.g. of constants that it passes over.
    del converted.graph.value_info[:]
    try:
        # What the converter gets wrong, such as an output that is float32 by definition, is no fault of a runtime.
        onnx.checker.check_model(converted, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        said = " ".join(str(error).split())
        return f"the recipe {precision.recipe!r} cannot be made of it, since its graph breaks the rules of ONNX: {said}"
    if precision.recipe == "fp16" and not _computes_in_float16(model, converted):
        return "the recipe 'fp16' leaves it in FP32: the operator has no float16 form there"
    with replacing(destination) as file:
        file.write(converted.SerializeToString())
    return ""


def _computes_in_float16(model: onnx.ModelProto, converted: onnx.ModelProto) -> bool:
    """Tell whether a node of the graph reads or makes float16; the casts that the recipe adds do so in any case."""
    own = {node.name for node in model.graph.node}
    types = element_types(converted)
    return any(
        types.get(name) == "float16"
        for node in converted.graph.node
        if node.name in own
        for name in (*node.input, *node.output)
    )


def _outputs_nearby(
    model: onnx.ModelProto, inputs: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], recipe: str
) -> dict[str, np.ndarray]:
    """Return the outputs for rounded inputs; none where nothing is rounded or the reference is not to be believed."""
    rounded = {name: _rounded(array, recipe) for name, array in inputs.items()}
    if all(rounded[name] is array for name, array in inputs.items()):
        return {}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            from onnx.reference import ReferenceEvaluator

            evaluator = ReferenceEvaluator(model)
            if not _agree(evaluator.run(None, dict(inputs)), expected):
                return {}
            outputs = evaluator.run(None, rounded)
    except Exception:  # noqa: BLE001 - an operator that the evaluator lacks or gets wrong is judged without it
        return {}
    named = dict(zip(expected, (np.asarray(array) for array in outputs), strict=True))
    # A shape that depends on data may change with it: such outputs say nothing of single elements.
    return {name: array for name, array in named.items() if array.shape == expected[name].shape}


def _agree(outputs: Any, expected: Mapping[str, np.ndarray]) -> bool:
    pairs = list(zip(outputs, expected.values(), strict=True))
    return all(np.shape(a) == e.shape for a, e in pairs) and all(
        np.allclose(np.asarray(a, np.float64), e.astype(np.float64), rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True)
        for a, e in pairs
    )


def _rounded(array: np.ndarray, recipe: str) -> np.ndarray:
    """Return a float32 ``array`` as the recipe's number type holds it, still float32; others as they are."""
    if array.dtype != np.float32 or recipe not in ("fp16", "bf16"):
        return array
    if recipe == "bf16":
        return round_to_bfloat16(array)
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float32)
