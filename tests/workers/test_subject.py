from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from harness.errors import ConfigurationError
from harness.workers.subject import Subject

if TYPE_CHECKING:
    from harness.workers.subject import RuntimeName


def test_a_subject_is_read_from_name_and_interpreter() -> None:
    """As the command line gives it: NAME=PYTHON."""
    assert Subject.parse(f"ort130={sys.executable}") == Subject("ort130", "onnxruntime", sys.executable)


def test_the_interpreter_is_the_harnesss_own_by_default() -> None:
    """Nothing needs to be said to test what is installed here."""
    assert Subject("here").python == sys.executable


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("ort130", "--subject takes NAME=PYTHON.*not 'ort130'", id="no interpreter given"),
        pytest.param("=/usr/bin/python", "--subject takes NAME=PYTHON", id="no name given"),
        pytest.param("ort130=", "--subject takes NAME=PYTHON", id="an empty interpreter"),
        pytest.param(
            "ort130=/nowhere/python", "there is no interpreter at '/nowhere/python'", id="no such interpreter"
        ),
        pytest.param(f"a/b={sys.executable}", "'a/b' cannot be the name of a subject", id="a name that is a path"),
    ],
)
def test_a_subject_that_cannot_be_had_is_an_error(text: str, message: str) -> None:
    """The error shows what was given and how it is given right."""
    with pytest.raises(ConfigurationError, match=message):
        Subject.parse(text)


def test_an_unknown_runtime_is_an_error_that_suggests_one() -> None:
    """The known ones are listed."""
    with pytest.raises(ConfigurationError, match=r"'onnxruntim' is no runtime\. Did you mean 'onnxruntime'\?"):
        Subject("x", "onnxruntim")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("runtime", "on_gpu", "package"),
    [
        ("onnxruntime", False, "onnxruntime"),
        ("onnxruntime-cuda", True, "onnxruntime-gpu"),
        ("tensorrt", True, "tensorrt"),
    ],
)
def test_a_runtime_tells_where_it_runs_and_who_has_it(runtime: RuntimeName, on_gpu: bool, package: str) -> None:
    """Each runtime can be named on the command line, and is installed from a package of its own."""
    subject = Subject.parse(f"x={runtime}:{sys.executable}")
    assert (subject.runtime, subject.on_gpu, subject.package) == (runtime, on_gpu, package)
