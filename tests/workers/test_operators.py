from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cases import Precision
from harness.errors import ProfileError
from harness.operators.case_files import save_case
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.runtimes.tensorrt import build as build_module
from harness.runtimes.tensorrt.log import Log
from harness.runtimes.tensorrt.network import parse_network
from harness.runtimes.tensorrt.number_types import TypePlan
from harness.runtimes.tensorrt.runtime import TensorRTRuntime
from harness.workers.operators import run_operator
from tests.operators.small_library import PASSING, REFUSED, WRONG, write_small_library
from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime
from tests.runtimes.tensorrt.fake_tensorrt import FakeEngine, tools_around
from tests.runtimes.tensorrt.test_network import FakeBuilder, FakeError, FakeParser, tools

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from harness.cases.operator import OperatorCase


def request(folder: Path, case: OperatorCase, **changes: Any) -> dict[str, Any]:
    """Return what a worker is asked for a case."""
    asked = {
        "graph": str(folder / f"{case.name}.onnx"),
        "tensors": str(folder / f"{case.name}.npz"),
        "nearby": "",
        "precision": Precision("fp32").to_json(),
        "destination": str(folder / "case.engine"),
        "options": {},
    }
    return {**asked, **changes}


def test_a_right_operator_passes(tmp_path: Path) -> None:
    """The answer says so, and how much of what is allowed was used."""
    folder = write_small_library(tmp_path)
    assert run_operator(OnnxRuntime(), request(folder, PASSING)) == {
        "outcome": "ok", "message": "", "share": 0.0, "errors": {}
    }  # fmt: skip


def test_a_wrong_operator_fails_by_how_much_and_where(tmp_path: Path) -> None:
    """The sentence is the judgement's, and the measures of the output come with it."""
    answer = run_operator(OnnxRuntime(), request(write_small_library(tmp_path), WRONG))
    assert answer["outcome"] == "failed"
    assert answer["message"].startswith("output 'y': ")
    assert answer["share"] > 100
    assert answer["errors"]["y"]["max_abs"] == 1.0


def test_a_refused_operator_is_unsupported_with_the_reason_of_the_runtime(tmp_path: Path) -> None:
    """No engine came out of it, which is an answer and no failure."""
    answer = run_operator(OnnxRuntime(), request(write_small_library(tmp_path), REFUSED))
    assert answer["outcome"] == "unsupported"
    assert "Nope" in answer["message"]
    assert answer["share"] is None


def test_outputs_for_rounded_inputs_are_taken_into_account(tmp_path: Path) -> None:
    """What the operator itself makes of rounded inputs is right, too."""
    folder = write_small_library(tmp_path)
    save_case(folder / "nearby.npz", {}, {"y": np.abs(np.float32([[-1.0, 2.0, 3.5]]))})
    answer = run_operator(OnnxRuntime(), request(folder, WRONG, nearby=str(folder / "nearby.npz")))
    assert answer["outcome"] == "ok"


def test_the_parser_of_tensorrt_says_why_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Operator, node and reason of the parser are the message."""
    folder = write_small_library(tmp_path)
    runtime = tensorrt(monkeypatch)
    refusing = tools(FakeParser([FakeError(position=0)]))

    def build_plan(_: object, asked: Any, *__: object, **___: object) -> None:
        parse_network(refusing, FakeBuilder(), asked, TypePlan(strongly_typed=False))

    monkeypatch.setattr(build_module, "build_plan", build_plan)
    answer = run_operator(runtime, request(folder, REFUSED))
    assert answer["outcome"] == "unsupported"
    assert "operator 'Nope' in node 'nope': No importer registered for op (UNSUPPORTED_NODE)" in answer["message"]


def test_an_engine_of_tensorrt_is_run_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake one doubles its input, which no case expects: it fails by that."""
    monkeypatch.setattr(
        build_module, "build_plan",
        lambda *_, **__: build_module.Plan(content=b"good", seconds=0.1, cache_was_warm=False, layers_constrained=0),
    )  # fmt: skip
    answer = run_operator(tensorrt(monkeypatch), request(write_small_library(tmp_path), PASSING))
    assert answer["outcome"] == "failed"
    assert "-2.0 at [0, 0] instead of 0.0" in answer["message"]


def test_an_input_that_steers_shapes_unknown_to_the_builder_is_unsupported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile's own sentence is the reason."""

    def build_plan(*_: object, **__: object) -> None:
        raise ProfileError("input 'shape' steers shapes")

    runtime = tensorrt(monkeypatch)
    monkeypatch.setattr(build_module, "build_plan", build_plan)
    answer = run_operator(runtime, request(write_small_library(tmp_path), PASSING))
    assert (answer["outcome"], answer["message"]) == ("unsupported", "input 'shape' steers shapes")


def tensorrt(monkeypatch: pytest.MonkeyPatch) -> TensorRTRuntime:
    """Return the runtime around fake tools."""
    cuda = FakeCudaRuntime()
    engine = FakeEngine(cuda, Log())
    runtime = TensorRTRuntime()
    runtime.__dict__["tools"] = tools_around(cuda, engine, engine.log)
    monkeypatch.setattr(TensorRTRuntime, "versions", lambda _: None)
    return runtime
