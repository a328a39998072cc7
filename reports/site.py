"""A report as a set of files: what all of them are made from, and what each is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reports.links import FEED, INDEX, SESSIONS, VERSIONS, Links
from reports.verdict_links import VerdictLinks
from reports.verdict_reading import told_verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.history.store import History
    from reports.current import CurrentCase
    from reports.names import Names
    from reports.reading import Reading
    from reports.verdict_reading import Told

# The pages that every other one leads to, where the report has them.
_NAVIGATION = ((INDEX, "Overview"), (VERSIONS, "Versions and GPUs"), (SESSIONS, "Sessions"), (FEED, "Feed"))


@dataclass(frozen=True)
class SiteFile:
    """One file of a report.

    Attributes:
        name: in the report's folder, without any folder.
        state: stands for all that the content is made from, apart from the harness's own code: as long as it is the
            same, the file that an earlier report wrote is left as it is. Empty where that cannot be told.
        content: makes the content.
    """

    name: str
    state: str
    content: Callable[[], str]


@dataclass(frozen=True)
class Site:
    """What all files of one report are made from.

    Attributes:
        history: for what the reading does not have; a part that needs more reads it itself, in few statements.
        reading: what every part needs.
        names: of subjects and machines.
        cases: the present state of every case on every machine.
        models: the file of each model's page, in the order of the history.
        title: of the report.
        written: when it was written, UTC.
        links: between its files.
    """

    history: History
    reading: Reading
    names: Names
    cases: Sequence[CurrentCase]
    models: Mapping[str, str]
    title: str
    written: str
    links: Links = field(default_factory=Links)

    @cached_property
    def told(self) -> Sequence[Told]:
        """The verdicts that have a page."""
        return told_verdicts(self.history.queries, self.reading)

    @cached_property
    def verdicts(self) -> VerdictLinks:
        """Links to the pages of verdicts."""
        return VerdictLinks.of(self.links, self.told)

    @property
    def navigation(self) -> Sequence[tuple[str, str]]:
        """Address and title of the pages that every page leads to."""
        return [(self.links.to(name), title) for name, title in _NAVIGATION if self.links.to(name)]

    def state_of(self, case: CurrentCase) -> str:
        """Return what stands for all that is known of a case: its trials, verdicts and changes, and how it stands now.

        Names of subjects and machines are not in it, for which see ``Names.state``; nor is whether its machine had
        later sessions that did not ask for it, which would change the state of every case with the first of these.
        """
        later = case.missing_from.record.id if case.missing_from else ""
        stored = self.reading.states.get((case.case_id, case.environment), "")
        return f"{case.case_id}@{case.version} {stored} {case.standing.key} {later}"


def digest(*parts: str) -> str:
    """Return a short digest of texts, for the state of a file."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
