"""Where each page of a report is: file names by what they show, and links that never lead nowhere.

All files lie in one folder. A name is made from what its page shows alone, so that two parts of a report that know
nothing of each other link to the same file, and a page keeps its address from one report to the next.
"""

from __future__ import annotations

import hashlib
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
    """Links between the pages of one report: each function above, but empty where the report has no such file."""

    def __init__(self) -> None:
        self._offered: set[str] = set()

    def offer(self, names: Iterable[str]) -> None:
        """Say which files the report has."""
        self._offered.update(names)

    def to(self, name: str, anchor: str = "") -> str:
        """Return the address of a file, with an anchor in it if one is given; empty where there is no such file."""
        if name not in self._offered:
            return ""
        return f"{name}#{anchor}" if anchor else name


def _named(first: str, *others: str) -> str:
    """Return a file name that begins with what a person would look for, and is unique through a digest of all parts."""
    digest = hashlib.sha256("\n".join((first, *others)).encode()).hexdigest()[:8]
    return f"{text.slug(first)[:60]}-{digest}.html"
