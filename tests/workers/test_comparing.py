from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cases import FP32, Profile
from harness.runtimes.base import BuildRequest
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.workers.comparing import compare_layers
from harness.workers.tensors import save_tensors

if TYPE_CHECKING:
    from pathlib import Path

ONES = np.ones(4, np.float32)


class SecretiveRuntime(OnnxRuntime):
    """A runtime that gives out one inner tensor of two, and whose outputs change a little while it does."""

    def layer_reader(self, request: Any) -> Any:  # noqa: ARG002 - nothing is built here
        """Return what reads a graph of two layers."""
        self.unreadable_layers = ("second",)
        return lambda _: ({"y": ONES * np.float32(2.5)}, [("first", "Conv", ONES)])


class PlainEngine:
    """An engine that gives two."""

    def run(self, inputs: Any) -> dict[str, np.ndarray]:  # noqa: ARG002 - it is always the same
        """Return the output."""
        return {"y": ONES * 2}


def test_what_could_not_be_read_and_what_reading_changed_is_told(tmp_path: Path) -> None:
    """Tensors without an answer are named, and the outputs of the two engines are held against each other."""
    save_tensors(tmp_path / "inputs", {"x": ONES})
    save_tensors(tmp_path / "layers", {"first": ONES, "second": ONES})
    request = BuildRequest(
        graph=tmp_path, precision=FP32, profile=Profile({"batch": 1}), inputs=(), destination=tmp_path
    )
    answer = compare_layers(SecretiveRuntime(), PlainEngine(), request, tmp_path, [])  # type: ignore[arg-type]
    assert [layer["tensor"] for layer in answer["tensors"]] == ["first"]
    assert answer["unreadable"] == ["second"]
    assert answer["instrumented"] == 0.25


def test_a_runtime_that_gives_out_everything_leaves_nothing_unread() -> None:
    """By default no tensor is unreadable."""
    assert OnnxRuntime().unreadable_layers == ()
