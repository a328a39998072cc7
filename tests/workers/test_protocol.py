from __future__ import annotations

import json
import math

import numpy as np
import pytest

from harness import errors
from harness.errors import BuildFailed, HarnessError, ModelError, RunFailed, Unsupported, WorkerCrashed
from harness.workers.protocol import decode, describe_error, encode, raise_described


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": [1, 2.5, None, True, "×\n"]}, {"a": [1, 2.5, None, True, "×\n"]}, id="plain data"),
        pytest.param((1, 2), [1, 2], id="a tuple becomes a list"),
        pytest.param(np.float32(0.5), 0.5, id="a number of numpy's"),
        pytest.param(np.int64(2**40), 2**40, id="a large whole number of numpy's"),
        pytest.param(np.array([[1, 2]]), [[1, 2]], id="a small array"),
        pytest.param([math.inf, -math.inf], [math.inf, -math.inf], id="infinities, as of an exact match's ratio"),
    ],
)
def test_a_message_survives_the_pipe(value: object, expected: object) -> None:
    """It is one line, whatever is in it, and comes out as plain data."""
    line = encode({"id": 1, "result": value})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == {"id": 1, "result": expected}


def test_nan_survives_the_pipe() -> None:
    """A measure that is NaN arrives as NaN, not as something that passes."""
    assert math.isnan(decode(encode({"cosine": np.float64("nan")}))["cosine"])


def test_what_is_no_plain_data_does_not_travel() -> None:
    """The error names its type."""
    with pytest.raises(TypeError, match="set does not travel"):
        encode({"id": 1, "params": {1, 2}})


@pytest.mark.parametrize("line", [b"[1]\n", b"5\n", b"Segmentation fault\n", b"{\n", b"\n"])
def test_a_line_that_is_no_message_is_an_error(line: bytes) -> None:
    """Whatever a library printed is not taken for an answer."""
    with pytest.raises(ValueError, match=r"JSON object|Expecting"):
        decode(line)


@pytest.mark.parametrize("kind", [BuildFailed, RunFailed, ModelError, Unsupported], ids=lambda kind: kind.__name__)
def test_a_foreseen_error_arrives_as_what_it_was(kind: type[HarnessError]) -> None:
    """Its class and its text are those of the other side."""
    with pytest.raises(kind, match=r"^because of this$") as arrived:
        raise_described(describe_error(kind("because of this")), "build")
    assert type(arrived.value) is kind


def test_an_unforeseen_error_arrives_with_its_stack() -> None:
    """It is a failed run that tells the method and where in the worker it happened."""
    try:
        json.loads("{}")["nothing"]
    except KeyError as error:
        described = describe_error(error)
    with pytest.raises(RunFailed, match="'build' ended in an error that the worker did not foresee") as arrived:
        raise_described(described, "build")
    assert "Traceback" in str(arrived.value)
    assert "KeyError: 'nothing'" in str(arrived.value)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"kind": "NoSuchError", "message": "text"}, id="a class that does not exist"),
        pytest.param({"kind": "describe_exit", "message": "text"}, id="a name that is no class"),
        pytest.param(describe_error(WorkerCrashed("build", -11)), id="a worker's end, which only its client can tell"),
    ],
)
def test_an_error_that_cannot_be_raised_again_fails_the_run(error: dict[str, str]) -> None:
    """Whatever the other side says, the exception is one of the tree, and its text is kept."""
    with pytest.raises(RunFailed, match=error["message"].split(":", maxsplit=1)[0]):
        raise_described(error, "build")


def test_every_foreseen_error_has_a_public_name() -> None:
    """It can be found again in harness.errors by the name of its class."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HarnessError)]
    assert all(getattr(errors, describe_error(_made(kind))["kind"]) is kind for kind in kinds)


def _made(kind: type[HarnessError]) -> HarnessError:
    if issubclass(kind, (errors.WorkerCrashed, errors.WorkerTimedOut)):
        return kind("method", 1)
    return kind("text")
