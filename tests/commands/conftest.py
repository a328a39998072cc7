"""A folder to work in, the command itself, and ONNX files to give to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from typer.testing import CliRunner

from harness.cli import app
from tests.tiny import convnet

if TYPE_CHECKING:
    from pathlib import Path

Shell = Callable[..., Any]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a function that runs ``trt-harness`` in a folder of its own, in this process."""
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def image_model(tmp_path: Path) -> Path:
    """Return the file of a model with the input ``image`` [batch, 3, 8, 8]."""
    path = tmp_path / "convnet.onnx"
    onnx.save(convnet(), path)
    return path
