"""Where in the sources a concern belongs: at its model's record, where pull requests and code scanning show it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The file that holds a session's models.

    Attributes:
        file: below the checkout, with slashes; empty where it is not known or lies elsewhere.
        lines: the line of each model's record, from 1, as far as they were found.
    """

    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, model: str) -> int:
        """Return the line of a model's record, or the first one."""
        return self.lines.get(model, 1)


def find_sources(source: str, root: Path) -> Sources:
    """Find the file of what a session ran, and the lines of the models in it; nothing is imported.

    Args:
        source: ``module:NAME`` of a catalogue, or an ONNX file.
        root: the checkout, which paths are told from.
    """
    module, colon, _ = source.partition(":")
    as_module = root / Path(*module.split("."))
    places = [as_module.with_suffix(".py"), as_module / "__init__.py"] if colon else [root / source]
    found = next((place for place in places if source and place.is_file()), None)
    if found is None or not found.resolve().is_relative_to(root.resolve()):
        return Sources()
    file = str(PurePosixPath(found.resolve().relative_to(root.resolve())))
    return Sources(file=file, lines=_lines(found) if colon else {})


def _lines(file: Path) -> dict[str, int]:
    """Return the first line of each text in a Python file; texts that are given as ``name=`` go before others."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # it was readable when the session ran; without lines it still is a file
        return {}
    names = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "name"]
    texts = [
        node for node in [*names, *ast.walk(tree)] if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    lines: dict[str, int] = {}
    for text in texts:
        lines.setdefault(str(text.value), text.lineno)
    return lines
