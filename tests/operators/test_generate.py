from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from harness.operators import generate
from harness.operators.case_files import load_case

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

X = np.array([1.0, -2.0], np.float32)


def generated(
    name: str,
    nodes: Sequence[NodeProto],
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    *,
    opset: int = 14,
    domains: Sequence[str] = (),
) -> Any:
    """Return a case as ONNX's generators make it."""
    values = [
        [
            helper.make_tensor_value_info(
                key, helper.np_dtype_to_tensor_dtype(np.asarray(value).dtype), np.shape(value)
            )
            for key, value in side.items()
        ]
        for side in (inputs, outputs)
    ]
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(helper.make_graph(list(nodes), name, *values), opset_imports=imports, ir_version=8)
    return SimpleNamespace(
        name=f"test_{name}", model=model, data_sets=[(list(inputs.values()), list(outputs.values()))]
    )


def node(kind: str, inputs: str = "x", outputs: str = "y") -> NodeProto:
    """Return a node that reads and makes tensors of one letter each."""
    return helper.make_node(kind, list(inputs), list(outputs))


def written(folder: Path, tests: Sequence[Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Return the index of what is written of some cases, by name."""
    monkeypatch.setattr(generate, "_generated", lambda: tests)
    generate.write_cases(folder)
    return {entry["name"]: entry for entry in json.loads((folder / "index.json").read_text())}


def test_a_case_is_written_with_its_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graph, inputs and outputs lie under the case's name, and the index says what it is of."""
    tests = [generated("relu", [node("Relu")], {"x": X}, {"y": np.maximum(X, 0)})]
    index = written(tmp_path, tests, monkeypatch)
    assert index == {"relu": {"name": "relu", "operator": "Relu", "opset": 14, "precisions": ["fp32", "fp16", "bf16"]}}
    assert (tmp_path / "relu.onnx").is_file()
    inputs, outputs = load_case(tmp_path / "relu.npz")
    assert (inputs["x"].tolist(), outputs["y"].tolist()) == ([1.0, -2.0], [1.0, 0.0])


def test_an_operator_written_out_in_others_goes_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes as ``…_expanded`` is a case of the operator that it expands."""
    tests = [
        generated("relu", [node("Relu")], {"x": X}, {"y": X}),
        generated("relu_expanded_ver18", [node("Max", "xx")], {"x": X}, {"y": X}),
    ]
    assert written(tmp_path, tests, monkeypatch)["relu_expanded_ver18"]["operator"] == "Relu"


@pytest.mark.parametrize(
    ("kind", "array", "opset", "precisions"),
    [
        pytest.param("Neg", np.int32([1]), 14, ["fp32"], id="whole numbers have no other precision"),
        pytest.param("Neg", X, 12, ["fp32", "fp16"], id="bfloat16 came with opset 13"),
        pytest.param("MatMul", X, 13, ["fp32", "fp16", "bf16", "int8"], id="a product of matrices is quantised"),
    ],
)
def test_a_case_has_the_precisions_that_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, kind: str, array: np.ndarray, opset: int, precisions: list[str]
) -> None:
    """A recipe that finds nothing to convert would run the same graph twice."""
    tests = [
        generated("case", [node(kind, "xx" if kind == "MatMul" else "x")], {"x": array}, {"y": array}, opset=opset)
    ]
    assert written(tmp_path, tests, monkeypatch)["case"]["precisions"] == precisions


@pytest.mark.parametrize(
    "left_out",
    [
        pytest.param(generated("case", [node("Relu")], {"x": X}, {"y": X}, opset=21), id="a newer operator set"),
        pytest.param(
            generated("case", [node("Relu")], {"x": X}, {"y": X}, domains=["ai.onnx.ml"]), id="another operator set"
        ),
        pytest.param(generated("case", [node("Bernoulli")], {"x": X}, {"y": X}), id="random numbers"),
        pytest.param(
            generated("case", [node("Dropout", "xrt")], {"x": X, "r": np.float32(0.5), "t": np.array(True)}, {"y": X}),
            id="dropout in training",
        ),
    ],
)
def test_what_nobody_can_expect_a_value_of_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: Any
) -> None:
    """Newer and foreign operators, and whatever draws random numbers."""
    assert written(tmp_path, [left_out], monkeypatch) == {}


def test_dropout_that_drops_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a ratio of 0 its output is its input, in training too."""
    tensors = {"x": X, "r": np.float32(0.0), "t": np.array(True)}
    tests = [generated("case", [node("Dropout", "xrt")], tensors, {"y": X})]
    assert set(written(tmp_path, tests, monkeypatch)) == {"case"}


def test_sequences_and_strings_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tensors of numbers can be fed and compared."""
    text = generated("text", [node("Identity")], {"x": X}, {"y": X})
    text.data_sets = [([np.array(["a"], object)], [np.array(["a"], object)])]
    listed = generated("listed", [node("Identity")], {"x": X}, {"y": X})
    listed.data_sets = [([[X, X]], [[X, X]])]
    assert written(tmp_path, [text, listed], monkeypatch) == {}


def test_tensors_come_as_messages_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some generators hand over TensorProto where others have arrays."""
    test = generated("relu", [node("Relu")], {"x": X}, {"y": X})
    message = TensorProto(data_type=TensorProto.FLOAT, dims=[2], float_data=[4.0, 5.0])
    test.data_sets = [([message], [X])]
    written(tmp_path, [test], monkeypatch)
    assert load_case(tmp_path / "relu.npz")[0]["x"].tolist() == [4.0, 5.0]


def test_the_generators_of_onnx_leave_the_random_numbers_of_this_process_alone() -> None:
    """They draw from numpy's global generator, which is put back."""
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert len(generate._generated()) > 1000
    assert np.random.rand() == expected  # noqa: NPY002
