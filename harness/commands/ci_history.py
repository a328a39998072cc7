"""The history in CI: taken from the folder that a cache restores, given back to it when the baseline may grow.

``scripts/gate`` calls this as ``python -m harness.commands.ci_history``. A run works on a copy, so that what a pull
request measures becomes nobody's baseline, and a run that is killed leaves the kept history as it was.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HistoryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def restore(kept: Path, working: Path) -> str:
    """Make ``working`` a copy of the history ``kept``, in this version's schema; return its latest session's id.

    Where nothing was kept yet there will be no ``working`` either: the session makes it.

    Raises:
        HistoryError: what was kept is no history, or is that of a newer version.
    """
    from harness.history.store import History

    for file in (working, *working.parent.glob(f"{working.name}-*")):
        file.unlink(missing_ok=True)
    if not kept.is_file():
        return ""
    copy(kept, working)
    with History.open(str(working), upgrade=True):
        return latest_session(working)


def copy(source: Path, destination: Path) -> None:
    """Copy a SQLite file as it is at one moment, its write-ahead log included; readers see the old one or the new.

    Raises:
        HistoryError: the source is no SQLite database, or the destination cannot be written.
    """
    partial = destination.with_name(f"{destination.name}.partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(partial)) as written:
            read.backup(written)
        os.replace(partial, destination)  # noqa: PTH105 - what it promises is said there
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise HistoryError(
            f"the history {str(source)!r} cannot be copied to {str(destination)!r}: {error}. If it is damaged, remove "
            f"it: baselines then start anew."
        ) from None


def latest_session(db: Path) -> str:
    """Return the id of the session that was started last, or nothing where there is none."""
    if not db.is_file():
        return ""
    # Plain SQL answers in a tenth of the time that the imports of History take.
    with closing(sqlite3.connect(db)) as connection:
        row = connection.execute("select id from session order by started_at desc, id limit 1").fetchone()
    return str(row[0]) if row else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``restore KEPT WORKING``, ``keep WORKING KEPT`` or ``latest DB``, and return the exit code."""
    parser = argparse.ArgumentParser(prog="ci_history", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, files in (("restore", ("kept", "working")), ("keep", ("working", "kept")), ("latest", ("db",))):
        command = commands.add_parser(name)
        for file in files:
            command.add_argument(file, type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.command == "restore":
            print(restore(given.kept, given.working))  # noqa: T201 - it is a program
        elif given.command == "keep":
            copy(given.working, given.kept)
        else:
            print(latest_session(given.db))  # noqa: T201 - the same
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the same
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
