from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness.cases import Precision
from harness.operators.case_files import load_case, save_case
from harness.operators.recipes import prepare_operator

if TYPE_CHECKING:
    from pathlib import Path

# In float16 and in bfloat16 the first is 2.
X = np.array([1.9999, 0.5], np.float32)


@pytest.fixture
def case(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    """Return graph, tensors, and where the converted graph and the nearby outputs go, of the operator Floor."""
    write(tmp_path, "Floor", np.floor(X))
    return (
        tmp_path / "case.onnx",
        tmp_path / "case.npz",
        tmp_path / "made" / "case.onnx",
        tmp_path / "made" / "case.npz",
    )


def write(folder: Path, operator: str, expected: np.ndarray) -> None:
    """Write a case of one node, fed with ``X``."""
    kind = helper.np_dtype_to_tensor_dtype(expected.dtype)
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], "node")],
        "case",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", kind, [2])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "case.onnx")
    save_case(folder / "case.npz", {"x": X}, {"y": expected})


@pytest.mark.parametrize("recipe", ["fp16", "bf16"])
def test_the_graph_is_converted_and_rounded_inputs_are_told_of(
    case: tuple[Path, Path, Path, Path], recipe: str
) -> None:
    """The operator's own reference says what rounding the inputs makes of its output."""
    assert prepare_operator(case[0], case[1], Precision(recipe), *case[2:]) == ""  # type: ignore[arg-type]
    kinds = {node.op_type for node in onnx.load(case[2]).graph.node}
    assert kinds == {"Cast", "Floor"}
    assert load_case(case[3])[1]["y"].tolist() == [2.0, 0.0]


def test_a_reference_of_another_mind_is_not_asked(case: tuple[Path, Path, Path, Path]) -> None:
    """Where it has other outputs than the case for the inputs as they are, nothing is told of rounded ones."""
    write(case[0].parent, "Floor", np.float32([7.0, 7.0]))
    assert prepare_operator(case[0], case[1], Precision("fp16"), *case[2:]) == ""
    assert not case[3].exists()


def test_a_recipe_that_cannot_be_made_says_why(case: tuple[Path, Path, Path, Path]) -> None:
    """No graph is written, and the answer is a reason."""
    reason = prepare_operator(case[0], case[1], Precision("fp16", ("nothing",), "mixed"), *case[2:])
    assert reason.startswith("the recipe 'fp16' cannot be made of it: keep_fp32: 'nothing'")
    assert not case[2].exists()


def test_a_graph_that_breaks_the_rules_is_the_fault_of_the_recipe(case: tuple[Path, Path, Path, Path]) -> None:
    """DynamicQuantizeLinear knows float32 alone, which the converter does not know: no runtime is to be blamed."""
    model = onnx.load(case[0])
    model.graph.node[0].CopyFrom(helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"], "node"))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.UINT8, [2]))
    onnx.save(model, case[0])
    save_case(case[1], {"x": X}, {"y": np.uint8([255, 64])})
    reason = prepare_operator(case[0], case[1], Precision("fp16"), *case[2:])
    assert "the recipe 'fp16' cannot be made of it, since its graph breaks the rules of ONNX: " in reason
    assert not case[2].exists()


def test_an_operator_without_a_half_form_says_so(case: tuple[Path, Path, Path, Path]) -> None:
    """The converter leaves Max in FP32 between casts, and such a pass would say nothing of FP16."""
    write(case[0].parent, "Max", X)
    assert "leaves it in FP32" in prepare_operator(case[0], case[1], Precision("fp16"), *case[2:])
