from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.runtimes.onnxruntime import OnnxRuntime
from harness.workers import measuring
from harness.workers.profiling import profile
from harness.workers.tensors import save_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class ProfiledRuntime(OnnxRuntime):
    """A runtime whose profiler answers with what it was made with."""

    def __init__(self, answer: dict[str, float] | None) -> None:
        self.answer = answer
        self.inputs: Mapping[str, np.ndarray] = {}

    def profile(self, engine: Path, inputs: Mapping[str, np.ndarray]) -> dict[str, float] | None:  # noqa: ARG002
        """Return the answer."""
        self.inputs = inputs
        return self.answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with inputs."""
    save_tensors(tmp_path / "inputs", {"x": np.arange(4.0)})
    return tmp_path


@pytest.mark.parametrize("answer", [{"conv": 0.5}, {}, None], ids=["times", "no layer", "it cannot tell"])
def test_the_runtimes_answer_goes_back(answer: dict[str, float] | None, folder: Path) -> None:
    """An engine without layers is told apart from a runtime that cannot tell them apart."""
    runtime = ProfiledRuntime(answer)
    assert profile(runtime, folder / "engine", folder) == {"milliseconds": answer}
    assert runtime.inputs["x"].tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("on_gpu", [True, False], ids=["on a GPU", "on the CPU"])
def test_a_profile_has_its_gpu_to_itself(on_gpu: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would disturb what another worker times there, as a trial would."""
    held: list[str] = []

    @contextmanager
    def exclusive(resource: str, **_: Any) -> Iterator[float]:
        held.append(resource)
        yield 0.0

    monkeypatch.setattr(measuring, "exclusive", exclusive)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7")
    runtime = ProfiledRuntime({})
    monkeypatch.setattr(ProfiledRuntime, "on_gpu", on_gpu)
    profile(runtime, folder / "engine", folder)
    assert held == (["gpu-GPU-7"] if on_gpu else [])
