"""Writing a report: reads the history, makes the files that have changed, and removes those that are gone."""

from __future__ import annotations

import gc
import hashlib
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from harness.errors import UsageError
from reports import text
from reports.current import current_cases
from reports.files import remove_leftovers, replace_file, written_before
from reports.links import INDEX
from reports.model_page import file_names
from reports.names import names_of
from reports.reading import read
from reports.sections import SECTIONS
from reports.site import Site, digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from harness.history.store import History

# Stands between the state of a file and the account of its links, in the list of what was written.
_LINKS = "\n"
_OBJECTS_BETWEEN_COLLECTIONS = 200_000


def write_report(history: History, destination: Path, *, title: str = "TensorRT harness", last: int = 200) -> Path:
    """Write the pages of a report into ``destination``, and return the path of ``index.html``.

    Each file stands for itself: styles, scripts, drawings and data are inside it, it opens from disk, and its content
    security policy forbids every connection. Each is replaced in one step, ``index.html`` last, so that a reader never
    meets half a file; one whose state is that of the last report, and whose links lead
    where they led, is left as it is. Files that an earlier report wrote
    here and this one has not are removed; no other file is.

    Args:
        history: what to show.
        destination: a folder; made if it is not there.
        title: of the report.
        last: how many sessions of each machine are shown at most, the newest; the oldest leave a tenth of so many at a
            time, so that a new session does not change every page.

    Raises:
        UsageError: ``destination`` cannot be written.
        HistoryError: the history cannot be read.
    """
    with _seldom_collected():
        return _write(site_of(history, title=title, last=last), destination)


def _write(site: Site, destination: Path) -> Path:
    files = [file for section in SECTIONS for file in section(site)]
    site.links.offer(file.name for file in files)
    common = digest(_code(), site.title)
    states: dict[str, str] = {}
    try:
        destination.mkdir(parents=True, exist_ok=True)
        before = written_before(destination)
        for file in files:
            state = f"{common} {file.state}"
            last_state, _, links = before.get(file.name, "").partition(_LINKS)
            if file.state and last_state == state and site.links.still_hold(links):
                states[file.name] = before[file.name]
            else:
                site.links.take_account()
                replace_file(destination / file.name, file.content())
                states[file.name] = f"{state}{_LINKS}{site.links.take_account()}"
        remove_leftovers(destination, states)
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {str(destination)!r}: {error.strerror or error}. Give a folder that can "
            f"be written: --report FOLDER"
        ) from error
    return destination / INDEX


def site_of(history: History, *, title: str, last: int = 200) -> Site:
    """Read what a report shows, of each machine the last ``last`` sessions.

    Raises:
        HistoryError: the history cannot be read.
    """
    reading = read(history, last=last)
    cases = current_cases(reading)
    return Site(
        history=history,
        reading=reading,
        names=names_of(reading),
        cases=cases,
        models=file_names(list(dict.fromkeys(case.model for case in cases))),
        title=title,
        written=text.moment(datetime.now(timezone.utc)),
    )


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for garbage seldom: pages are millions of small objects with few cycles, and looking took a quarter."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@cache
def _code() -> str:
    """Return a digest of what makes pages: after an upgrade every file is written anew."""
    code = hashlib.sha256()
    for file in sorted(_files(resources.files("reports")), key=lambda file: file.name):
        code.update(file.name.encode() + file.read_bytes())
    return code.hexdigest()[:16]


def _files(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry)
        elif entry.name.endswith((".py", ".j2", ".js", ".css")):
            yield entry
