from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from harness.commands.installed import driver, installed_packages, package_problems, tensorrt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("changes", "said", "blocking"),
    [
        pytest.param({"onnxruntime-gpu": "1.31.1"}, "both installed.*pip uninstall", False, id="both onnxruntimes"),
        pytest.param({"onnxruntime": None}, "pip install onnxruntime", True, id="no onnxruntime"),
        pytest.param({"numpy": None}, "pip install numpy", True, id="a package that is needed"),
    ],
)
def test_packages_that_are_missing_or_clash_are_problems(
    changes: dict[str, str | None], said: str, blocking: bool
) -> None:
    """Each problem says the way out, and whether suites can be run with it."""
    (problem,) = package_problems({**installed_packages(), "onnxruntime": "1.31.1", "onnxruntime-gpu": None, **changes})
    assert problem.blocking is blocking
    assert re.search(said, problem.text)


def test_onnxruntime_for_gpus_alone_is_enough() -> None:
    """Whoever has onnxruntime-gpu needs no onnxruntime."""
    assert not package_problems({**installed_packages(), "onnxruntime": None, "onnxruntime-gpu": "1.31.1"})


@pytest.mark.parametrize(
    ("script", "version", "said"),
    [
        pytest.param("echo 575.57.08; echo 575.57.08", "575.57.08", None, id="it answers, a line for each GPU"),
        pytest.param("echo no driver here >&2; exit 9", None, "no driver here", id="it fails"),
    ],
)
def test_the_driver_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, version: str | None, said: str | None
) -> None:
    """nvidia-smi's answer is the version; its failure is told in its own words."""
    command = tmp_path / "nvidia-smi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found, problem = driver()
    assert found == version
    assert (said is None and problem is None) or (said or "") in (problem or "")


def test_no_driver_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU is as good as any."""
    monkeypatch.setenv("PATH", "")
    assert driver() == (None, None)


@pytest.mark.parametrize(
    ("source", "version", "said"),
    [
        pytest.param("__version__ = '10.7.0'", "10.7.0", None, id="it can be imported"),
        pytest.param("raise ImportError('libnvinfer.so.10 is missing')", None, "libnvinfer", id="a library is missing"),
        pytest.param("import os; os.abort()", None, "crashed", id="it kills its process"),
    ],
)
def test_tensorrt_is_imported_where_it_can_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, version: str | None, said: str | None
) -> None:
    """TensorRT's version is read in a process of its own; why it cannot be imported is told."""
    (tmp_path / "tensorrt.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found, problem = tensorrt()
    assert found == version
    assert (said is None and problem is None) or (said or "") in (problem or "")
    assert "tensorrt" not in sys.modules
