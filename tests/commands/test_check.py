from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.history.store import History
from harness.session import STAGES
from tests.tiny import convnet

if TYPE_CHECKING:
    from tests.commands.conftest import Shell

ROOT = Path(__file__).parents[2]


def save(model: onnx.ModelProto, path: Path, *, opset: int | None = None, ir: int | None = None) -> Path:
    """Write a model to a file, perhaps claiming another version of ONNX."""
    if opset is not None:
        model.opset_import[0].version = opset
    if ir is not None:
        model.ir_version = ir
    onnx.save(model, path)
    return path


def overflowing() -> onnx.ModelProto:
    """Return a graph whose inner tensor is beyond FP16, though its output is not."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "large"], ["huge"], "product"),
            helper.make_node("Mul", ["huge", "small"], ["y"], "scaled"),
        ],
        "overflowing",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 4])],
        [
            numpy_helper.from_array(np.full((16, 4), 3e4, np.float32), "large"),
            numpy_helper.from_array(np.float32(1e-3), "small"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def trials(db: Path) -> int:
    """Return how many cases a history holds."""
    with History.open(db, read_only=True) as history:
        return sum(sum(row.outcomes.values()) for row in history.queries.sessions())


def test_any_file_is_checked_as_a_suite_would(shell: Shell, image_model: Path, tmp_path: Path) -> None:
    """Every stage of every precision is run at the shapes given, stored, and shown in the report and as JSON."""
    answer = shell(
        "check", image_model, "--shape", "image:1x3x8x8,2x3x8x8,4x3x8x8", "--precisions", "fp32,int8,tf32", "--quick",
        "--json",
    )  # fmt: skip
    found = json.loads(answer.stdout)
    assert (answer.exit_code, found["exit_code"]) == (0, 0), answer.output
    assert found["profile"]["axes"] == {"batch": [1, 2, 4]}
    fp32, int8, tf32 = found["cases"]
    for case in (fp32, int8):
        outcomes = {stage: said["outcome"] for stage, said in case["stages"].items()}
        assert tuple(outcomes) == STAGES
        assert outcomes.pop("task") == outcomes.pop("regression") == "skipped"
        assert set(outcomes.values()) == {"passed"}
    assert "tensor cores" in tf32["stages"]["build"]["message"]
    assert tf32["outcome"] == "unsupported"
    assert {m["metric"] for m in int8["measurements"]} >= {"latency_host", "engine_bytes", "output_sqnr_db"}
    assert Path(found["report"]).read_text(encoding="utf-8").count("convnet")
    assert trials(tmp_path / ".trt-harness" / "history.db") == 3
    with History.open(tmp_path / ".trt-harness" / "history.db", read_only=True) as history:
        session = history.queries.session(found["session"])
    assert (session.status, session.record.settings["check"]) == ("finished", str(image_model))


def test_a_failed_stage_is_told_and_ends_with_one(shell: Shell, tmp_path: Path) -> None:
    """The table marks the stage, the failure names the layer, and the command given is one for this file."""
    answer = shell("check", save(overflowing(), tmp_path / "net.onnx"), "--precisions", "fp16", "--quick")
    assert answer.exit_code == 1, answer.output
    assert "FAILED fp16 layers" in answer.stdout
    assert "'huge'" in answer.stdout
    assert "reproduce: trt-harness check" in answer.stdout
    assert "inputs: made from the seed '" in answer.stdout
    assert "pytest suites/" not in answer.stdout
    assert "skipped task (fp16): the model has no labelled set" in answer.stdout
    assert "net-fp16-static: " in answer.stderr


def test_a_graph_newer_than_the_runtime_is_one_error(shell: Shell, tmp_path: Path) -> None:
    """What stops the first case stops the check: one line, exit code 2, no trial, no report."""
    answer = shell("check", save(convnet(), tmp_path / "net.onnx", ir=14), "--shape", "image:1x3x8x8", "--quick")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert [line for line in answer.stderr.splitlines() if "error" in line] == [
        line for line in answer.stderr.splitlines() if line.startswith("error: the graph has IR version 14")
    ]
    assert trials(tmp_path / ".trt-harness" / "history.db") == 0
    assert not (tmp_path / "build").exists()


def test_a_precision_that_a_graph_is_too_old_for_leaves_the_others(shell: Shell, tmp_path: Path) -> None:
    """FP32 is checked and stored; BF16, which the graph's operators do not know, is an error of its own."""
    path = save(convnet(), tmp_path / "net.onnx", opset=11)
    answer = shell("check", path, "--shape", "image:1x3x8x8", "--precisions", "fp32,bf16", "--quick", "--json")
    fp32, bf16 = json.loads(answer.stdout)["cases"]
    assert answer.exit_code == 2
    assert (fp32["outcome"], fp32["error"]) == ("ok", None)
    assert "needs opset 13 or newer" in bf16["error"]
    assert trials(tmp_path / ".trt-harness" / "history.db") == 1


def test_what_was_finished_before_an_interruption_is_kept(image_model: Path, tmp_path: Path) -> None:
    """After Ctrl-C the finished case is in the history, the session is marked interrupted, the exit code is 130."""
    command = [sys.executable, "-m", "harness.cli", "check", image_model.name, "--shape", "image:1x3x8x8", "--quick"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("convnet-fp32-batch1:"):
            process.send_signal(signal.SIGINT)
            break
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: 1 of 3 cases were finished" in output
    with History.open(tmp_path / ".trt-harness" / "history.db", read_only=True) as history:
        session = history.queries.session()
    assert (session.status, dict(session.outcomes)) == ("interrupted", {"ok": 1})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["text.onnx"], "is not an ONNX model", id="a file that is not ONNX"),
        pytest.param(["nothing.onnx"], "there is no file", id="a file that is not there"),
        pytest.param(["outside.onnx", "--shape", "image:1x3x8x8"], "no such file", id="missing external data"),
        pytest.param(["future.onnx", "--shape", "image:1x3x8x8"], "is of opset 99", id="an opset of the future"),
        pytest.param(["convnet.onnx"], "free dimension 'batch'", id="a free dimension without a shape"),
        pytest.param(["convnet.onnx", "--shape", "imgae:1x3x8x8"], "Did you mean 'image'", id="an unknown input"),
        pytest.param(
            ["convnet.onnx", "--shape", "image:4x3x8x8,1x3x8x8,8x3x8x8"], "more than its opt", id="min above opt"
        ),
        pytest.param(["convnet.onnx", "--precisions", "fp17"], "Did you mean 'fp16'", id="an unknown precision"),
        pytest.param(["convnet.onnx", "--gpu", "t5"], "Did you mean 't4'", id="an unknown target"),
        pytest.param(["convnet.onnx", "--subject", "old=/nowhere"], "no interpreter", id="a subject that is not there"),
        pytest.param(["convnet.onnx", "--name", "a-b"], "cannot be the name of a model", id="a name for no id"),
        pytest.param(["convnet.onnx", "--db", "text.onnx"], "not a SQLite database", id="a history that is none"),
        pytest.param(["convnet.onnx", "--report", "text.onnx/r"], "the report folder", id="a report below a file"),
    ],
)  # fmt: skip
def test_bad_input_is_one_error_and_writes_nothing(
    shell: Shell, image_model: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """Whatever is wrong ends with one line on standard error and exit code 2, and no history is made."""
    (tmp_path / "text.onnx").write_text("this is text\n" * 100)
    save(convnet(), tmp_path / "future.onnx", opset=99)
    onnx.save(
        convnet(), tmp_path / "outside.onnx", save_as_external_data=True, location="outside.data", size_threshold=0
    )
    (tmp_path / "outside.data").unlink()
    if {"--name", "--db"} & set(arguments):
        arguments = [*arguments, "--shape", "image:1x3x8x8"]
    answer = shell("check", *arguments)
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert (answer.exit_code, answer.stdout, len(errors)) == (2, "", 1)
    assert said in errors[0]
    assert not (tmp_path / ".trt-harness" / "history.db").exists()
    assert image_model.exists()
