"""A report without files: its pages made when they are asked for, from the history as it is then."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import UsageError, unknown_value
from harness.history.location import Location
from reports.links import INDEX
from reports.sections import SECTIONS
from reports.write import site_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.history.store import History
    from reports.current import CurrentCase
    from reports.site import Site, SiteFile

# Bytes of pages that are kept; a page of a large history has about one million.
_KEPT_BYTES = 64 * 2**20
# Where nobody can tell whether a history has changed, it is read again after so many seconds.
_UNKNOWN_FOR = 10.0
# Reading a large history takes seconds; while a session commits every few of them, that is not done each time.
_SHARE_OF_TIME = 5.0


@dataclass(frozen=True)
class Document:
    """One file of a report as it is now: UTF-8 text, and a tag that is another one as soon as the text is."""

    name: str
    body: bytes
    tag: str


@dataclass(frozen=True)
class _Reading:
    """The history as it was read at one time.

    Attributes:
        version: of the history.
        taken: when, on the monotonic clock.
        seconds: that it took.
        site: what was read.
        files: of the report, by name.
        overview: the part of the report that has the first page.
    """

    version: object
    taken: float
    seconds: float
    site: Site
    files: Mapping[str, SiteFile]
    overview: Sequence[Callable[[Site], Iterator[SiteFile]]]


@dataclass(frozen=True)
class _Kept:
    state: object
    document: Document


# What the first page can be limited by, and what of a case it is about.
FILTERS: Mapping[str, Callable[[CurrentCase, Site], str]] = {
    "model": lambda case, _: case.model,
    "precision": lambda case, _: case.precision,
    "profile": lambda case, _: case.profile,
    "standing": lambda case, _: case.standing.key,
    "machine": lambda case, site: site.names.environments[case.environment].name,
}


class LiveReport:
    """The files of a report by their names; threads may ask at the same time, pages are made one at a time."""

    def __init__(self, history: History, *, title: str = "TensorRT harness", last: int = 200) -> None:
        """Begin; nothing is read before the first question.

        Args:
            history: opened for reading only.
            title: of the report.
            last: how many sessions of each machine are shown at most, the newest.
        """
        self._history = history
        self._location = Location.of(history.queries.database)
        self._title = title
        self._last = last
        self._lock = threading.Lock()
        self._reading: _Reading | None = None
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def document(self, name: str) -> Document | None:
        """Return a file of the report; None if it has no such file.

        Raises:
            HistoryError: the history cannot be read.
        """
        with self._lock:
            now = self._read()
            file = now.files.get(name)
            if file is None:
                return None
            # Where a part cannot say what a file depends on, it is made again for every reading. Which links lead
            # somewhere depends on the names of all files and on nothing else.
            state = (file.state, frozenset(now.files), now.site.title) if file.state else now.version
            kept = self._kept.get(name)
            if kept is None or kept.state != state:
                kept = _Kept(state, _document(name, file.content()))
                self._kept[name] = kept
                self._forget()
            self._kept.move_to_end(name)
            return kept.document

    def overview(self, filters: Mapping[str, str]) -> Document | None:
        """Return the first page with some of the cases only; None if no case is like that.

        Args:
            filters: a name out of ``FILTERS`` each, and the value that cases must have; all of them must hold.

        Raises:
            UsageError: there is no such filter, or it has no such value.
            HistoryError: the history cannot be read.
        """
        for name in filters:
            if name not in FILTERS:
                raise UsageError(unknown_value("filter of the overview", name, FILTERS))
        with self._lock:
            now = self._read()
            site, cases = now.site, now.site.cases
            for name, wanted in filters.items():
                known = {FILTERS[name](case, site) for case in site.cases}
                if wanted not in known:
                    raise UsageError(unknown_value(name, wanted, known))
                cases = [case for case in cases if FILTERS[name](case, site) == wanted]
            if not cases:
                return None
            limits = ", ".join(f"{name} {wanted}" for name, wanted in filters.items())
            limited = replace(site, cases=cases, title=f"{site.title} ({limits} only)")
            files = (file for section in now.overview for file in section(limited))
            return next(_document(INDEX, file.content()) for file in files if file.name == INDEX)

    def _read(self) -> _Reading:
        """Return the newest reading, taken anew if the history has changed since; the lock is held."""
        version, started = _version(self._location), time.monotonic()
        now = self._reading
        if now is None or (now.version != version and started - now.taken > _SHARE_OF_TIME * now.seconds):
            site = site_of(self._history, title=self._title, last=self._last)
            parts = [(section, {file.name: file for file in section(site)}) for section in SECTIONS]
            files = {name: file for _, own in parts for name, file in own.items()}
            site.links.offer(files)
            finished = time.monotonic()
            overview = [section for section, own in parts if INDEX in own]
            now = self._reading = _Reading(version, finished, finished - started, site, files, overview)
        return now

    def _forget(self) -> None:
        """Drop the pages that were not asked for longest, as far as they take too much memory."""
        held = sum(len(kept.document.body) for kept in self._kept.values())
        while held > _KEPT_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            held -= len(dropped.document.body)


def _document(name: str, content: str) -> Document:
    body = content.encode("utf-8", "backslashreplace")
    return Document(name, body, hashlib.sha256(body).hexdigest()[:32])


def _version(location: Location) -> object:
    """Return what is another one after each commit: sizes and times of the file and of the log written ahead of it."""
    if location.path is None:
        return int(time.monotonic() / _UNKNOWN_FOR)
    found = []
    for path in (location.path, location.path.with_name(f"{location.path.name}-wal")):
        try:
            about = path.stat()
        except FileNotFoundError:  # there is a log only while somebody has the file open
            continue
        found.append((about.st_mtime_ns, about.st_size))
    return tuple(found)
