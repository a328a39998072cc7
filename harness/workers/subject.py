"""Subjects: which interpreter, with which environment variables, hosts which runtime."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

RuntimeName = Literal["onnxruntime", "onnxruntime-cuda", "tensorrt"]
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)

# The package that has a runtime, where it is called otherwise.
_PACKAGES: Mapping[RuntimeName, str] = {"onnxruntime-cuda": "onnxruntime-gpu"}

# It becomes a part of file names.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Subject:
    """An interpreter with a runtime in it.

    Attributes:
        name: what results and reports call it.
        runtime: which of the harness's runtimes it hosts.
        python: the interpreter; the harness's own by default. It needs numpy, onnx and the runtime, nothing else.
        environment: variables added to the worker's environment.
    """

    name: str
    runtime: RuntimeName = "onnxruntime"
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a subject: letters, digits, '.', '_' and '-' only, "
                f"since files are named after it"
            )
        if self.runtime not in RUNTIMES:
            raise ConfigurationError(unknown_value("runtime", self.runtime, RUNTIMES))

    @property
    def on_gpu(self) -> bool:
        """Whether its engines run on a GPU."""
        return self.runtime != "onnxruntime"

    @property
    def package(self) -> str:
        """The package that its interpreter needs for its runtime."""
        return _PACKAGES.get(self.runtime, self.runtime)

    @classmethod
    def parse(cls, text: str, runtime: RuntimeName = "onnxruntime") -> Subject:
        """Read ``NAME=PYTHON`` or ``NAME=RUNTIME:PYTHON`` as given to ``--subject``.

        Args:
            text: what was given.
            runtime: the runtime where none is named.

        Raises:
            ConfigurationError: it is not of that form, or there is no such interpreter.
        """
        name, equals, python = text.partition("=")
        if not (name and equals and python):
            raise ConfigurationError(
                f"--subject takes NAME=PYTHON, e.g. ort130=/opt/ort130/bin/python, or NAME=RUNTIME:PYTHON, not {text!r}"
            )
        named, colon, rest = python.partition(":")
        if colon and not Path(python).exists():
            if named not in RUNTIMES:
                raise ConfigurationError(f"--subject {name}: {unknown_value('runtime', named, RUNTIMES)}")
            runtime, python = named, rest
        if not Path(python).is_file():
            raise ConfigurationError(f"--subject {name}: there is no interpreter at {python!r}")
        return cls(name, runtime, python)
