"""What client and server say to each other: one JSON object a line.

A request is ``{"id": 1, "method": "build", "params": {…}}``. Its answer is ``{"id": 1, "result": …}`` or
``{"id": 1, "error": {"kind": "BuildFailed", "message": "…"}}``, where the kind is the name of a class of
``harness.errors`` or, for what nobody foresaw, ``Unforeseen``. Tensors never travel here: they are files.
"""

from __future__ import annotations

import json
import traceback
from typing import Any, NoReturn

import numpy as np

from harness import errors


def encode(message: dict[str, Any]) -> bytes:
    """Return ``message`` as one line of JSON."""
    return json.dumps(message, default=_plain).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the message in one line of JSON.

    Raises:
        ValueError: it is not a JSON object.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError(f"expected a JSON object, got {line[:80]!r}")  # noqa: TRY004 - the value is wrong, not a type
    return message


def describe_error(error: Exception) -> dict[str, str]:
    """Return ``error`` as the ``error`` of an answer."""
    if isinstance(error, errors.HarnessError):
        return {"kind": type(error).__name__, "message": str(error)}
    return {"kind": "Unforeseen", "message": "".join(traceback.format_exception(error)).strip()}


def raise_described(error: dict[str, str], method: str) -> NoReturn:
    """Raise the exception that ``describe_error`` described on the other side."""
    kind = getattr(errors, error["kind"], None)
    if isinstance(kind, type) and issubclass(kind, errors.HarnessError) and not issubclass(kind, errors.WorkerError):
        raise kind(error["message"])
    raise errors.RunFailed(f"{method!r} ended in an error that the worker did not foresee:\n{error['message']}")


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} does not travel as JSON")
