"""From the generators of ONNX's backend tests to operator cases in a folder.

Taken are the node cases whose graph imports the default operator set alone, at version 20 or older, and whose inputs
and outputs are tensors of number types that numpy has. Left out are those that draw random numbers, since nobody can
expect a value of them. The generators draw their inputs from numpy's global generator, which is seeded as ONNX's own
command does it and put back afterwards.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, numpy_helper

from harness.cases.operator import OperatorCase
from harness.graphs.load import normalise
from harness.graphs.walk import nodes_in, opset_of
from harness.operators.case_files import save_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

INDEX = "index.json"

NEWEST_OPSET = 20
_PLAIN = frozenset({
    "bool", "float16", "float32", "float64",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
})  # fmt: skip
_RANDOM = frozenset({
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
})  # fmt: skip
_QUANTISED = frozenset({"Conv", "Gemm", "MatMul"})
_FIRST_OPSET_WITH_BFLOAT16 = 13
_PREFIX, _EXPANDED = "test_", "_expanded"

Tensors = dict[str, np.ndarray]


def write_cases(folder: Path) -> None:
    """Write every case into ``folder``, which is there: a graph and a file of tensors each, and the index of all."""
    operators: dict[str, str] = {}
    cases = []
    for test in _generated():
        name = test.name.removeprefix(_PREFIX)
        base, expanded, _ = name.partition(_EXPANDED)
        operators.setdefault(name, operators.get(base, "") if expanded else "")
        if not operators[name]:
            operators[name] = test.model.graph.node[0].op_type
        tensors = _tensors_of(test)
        if tensors is None or not _is_plain(test.model) or _draws_random_numbers(test.model, tensors[0]):
            continue
        (folder / f"{name}.onnx").write_bytes(normalise(test.model).SerializeToString())
        save_case(folder / f"{name}.npz", *tensors)
        cases.append(
            OperatorCase(
                name=name,
                operator=operators[name],
                opset=opset_of(test.model),
                precisions=_precisions(test.model, *tensors),
            )
        )
    text = json.dumps([asdict(case) for case in sorted(cases, key=lambda case: (case.operator, case.name))])
    (folder / INDEX).write_text(text, encoding="utf-8")


def _generated() -> Sequence[Any]:
    from onnx.backend.test.loader import load_model_tests

    state = np.random.get_state()  # noqa: NPY002 - it is the one that the generators draw from
    np.random.seed(0)  # noqa: NPY002
    try:
        # What a reference warns of on its way to an infinity that it expects is of no concern here.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            tests: Sequence[Any] = load_model_tests(kind="node")
    finally:
        np.random.set_state(state)  # noqa: NPY002
    return tests


def _tensors_of(test: Any) -> tuple[Tensors, Tensors] | None:
    """Return inputs and outputs by name; None where they are not all plain tensors."""
    ((inputs, outputs),) = test.data_sets
    graph = test.model.graph
    sides = []
    for values, data in ((graph.input, inputs), (graph.output, outputs)):
        arrays = [numpy_helper.to_array(each) if isinstance(each, TensorProto) else each for each in data]
        if len(values) != len(arrays) or not all(value.type.HasField("tensor_type") for value in values):
            return None
        if not all(isinstance(array, (np.ndarray, np.generic)) and array.dtype.name in _PLAIN for array in arrays):
            return None
        sides.append({value.name: np.asarray(array) for value, array in zip(values, arrays, strict=True)})
    return sides[0], sides[1]


def _is_plain(model: ModelProto) -> bool:
    domains = {entry.domain for entry in model.opset_import}
    return domains <= {"", "ai.onnx"} and opset_of(model) <= NEWEST_OPSET


def _draws_random_numbers(model: ModelProto, inputs: Mapping[str, np.ndarray]) -> bool:
    return any(node.op_type in _RANDOM or _is_training_dropout(node, inputs) for node in nodes_in(model))


def _is_training_dropout(node: onnx.NodeProto, inputs: Mapping[str, np.ndarray]) -> bool:
    """Tell whether a node drops anything: its ratio is not 0 and it is told that this is training."""
    if node.op_type != "Dropout" or len(node.input) < 3 or node.input[2] not in inputs:
        return False
    ratio = inputs.get(node.input[1])
    return bool(inputs[node.input[2]]) and (ratio is None or float(ratio) != 0.0)


def _precisions(model: ModelProto, inputs: Tensors, outputs: Tensors) -> tuple[str, ...]:
    """Return fp32, and the other recipes that find something to convert."""
    of_float = any(array.dtype == np.float32 for array in (*inputs.values(), *outputs.values()))
    quantised = of_float and any(node.op_type in _QUANTISED for node in model.graph.node)
    applies = {
        "fp32": True,
        "fp16": of_float,
        "bf16": of_float and opset_of(model) >= _FIRST_OPSET_WITH_BFLOAT16,
        "int8": quantised,
    }
    return tuple(name for name, does in applies.items() if does)
