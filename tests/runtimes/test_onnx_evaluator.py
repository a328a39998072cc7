from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from harness.cases import Point
from harness.errors import RunFailed
from harness.runtimes.onnx_evaluator import EvaluatorLimits, evaluate
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

POINT = Point.of({"batch": 2})
IMAGES = {"image": np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)}


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Return the file of a small network."""
    onnx.save(tiny.convnet(), str(tmp_path / "graph.onnx"))
    return tmp_path / "graph.onnx"


def test_a_small_graph_is_evaluated(graph: Path) -> None:
    """Every output comes back by name, in the shape of the inputs' batch, and no alarm is left behind."""
    found = evaluate(graph, IMAGES, POINT, EvaluatorLimits())
    assert {name: array.shape for name, array in found.items()} == {"scores": (2, 10)}
    assert np.isfinite(found["scores"]).all()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param(EvaluatorLimits(weight_bytes=1000), "MiB of weights are more than", id="too many weights"),
        pytest.param(EvaluatorLimits(multiply_adds=1000), "million multiply-adds are more than", id="too much work"),
    ],
)
def test_a_large_graph_is_refused_before_it_runs(graph: Path, limits: EvaluatorLimits, said: str) -> None:
    """What is over a limit is refused with the figure and the limit."""
    with pytest.raises(RunFailed, match=said):
        evaluate(graph, IMAGES, POINT, limits)


def test_a_graph_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """A loop without end is left at the deadline, and the process has its alarm back."""
    path = tmp_path / "endless.onnx"
    onnx.save(tiny.endless(), str(path))
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(RunFailed, match=r"did not finish within 0\.2 s"):
        evaluate(path, {"start": np.zeros(1, np.float32)}, Point(), EvaluatorLimits(seconds=0.2))
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_what_it_cannot_compute_is_told(tmp_path: Path) -> None:
    """An operator that it does not have is a reason and no crash."""
    path = tmp_path / "unknown.onnx"
    onnx.save(tiny.convnet_of_unknown_operator(), str(path))
    with pytest.raises(RunFailed, match=r"cannot compute this graph: .*Nope"):
        evaluate(path, IMAGES, POINT, EvaluatorLimits())
