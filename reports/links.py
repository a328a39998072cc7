"""Where each page of a report is: file names by what they show, and links that never lead nowhere.

All files lie in one folder. A name is made from what its page shows alone, so that two parts of a report that know
nothing of each other link to the same file, and a page keeps its address from one report to the next.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from reports import text

if TYPE_CHECKING:
    from collections.abc import Iterable

INDEX = "index.html"
VERSIONS = "versions.html"
SESSIONS = "sessions.html"
BADGE = "badge.svg"
FEED = "feed.xml"
SUMMARY = "summary.md"


def case_file(case_id: str, version: int, environment: str) -> str:
    """Return the file of one case on one machine, given by its hash: its series over time."""
    return f"case-{_named(case_id, str(version), environment)}"


def layers_file(case_id: str, version: int, environment: str, subject: str) -> str:
    """Return the file of the layers of the newest trial of a case under one subject, machine and subject as hashes."""
    return f"layers-{_named(case_id, str(version), environment, subject)}"


def verdict_file(trial: int, case_id: str, metric: str, point: str) -> str:
    """Return the file of the verdict on one series of one trial."""
    return f"verdict-{trial}-{_named(case_id, metric, point)}"


def session_file(session: str) -> str:
    """Return the file of one session."""
    return f"session-{_named(session)}"


def engine_file(build: str) -> str:
    """Return the file of one engine, given by the hash of its build."""
    return f"engine-{text.slug(build[:16])}.html"


def environment_file(environment: str) -> str:
    """Return the file of one machine, given by its hash."""
    return f"environment-{text.slug(environment[:16])}.html"


class Links:
    """Links between the pages of one report: each function above, but empty where the report has no such file.

    It keeps account of what it was asked for, since a page is to be written anew as soon as one of these answers is
    another one: a page that it links to may come or go while all that the page itself shows stays.
    """

    def __init__(self) -> None:
        self._offered: set[str] = set()
        self._asked: set[str] = set()

    def offer(self, names: Iterable[str]) -> None:
        """Say which files the report has."""
        self._offered.update(names)

    def to(self, name: str, anchor: str = "") -> str:
        """Return the address of a file, with an anchor in it if one is given; empty where there is no such file."""
        self._asked.add(name)
        if name not in self._offered:
            return ""
        return f"{name}#{anchor}" if anchor else name

    def take_account(self) -> str:
        """Return what was asked for since the last time, each name after ``+`` where it is there, else after ``-``."""
        account = " ".join(f"{'+' if name in self._offered else '-'}{name}" for name in sorted(self._asked))
        self._asked.clear()
        return account

    def still_hold(self, account: str) -> bool:
        """Return whether all answers of an account are what they would be now."""
        return all((entry[:1] == "+") == (entry[1:] in self._offered) for entry in account.split())


# Asked for each link and for the state of each page that has it.
@lru_cache(maxsize=100_000)
def _named(first: str, *others: str) -> str:
    """Return a file name that begins with what a person would look for, and is unique through a digest of all parts."""
    digest = hashlib.sha256("\n".join((first, *others)).encode()).hexdigest()[:8]
    return f"{text.slug(first)[:60]}-{digest}.html"
