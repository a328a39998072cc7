# ruff: noqa: D102 - these are Engine's methods, documented there

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.measurement.sampling import SamplingPlan
from harness.runtimes.base import Engine
from harness.workers.measuring import measure
from harness.workers.tensors import save_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PLAN = SamplingPlan(seconds=0.0, warmup_seconds=0.0, minimum=3, maximum=3).to_json()


class Counting(Engine):
    """An engine whose runs take a millisecond each, as it says."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(inputs)

    def timers(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Callable[[], float]]:
        return {"host": lambda: float(inputs["x"].size)}

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("on_gpu", "device"), [pytest.param(True, "GPU-7", id="on a GPU"), pytest.param(False, None, id="on the CPU")]
)
def test_a_trial_says_when_it_was_measured_and_on_which_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, on_gpu: bool, device: str | None
) -> None:
    """The times enclose the samples and lie within the call; the GPU is the one that the worker was given."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7")
    save_tensors(tmp_path / "inputs", {"x": np.zeros(4, np.float32)})
    runtime: Any = SimpleNamespace(on_gpu=on_gpu, load=lambda _: Counting())
    before = datetime.now(timezone.utc)
    trial = measure(runtime, tmp_path / "engine", {"batch=4": tmp_path}, PLAN)
    start, end = (datetime.fromisoformat(moment) for moment in trial["conditions"]["measured"])
    assert before <= start <= end <= datetime.now(timezone.utc)
    assert trial["samples"] == {"batch=4": {"host": [4.0, 4.0, 4.0]}}
    assert trial["conditions"].get("gpu", {}).get("device") == device
