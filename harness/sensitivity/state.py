"""What a search has measured so far, in a file of the cache: it goes on where it was stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.accuracy.tensor_error import TensorError
from harness.graphs.save import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Raise it when the meaning of a reading changes, and say so here.
# 1: as first written.
STATE_VERSION = 1


class Readings:
    """Errors of the outputs by the set of nodes that was kept, remembered in one JSON file.

    A file that cannot be read, or is of another version, counts as none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._errors: dict[frozenset[str], dict[str, TensorError]] = {}
        try:
            data = json.loads(path.read_bytes())
            if data["version"] == STATE_VERSION:
                self._errors = dict(_reading(entry) for entry in data["readings"])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            pass

    @property
    def errors(self) -> Mapping[frozenset[str], Mapping[str, TensorError]]:
        """Errors by output, by the nodes kept."""
        return self._errors

    def add(self, kept: frozenset[str], errors: Mapping[str, TensorError]) -> None:
        """Remember the errors with ``kept``; the file is whole again before this returns.

        Raises:
            OSError: the cache cannot be written to.
        """
        self._errors[kept] = dict(errors)
        readings = [
            {"kept": sorted(nodes), "errors": {output: error.to_json() for output, error in measured.items()}}
            for nodes, measured in self._errors.items()
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as file:
            file.write(json.dumps({"version": STATE_VERSION, "readings": readings}).encode())


def _reading(entry: Mapping[str, Any]) -> tuple[frozenset[str], dict[str, TensorError]]:
    errors = {output: TensorError.from_json(error) for output, error in entry["errors"].items()}
    return frozenset(entry["kept"]), errors
