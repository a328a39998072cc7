from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from harness.errors import RunFailed
from harness.runtimes import onnxruntime_cuda_engine
from harness.runtimes.onnxruntime_cuda_engine import CudaEngine
from tests import tiny

IMAGES = {"image": np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)}


@pytest.fixture(autouse=True)
def on_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let host memory stand in for the GPU's."""
    monkeypatch.setattr(onnxruntime_cuda_engine, "_DEVICE", "cpu")


def session_of(factor: float = 1.0) -> Any:
    """Return a session of a small network with one weight made ``factor`` times as large."""
    model = tiny.with_perturbed_weight(tiny.convnet(), "w3", factor=factor)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def alike(*, captured: bool) -> Any:
    """Open a session; on a CPU both kinds are alike."""
    del captured
    return session_of()


def test_three_modes_are_timed() -> None:
    """Each runs when called and returns milliseconds, and what the clock cannot tell apart is said."""
    engine = CudaEngine(alike)
    for _ in range(2):  # for another point: notes are not repeated
        modes = engine.timers(IMAGES)
    assert set(modes) == {"host", "stream", "graph"}
    assert all(0 < run_once() < 1e3 for run_once in modes.values())
    assert [note.partition(" ")[0] for note in engine.notes] == ["stream", "peak"]
    engine.close()


def test_a_graph_that_cannot_be_captured_costs_only_its_mode() -> None:
    """A session refused with nodes on the CPU, or with control flow, leaves the other modes and its reason."""

    def open_session(*, captured: bool) -> Any:
        if captured:
            raise RunFailed("the model has control flow nodes")
        return session_of()

    engine = CudaEngine(open_session)
    assert set(engine.timers(IMAGES)) == {"host", "stream"}
    assert engine.notes[-1] == "no graph mode: the model has control flow nodes"


@pytest.mark.parametrize("factor", [1.5, 0.0], ids=["another result", "nothing written"])
def test_a_replay_that_is_wrong_is_not_timed(factor: float) -> None:
    """A captured run whose outputs are not those of a launched one is no mode, however fast it is."""
    engine = CudaEngine(lambda *, captured: session_of(factor if captured else 1.0))
    assert set(engine.timers(IMAGES)) == {"host", "stream"}
    assert "the output 'scores' is another one than launched" in engine.notes[-1]


def test_what_cannot_be_bound_is_an_error_with_its_reason() -> None:
    """An input that the graph does not have is refused before anything is timed."""
    engine = CudaEngine(alike)
    with pytest.raises(RunFailed, match=r"onnxruntime could not run the graph: .*nothing"):
        engine.timers({"nothing": np.zeros(1, np.float32)})
