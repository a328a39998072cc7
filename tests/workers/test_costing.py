from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import helper

from harness.cases import Point
from harness.workers.costing import costs
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path


def saved(model: onnx.ModelProto, path: Path) -> Path:
    """Write a graph."""
    onnx.save(model, str(path))
    return path


def test_weights_are_of_one_graph_and_arithmetic_of_the_other(tmp_path: Path) -> None:
    """The precision's graph says what must be stored, the FP32 graph what must be computed."""
    more = saved(tiny.with_extra_work(tiny.convnet(), "scores", size=8), tmp_path / "more.onnx")
    plain = saved(tiny.convnet(), tmp_path / "plain.onnx")
    points = {"batch=1": Point.of({"batch": 1}), "batch=4": Point.of({"batch": 4})}
    found = costs(more, plain, points)
    parameters = 16 * 3 * 9 + 16 * 16 * 9 + 10 * 16
    assert found["weight_bytes"] == 4 * (parameters + 8 * 8 + 1)
    one, four = found["points"].values()
    assert one["multiply_adds"] == 64 * 16 * 9 * (3 + 16) + 160
    assert four["multiply_adds"] == 4 * one["multiply_adds"]
    assert (one["weights"], one["uncounted"], found["problem"]) == (parameters, [], "")


def test_a_graph_that_contradicts_itself_costs_nobody_a_trial(tmp_path: Path) -> None:
    """The weights are known all the same, and the problem is told rather than raised."""
    broken = tiny.convnet()
    broken.graph.node.append(helper.make_node("Mystery", ["flat"], ["unused"], "mystery", domain="of_no_import"))
    path = saved(broken, tmp_path / "broken.onnx")
    found = costs(path, path, {"batch=1": Point.of({"batch": 1})})
    assert found["points"] == {}
    assert found["weight_bytes"] > 0
    assert "mystery" in found["problem"]
