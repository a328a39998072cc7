"""The files of a report: each replaced in one step, and those of an earlier report removed."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Lists what the last report wrote: nothing else in the folder is ours to remove.
MANIFEST = ".trt-harness-report.json"


def replace_file(path: Path, content: str) -> None:
    """Put ``content`` into ``path`` in one step, as UTF-8: readers see the old file or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
        # mkstemp makes files that only their owner reads; a report is to be read by whoever can read the folder.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path, written: Collection[str]) -> None:
    """Remove the files of the last report to ``folder`` that are not among those ``written`` now, and list these.

    Args:
        folder: of the report.
        written: names of all files of the new report, which must all be there.

    Raises:
        OSError: the folder cannot be written.
    """
    for name in _listed(folder / MANIFEST) - set(written):
        (folder / name).unlink(missing_ok=True)
    # Last, so that a report that is broken off here is cleaned up by the next one.
    replace_file(folder / MANIFEST, json.dumps(sorted(written), indent=1) + "\n")


def _listed(manifest: Path) -> set[str]:
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()  # none yet, or none that can be read: then nothing is known to be ours
    names = listed if isinstance(listed, list) else []
    # A name with a folder in it, or of anything but a page, was not written by us.
    return {name for name in names if isinstance(name, str) and name == Path(name).name and name.endswith(".html")}
