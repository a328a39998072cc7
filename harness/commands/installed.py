"""Which packages, driver and TensorRT this machine has, and which of them do not go together."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEEDED = ("alembic", "jinja2", "numpy", "onnx", "polygraphy", "psutil", "pytest", "pytest-benchmark", "rich", "scipy",
           "sqlalchemy", "typer")  # fmt: skip
_OPTIONAL = ("onnxruntime", "onnxruntime-gpu", "tensorrt", "cuda-python", "nvidia-ml-py", "pytest-xdist",
             "scikit-learn")  # fmt: skip
_SECONDS_TO_ANSWER = 60.0


@dataclass(frozen=True)
class Problem:
    """Something that is wrong here.

    Attributes:
        text: what, and the way out.
        blocking: whether no suite can be run because of it.
    """

    text: str
    blocking: bool


def installed_packages() -> dict[str, str | None]:
    """Return the version of every package that the harness uses, None where it is not installed."""
    return {name: _version(name) for name in (*_NEEDED, *_OPTIONAL)}


def package_problems(packages: Mapping[str, str | None]) -> list[Problem]:
    """Return what is wrong with a set of installed packages, given as version by name, None for what is missing."""
    problems = [
        Problem(f"the package {name} is missing: pip install {name}", blocking=True)
        for name in _NEEDED
        if packages.get(name) is None
    ]
    plain, gpu = packages.get("onnxruntime"), packages.get("onnxruntime-gpu")
    if plain and gpu:
        problems.append(
            Problem(
                f"onnxruntime {plain} and onnxruntime-gpu {gpu} are both installed; they own the same files, so which "
                "of them runs depends on which came last. Keep one: pip uninstall -y onnxruntime onnxruntime-gpu, then "
                "pip install onnxruntime (or onnxruntime-gpu)",
                blocking=False,
            )
        )
    if not plain and not gpu:
        problems.append(
            Problem("there is no onnxruntime, which computes every reference: pip install onnxruntime", blocking=True)
        )
    return problems


def driver() -> tuple[str | None, str | None]:
    """Return the NVIDIA driver's version, or why it has none to tell."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None, None
    answer = _output_of(command, "--query-gpu=driver_version", "--format=csv,noheader")
    if answer.returncode != 0 or not answer.stdout.strip():
        said = (answer.stderr or answer.stdout).strip().splitlines()
        why = said[0] if said else "it says nothing"
        return None, f"nvidia-smi is installed but fails: {why}; is the driver loaded?"
    return answer.stdout.splitlines()[0].strip(), None


def tensorrt() -> tuple[str | None, str | None]:
    """Return the version of TensorRT, or why it is installed but cannot be imported; it may crash, so not here."""
    if find_spec("tensorrt") is None:
        return None, None
    answer = _output_of(sys.executable, "-c", "import tensorrt; print(tensorrt.__version__)")
    if answer.returncode == 0:
        return answer.stdout.strip(), None
    said = answer.stderr.strip().splitlines()
    return None, f"tensorrt is installed but cannot be imported: {said[-1] if said else 'it crashed'}"


def _output_of(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_ANSWER, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
