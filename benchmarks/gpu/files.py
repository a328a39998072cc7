"""Results on disk, complete at any moment: a program that is killed leaves what it had."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FOLDERS = re.compile(r"(?:^|(?<=[=:]))/(?:[^/:=]+/)*")


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` to ``path``, all or nothing, and make the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(data, indent=1, default=str) + "\n", encoding="utf-8")
    scratch.replace(path)


def without_folders(command: Iterable[str]) -> list[str]:
    """Return the words of a command with absolute paths cut to their last part: results say what ran, not where."""
    return [_FOLDERS.sub("", word) for word in command]
