"""A library of a few operator cases, made in milliseconds, in the place of the thousand of ONNX."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

from harness.cases.operator import OperatorCase
from harness.operators.case_files import save_case
from harness.operators.library import FORMAT
from tests.tiny import endless

if TYPE_CHECKING:
    from pathlib import Path

X = np.array([[-1.0, 2.0, 3.5]], np.float32)

PASSING = OperatorCase(name="relu", operator="Relu", opset=17, precisions=("fp32", "fp16"))
WRONG = OperatorCase(name="abs_of_another_mind", operator="Abs", opset=17, precisions=("fp32",))
REFUSED = OperatorCase(name="nope", operator="Nope", opset=17, precisions=("fp32",))
HANGING = OperatorCase(name="loop_for_ever", operator="Loop", opset=17, precisions=("fp32",))


def write_small_library(cache: Path, *, hanging: bool = False, wrong_by: float = 1.0) -> Path:
    """Write the cases where the cache has those of the installed onnx, and return their folder.

    Args:
        cache: the cache's folder.
        hanging: whether a case that never ends is among them.
        wrong_by: what the case of another mind expects too much in each element.
    """
    folder = cache / "operators" / f"onnx-{version('onnx')}-{FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    for case, expected in ((PASSING, np.maximum(X, 0)), (WRONG, np.abs(X) + np.float32(wrong_by)), (REFUSED, X)):
        domain = "com.example" if case is REFUSED else ""
        graph = helper.make_graph(
            [helper.make_node(case.operator, ["x"], ["y"], case.name, domain=domain)],
            case.name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        )
        opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        (folder / f"{case.name}.onnx").write_bytes(model.SerializeToString())
        save_case(folder / f"{case.name}.npz", {"x": X}, {"y": expected})
    cases = [PASSING, WRONG, REFUSED]
    if hanging:
        (folder / f"{HANGING.name}.onnx").write_bytes(endless().SerializeToString())
        start = np.ones(1, np.float32)
        save_case(folder / f"{HANGING.name}.npz", {"start": start}, {"end": start})
        cases.insert(0, HANGING)
    (folder / "index.json").write_text(json.dumps([asdict(case) for case in cases]))
    return folder
