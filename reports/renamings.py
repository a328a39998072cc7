"""Cases that were renamed: which of them are one, and what they are called in a report.

A renaming is a decision (``trt-harness baseline alias``). Cases that it makes one, on one machine, have one name here:
that of today, or, as long as it never ran there, that of the newest run. What was measured under the other names keeps
its numbers in the history and is read as a part of that case.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.history.decisions import current_name, in_force
from reports import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.decisions import Decision
    from harness.history.rows import ChangeRow, MatrixCell, SeriesRow
    from reports.reading import TrialBrief

# Case id and hash of the machine.
Place = tuple[str, str]
_Key = tuple[str, int, str, str, str]


@dataclass(frozen=True)
class Rename:
    """A name that a case had: up to ``last``, the id of a session; the next one that has the case is ``then``."""

    former: str
    last: str
    then: str


@dataclass(frozen=True)
class Renamings:
    """Which cases of a history go on under another name; without a renaming every method gives back what it gets.

    Attributes:
        present: a trial of the case that each former one goes on as, by the former name and the machine's hash.
        awaited: the name of today of each case that never ran under it, by the name that it has here and the machine's
            hash.
    """

    present: Mapping[Place, MatrixCell] = field(default_factory=dict)
    awaited: Mapping[Place, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Iterable[MatrixCell], decisions: Sequence[Decision]) -> Renamings:
        """Find them among all cases of a history, given by their newest trials."""
        standing = in_force(decisions)
        if not any(decision.action == "alias" for decision in standing):
            return cls()
        newest: dict[Place, MatrixCell] = {}
        for cell in sorted(cells, key=lambda cell: cell.trial_id):
            newest[cell.case_id, cell.environment_hash] = cell
        alike: dict[Place, list[MatrixCell]] = defaultdict(list)
        for (name, machine), cell in newest.items():
            alike[current_name(name, standing), machine].append(cell)
        present: dict[Place, MatrixCell] = {}
        awaited: dict[Place, str] = {}
        for (name, machine), group in alike.items():
            kept = newest.get((name, machine)) or max(group, key=lambda cell: cell.trial_id)
            present.update({(c.case_id, machine): kept for c in group if c.case_id != kept.case_id})
            if kept.case_id != name:
                awaited[kept.case_id, machine] = name
        return cls(present, awaited)

    def name(self, case_id: str, environment: str) -> str:
        """Return what a case is called on a machine, given by its hash."""
        cell = self.present.get((case_id, environment))
        return cell.case_id if cell else case_id

    def former(self, case_id: str, environment: str) -> list[str]:
        """Return the names that a case had before on a machine."""
        return [
            name for (name, machine), cell in self.present.items() if (cell.case_id, machine) == (case_id, environment)
        ]

    def told_of_awaited(self, case_id: str, environment: str) -> str:
        """Say of a case that it has another name today and why it is not called by it; empty for every other one."""
        name = self.awaited.get((case_id, environment))
        if name is None:
            return ""
        return (
            f"Renamed to {text.plain(name, 160)} by a decision; nothing has run here under that name yet, "
            "so the former one stays until then."
        )

    def cell(self, cell: MatrixCell) -> MatrixCell:
        """Return a trial under its case's present name."""
        now = self.present.get((cell.case_id, cell.environment_hash))
        if now is None:
            return cell
        return replace(cell, case_id=now.case_id, model=now.model, precision=now.precision, profile=now.profile)

    def series(self, row: SeriesRow) -> SeriesRow:
        """Return a series under its case's present name, its number and fingerprint as they are."""
        now = self.present.get((row.case_id, row.environment_hash))
        if now is None:
            return row
        return replace(row, case_id=now.case_id, model=now.model, precision=now.precision, profile=now.profile)

    def renames(self, trials: Iterable[TrialBrief]) -> dict[Place, list[Rename]]:
        """Return when cases had their former names, the first renaming first, by case and machine.

        Args:
            trials: under their present names, oldest first.
        """
        if not self.present:
            return {}
        own: dict[Place, list[TrialBrief]] = defaultdict(list)
        for trial in trials:
            own[trial.case_id, trial.environment].append(trial)
        found: dict[Place, list[Rename]] = {}
        for place, runs in own.items():
            last = {trial.former: at for at, trial in enumerate(runs) if trial.former}
            if last:
                ends = [(name, at, runs[at + 1].session_id if at + 1 < len(runs) else "") for name, at in last.items()]
                in_order = sorted(ends, key=lambda end: end[1])
                found[place] = [Rename(name, runs[at].session_id, then) for name, at, then in in_order]
        return found

    def joined(self, series: Sequence[SeriesRow]) -> dict[int, SeriesRow]:
        """Return the series that each one, by its id, is a part of: itself, but for those of former names.

        Only what measures the same at the same point of the same version of a case is one series.
        """
        if not self.present:
            return {row.id: row for row in series}
        kept = {_key(row): row for row in map(self.series, series)}
        kept |= {_key(row): row for row in series if (row.case_id, row.environment_hash) not in self.present}
        return {row.id: kept[_key(self.series(row))] for row in series}


def of_present_series(changes: Iterable[ChangeRow], joined: Mapping[int, SeriesRow]) -> list[ChangeRow]:
    """Return changes of level as those of the series that theirs are a part of, in the order given."""
    return [
        change if (row := joined.get(change.series.id, change.series)) is change.series else replace(change, series=row)
        for change in changes
    ]


def _key(row: SeriesRow) -> _Key:
    return row.case_id, row.case_version, row.environment_hash, row.metric, row.point
