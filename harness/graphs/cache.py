"""Graphs on disk, named by their content, and small records that lead to them without reading them.

Processes share a cache without locks: two that make the same graph at the same time write the same bytes under the same
name, each all at once, and a record that cannot be read counts as none.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from harness.graphs.save import graph_hash, replacing, save_model

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

Kind = Literal["sources", "recipes", "structures"]


def key_of(*parts: object) -> str:
    """Return SHA-256 (hex) over ``parts``, which are plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class GraphCache:
    """A folder of graphs and of records.

    ``graphs/<graph hash>.onnx`` holds a graph, with its weights in ``.onnx.data`` beside it where they are large.
    ``sources/<key>.json`` tells which FP32 graph a source gave, ``recipes/<key>.json`` which graph a recipe gave, and
    ``structures/<key>.json`` how a graph is wired.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path_of(self, graph: str) -> Path:
        """Return where the graph of this hash is, if it is there at all."""
        return self._root / "graphs" / f"{graph}.onnx"

    def store(self, model: ModelProto) -> str:
        """Write ``model`` unless it is there already, and return its hash."""
        graph = graph_hash(model)
        if not self.path_of(graph).exists():
            save_model(model, self.path_of(graph))
        return graph

    def read(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """Return the record under ``key`` if it is whole and the graph that it leads to is still there."""
        try:
            record: dict[str, Any] = json.loads(self._record(kind, key).read_bytes())
            return record if self.path_of(record["hash"]).exists() else None
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def write(self, kind: Kind, key: str, record: dict[str, Any]) -> None:
        """Put ``record``, whose ``hash`` names a stored graph, under ``key``."""
        path = self._record(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(record).encode())

    def _record(self, kind: Kind, key: str) -> Path:
        return self._root / kind / f"{key}.json"
