"""Real Python bindings of TensorRT, made importable on a machine that has neither its libraries nor a GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Bindings:
    """A version of TensorRT's Python package: about 1 MB, without the libraries.

    Attributes:
        version: what the package index calls it.
        package: its name there.
        newest_python: the newest Python that it has a wheel for, as (major, minor).
    """

    version: str
    package: str
    newest_python: tuple[int, int]

    @property
    def major(self) -> str:
        """The libraries' version in their file names."""
        return self.version.partition(".")[0]


VERSIONS = (
    Bindings("8.6.1", "tensorrt-bindings", (3, 11)),
    Bindings("10.0.1", "tensorrt-cu12-bindings", (3, 12)),
    Bindings("10.16.1.11", "tensorrt-cu12-bindings", (3, 13)),
    Bindings("11.4.0.106", "tensorrt-cu12-bindings", (3, 13)),
)

# What the bindings ask of the libraries as they are loaded. Nothing is called: it is enough that all exist.
_FUNCTIONS = (
    "createInferBuilder_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "getBuilderPluginRegistry",
    "getPluginRegistry",
    "getNvOnnxParserVersion",
    "initLibNvInferPlugins",
    # The parsers for UFF and Caffe, which ended with TensorRT 8.
    "_ZN11nvuffparser15createUffParserEv",
    "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
    "_ZN14nvcaffeparser117createCaffeParserEv",
    "_ZN14nvcaffeparser123shutdownProtobufLibraryEv",
)
_LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser", "nvparsers")


def unpacked(bindings: Bindings, cache: Path) -> Path:
    """Return a folder under ``cache`` from which ``bindings`` can be imported; filled from the package index.

    Skips the test where there is no wheel for this Python, or no package index; in CI there is one.
    """
    if sys.version_info[:2] > bindings.newest_python:
        pytest.skip(
            f"TensorRT {bindings.version} has no bindings for Python {sys.version_info[0]}.{sys.version_info[1]}"
        )
    folder = cache / f"{bindings.version}-py{sys.version_info[0]}{sys.version_info[1]}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _download(bindings, Path(scratch))
            _put_in_place(Path(scratch) / "content", folder)
    return folder


def stub_libraries(major: str, cache: Path) -> Path:
    """Return a folder under ``cache`` with libraries of TensorRT ``major`` that have every function and do nothing."""
    folder = cache / f"stub-{major}"
    if not folder.is_dir():
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("there is no C compiler to make stub libraries with")
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch) / "content"
            made.mkdir()
            source = Path(scratch) / "stub.c"
            source.write_text("\n".join(f"void *{name}(void) {{ return 0; }}" for name in _FUNCTIONS))
            for library in _LIBRARIES:
                name = f"lib{library}.so.{major}"
                command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(made / name), str(source)]
                subprocess.run(command, check=True, capture_output=True)
            _put_in_place(made, folder)
    return folder


def run_with(bindings: Bindings, cache: Path, script: Path, root: Path) -> str:
    """Run ``script`` with ``bindings`` importable as ``tensorrt``, and return what it printed."""
    folder = unpacked(bindings, cache)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(root)]),
        "LD_LIBRARY_PATH": str(stub_libraries(bindings.major, cache)),
    }
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{script.name} failed with TensorRT {bindings.version}:\n{done.stderr[-4000:]}"
    return done.stdout


def _download(bindings: Bindings, scratch: Path) -> None:
    requirement = f"{bindings.package}=={bindings.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--dest", str(scratch), requirement], capture_output=True, text=True, timeout=300, check=False
    )
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        reason = f"{requirement} could not be had from the package index: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(scratch / "content")
    # The package of this name re-exports the bindings once it has found the libraries; here there are none to find.
    (scratch / "content" / "tensorrt.py").write_text(
        "import sys\n\nimport tensorrt_bindings\n\nsys.modules[__name__] = tensorrt_bindings\n"
    )


def _put_in_place(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        # Another worker of the same run was first, and its folder is as good.
        if not folder.is_dir():
            raise
