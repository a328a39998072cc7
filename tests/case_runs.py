"""What the tests of one case's stages share: all stages in turn, planted faults and qualities that are said."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import onnx

from harness.errors import HarnessError
from harness.graphs.save import graph_hash
from harness.session import STAGES, CaseRun, CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def run_all(run: CaseRun) -> dict[str, str]:
    """Run every stage as a suite does and return the outcome of each."""
    for stage in STAGES:
        with contextlib.suppress(HarnessError, CheckFailed):  # the findings say how each stage ended
            run.check(stage)
    return {finding.stage: finding.outcome for finding in run.findings}


def message_of(run: CaseRun, stage: str) -> str:
    """Return what was noted about a stage."""
    return next(finding.message for finding in run.findings if finding.stage == stage)


def plant(run: CaseRun, change: Callable[[onnx.ModelProto], onnx.ModelProto], folder: Path) -> None:
    """Let the engine be built from a changed graph, while the reference stays that of the true one."""
    graph = run._pipeline.graph()
    model = change(onnx.load(graph["path"]))
    graph["path"], graph["hash"] = str(folder / "planted.onnx"), graph_hash(model)
    onnx.save(model, graph["path"])


def say_quality(run: CaseRun, monkeypatch: pytest.MonkeyPatch, *qualities: str) -> list[str]:
    """Let the next trials be of these qualities, whatever else this machine does; return what is left of them."""
    left = list(qualities)
    another_trial = run._pipeline.another_trial

    def said(engine: str = "") -> dict[str, Any]:
        return {**another_trial(engine), "quality": left.pop(0)}

    monkeypatch.setattr(run._pipeline, "another_trial", said)
    return left
