"""The files of a report: each replaced in one step where it has changed, and those of an earlier report removed."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Lists what the last report wrote: nothing else in the folder is ours to remove.
MANIFEST = ".trt-harness-report.json"
# What a report has files of.
_ENDINGS = (".html", ".csv", ".json", ".md", ".svg", ".xml")


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


def written_before(folder: Path) -> dict[str, str]:
    """Return the files that the last report wrote to ``folder`` and that are still there, with the state of each.

    A list that is not ours, or that cannot be read, has none.
    """
    return {name: state for name, state in _listed(folder).items() if (folder / name).is_file()}


def remove_leftovers(folder: Path, written: Mapping[str, str]) -> None:
    """Remove the files of the last report to ``folder`` that are not among those ``written`` now, and list these.

    Args:
        folder: of the report.
        written: the state of each file of the new report, by name; they must all be there.

    Raises:
        OSError: the folder cannot be written.
    """
    for name in set(_listed(folder)) - set(written):
        (folder / name).unlink(missing_ok=True)
    # Last, so that a report that is broken off here is cleaned up by the next one.
    replace_file(folder / MANIFEST, json.dumps(dict(sorted(written.items())), indent=1) + "\n")


def _listed(folder: Path) -> dict[str, str]:
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # none yet, or none that can be read: then nothing is known to be ours
    if isinstance(listed, list):  # an earlier harness listed names alone
        listed = dict.fromkeys((name for name in listed if isinstance(name, str)), "")
    entries = listed.items() if isinstance(listed, dict) else ()
    # A name with a folder in it, or of anything that a report does not have, was not written by us.
    return {
        name: state
        for name, state in entries
        if isinstance(state, str) and name == Path(name).name and name.endswith(_ENDINGS) and name != MANIFEST
    }
