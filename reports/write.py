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
from reports.helpers import Helpers, helpers_for
from reports.links import INDEX
from reports.model_page import file_names
from reports.names import names_of
from reports.reading import read
from reports.sections import SECTIONS
from reports.site import Site, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from harness.history.store import History
    from reports.site import SiteFile

# Stands between the state of a file and the account of its links, in the list of what was written.
_LINKS = "\n"
_OBJECTS_BETWEEN_COLLECTIONS = 200_000


def write_report(history: History, destination: Path, *, title: str = "TensorRT harness", last: int = 200) -> Path:
    """Write the pages of a report into ``destination``, and return the path of ``index.html``.

    Each file stands for itself: styles, scripts, drawings and data are inside it, it opens from disk, and its content
    security policy forbids every connection. Each is replaced in one step, ``index.html`` last, so that a reader never
    meets half a file. One whose state is that of the last report, and whose links lead where they led, is left as it
    is. Files that an earlier report wrote here and this one has not are removed; no other file is. Several processes
    write them where there are many.

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
    with seldom_collected():
        return _write(history, destination, title, last)


class FileWriter:
    """Writes the files of a report into its folder, in this process; which of them, others say."""

    def __init__(self, site: Site, destination: Path) -> None:
        """List the files; nothing is written yet."""
        self._site = site
        self._destination = destination
        self._files = {file.name: file for section in SECTIONS for file in section(site)}
        self._common = digest(_code(), site.title)
        site.links.offer(self._files)

    @property
    def names(self) -> Sequence[str]:
        """The name of every file, the first page last."""
        return list(self._files)

    @property
    def digest(self) -> str:
        """What stands for the report as a whole: equal for two processes that see the same history."""
        return digest(self._common, *(f"{file.name} {file.state}" for file in self._files.values()))

    def still_holds(self, name: str, state: str) -> bool:
        """Whether a file that was written with this state is what would be written now."""
        stored, _, links = state.partition(_LINKS)
        file = self._files[name]
        return bool(file.state) and stored == self._state(file) and self._site.links.still_hold(links)

    def write(self, name: str) -> str:
        """Write a file, and return its state.

        Raises:
            OSError: the folder cannot be written.
        """
        file = self._files[name]
        self._site.links.take_account()
        replace_file(self._destination / name, file.content())
        return f"{self._state(file)}{_LINKS}{self._site.links.take_account()}"

    def _state(self, file: SiteFile) -> str:
        return f"{self._common} {file.state}"


def _write(history: History, destination: Path, title: str, last: int) -> Path:
    before = written_before(destination)
    written = text.moment(datetime.now(timezone.utc))
    setup = {
        "history": history.url,
        "title": title,
        "last": last,
        "written": written,
        "destination": str(destination.resolve()),
    }
    with Helpers(setup) as helpers:
        # Where the last report was large, a helper reads the history meanwhile: it takes as long as writing many files.
        helpers.start(min(helpers_for(len(before)), 1))
        site = site_of(history, title=title, last=last, written=written)
        writer = FileWriter(site, destination)
        states = {name: before[name] for name in writer.names if writer.still_holds(name, before.get(name, ""))}
        changed = [name for name in writer.names if name not in states]
        others = [name for name in changed if name != INDEX]
        helpers.start(helpers_for(len(others)))
        try:
            destination.mkdir(parents=True, exist_ok=True)
            states |= helpers.write(others, writer.write, writer.digest)
            states |= {name: writer.write(name) for name in changed if name == INDEX}
            remove_leftovers(destination, states)
        except OSError as error:
            raise UsageError(
                f"the report cannot be written to {str(destination)!r}: {error.strerror or error}. Give a folder that "
                f"can be written: --output DIR, or --report DIR of pytest"
            ) from error
    return destination / INDEX


def site_of(history: History, *, title: str, last: int = 200, written: str = "") -> Site:
    """Read what a report shows, of each machine the last ``last`` sessions.

    Args:
        history: what to show.
        title: of the report.
        last: as for ``write_report``.
        written: when it was written, as its pages say it; now by default.

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
        written=written or text.moment(datetime.now(timezone.utc)),
    )


@contextmanager
def seldom_collected() -> Iterator[None]:
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
