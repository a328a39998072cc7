"""Where the verdicts of the newest trials are told in full: what a case stands for leads to its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.current import furthest_moved
from reports.links import Links, verdict_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.history.rows import MatrixCell
    from reports.current import CurrentCase
    from reports.verdict_reading import Told

_Judged = tuple[str, str, str, int, str, str, str]


@dataclass(frozen=True)
class VerdictLinks:
    """Links to the pages of verdicts, by what was judged.

    Attributes:
        links: of the report.
        trials: which trial the last word on a series is on, a confirmation's rather than the one that asked for it.
    """

    links: Links
    trials: Mapping[_Judged, int]

    @classmethod
    def of(cls, links: Links, told: Iterable[Told]) -> VerdictLinks:
        """Return the links to verdicts that have a page."""
        trials = {}
        for each in told:
            row = each.series
            where = (each.session_id, each.subject, row.case_id, row.case_version, row.environment_hash)
            trials[(*where, row.metric, row.point)] = each.trial_id
        return cls(links, trials)

    def to(self, cell: MatrixCell, metric: str, point: str) -> str:
        """Return the page of the last word on a series of a cell; empty where it has none."""
        where = (cell.session_id, cell.subject_hash, cell.case_id, cell.case_version, cell.environment_hash)
        # Asked for even where it is not there, so that a page is written anew once it is.
        trial = self.trials.get((*where, metric, point), cell.trial_id)
        return self.links.to(verdict_file(trial, cell.case_id, metric, point))

    def to_case(self, case: CurrentCase) -> str:
        """Return the page of the verdict that a case's standing is about; empty where it is about none."""
        moved = furthest_moved(case)
        return self.to(case.newest, *moved[0]) if moved else ""
