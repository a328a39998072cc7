"""What the parts of the first page are made from, put together once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.current import furthest_moved, tuned_latency
from reports.links import case_file
from reports.model_page import anchor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import SessionRow
    from reports.current import CurrentCase
    from reports.reading import Run, TrialBrief
    from reports.site import Site

# The machine, as addresses of views and as attributes of elements name it.
_MACHINE_DIGITS = 8


@dataclass(frozen=True)
class Overview:
    """The present state of everything, with what is needed to say it.

    Attributes:
        site: the report.
        trials: the first trials of each session, by its id.
        series: the id of each series, by (case id, version, environment, metric, point).
        runs: those of the latencies that stand for the cases, and of what moved where that needs attention, by series
            id.
    """

    site: Site
    trials: Mapping[str, Sequence[TrialBrief]]
    series: Mapping[tuple[str, int, str, str, str], int]
    runs: Mapping[int, Sequence[Run]]

    @classmethod
    def of(cls, site: Site) -> Overview:
        """Collect it, with two statements for the runs of all cases together."""
        trials: dict[str, list[TrialBrief]] = defaultdict(list)
        for trial in site.reading.trials:
            trials[trial.session_id].append(trial)
        series = {
            (row.case_id, row.case_version, row.environment_hash, row.metric, row.point): row.id
            for row in site.reading.series
        }
        keys = [(case, tuned_latency(case.newest)) for case in site.cases]
        moved = [(case, furthest_moved(case)) for case in site.cases if case.standing.attention]
        keys += [(case, found[0]) for case, found in moved if found]
        timed = [series.get((case.case_id, case.version, case.environment, *key)) for case, key in keys if key]
        return cls(site, trials, series, site.reading.runs.of([each for each in timed if each is not None]))

    def last_session(self, environment: str) -> SessionRow | None:
        """Return the last session of a machine, given by its hash."""
        here = {trial.session_id for trial in self.site.reading.trials if trial.environment == environment}
        return next((row for row in reversed(self.site.reading.sessions) if row.record.id in here), None)

    def series_of(self, case: CurrentCase, metric: str, point: str) -> int | None:
        """Return the id of a case's series."""
        return self.series.get((case.case_id, case.version, case.environment, metric, point))

    def address_of(self, case: CurrentCase) -> str:
        """Return where a case is shown in full: on a page of its own, or in a section of its model's."""
        own = self.site.links.to(case_file(case.case_id, case.version, case.environment))
        return own or f"{self.site.models[case.model]}#{anchor_of(case, self.site.names)}"

    def finding_of(self, case: CurrentCase) -> str:
        """Return where what a case stands for is told in full: on the page of its verdict, or else that of the case."""
        return self.site.verdicts.to_case(case) or self.address_of(case)


def machine_key(environment: str) -> str:
    """Return what stands for a machine, given by its hash, in the address of a view."""
    return environment[:_MACHINE_DIGITS]
