"""The values of series over time, read model by model."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.history import reading
from harness.history.tables import Measurement, Verdict
from reports.lazy import GroupedMapping

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from harness.history.queries import Queries
    from harness.history.rows import SeriesRow


@dataclass(frozen=True, slots=True)
class Run:
    """One value of a series: of the first trial in a session, with the last word that its session had on it."""

    session_id: str
    subject: str
    quality: str
    value: float
    status: str | None


@dataclass(frozen=True, slots=True)
class MeasuredTrial:
    """What the runs of a trial have in common.

    Attributes:
        place: of its session, in the order of sessions.
        session_id: of its session.
        case: case id and environment hash.
        subject: the subject's hash.
        quality: whether its timings can be trusted.
        lead: id of the first trial of its case and subject in its session: its own, unless it is a confirmation.
    """

    place: int
    session_id: str
    case: tuple[str, str]
    subject: str
    quality: str
    lead: int


class SeriesRuns(GroupedMapping[int, "Sequence[Run]"]):
    """The runs of every series by the series' id, oldest first; a series without any has none.

    Going through the series of one model takes two statements, whatever their number.
    """

    def __init__(self, queries: Queries, joined: Mapping[int, SeriesRow], trials: Mapping[int, MeasuredTrial]) -> None:
        """Read nothing yet.

        Args:
            queries: of the history.
            joined: for each series that is stored, by its id, the one that it is a part of.
            trials: those whose values count, confirmations included, by id.
        """
        series = {row.id: row for row in joined.values()}
        own: dict[str, list[int]] = defaultdict(list)
        for row in series.values():
            own[row.model].append(row.id)
        models = {key: row.model for key, row in series.items()}
        super().__init__(own, models.get, lambda model: self.of(own[model]))
        self._queries = queries
        self._trials = trials
        self._parts: dict[int, list[int]] = defaultdict(list)
        for part, row in joined.items():
            if part != row.id:
                self._parts[row.id].append(part)
        self._whole = {part: key for key, parts in self._parts.items() for part in parts}

    def parts(self, series: int) -> list[int]:
        """Return the ids under which a series is stored: its own, and those of its case's former names."""
        return [series, *self._parts.get(series, ())]

    def of(self, series: Collection[int]) -> dict[int, list[Run]]:
        """Read the runs of some series, of any models, by their ids: for a page that shows few of each model."""
        ids = sorted(part for key in series for part in self.parts(key))
        found: dict[int, list[tuple[MeasuredTrial, Run]]] = defaultdict(list)
        with self._queries.snapshot() as connection:
            for start in range(0, len(ids), reading.IDS_AT_ONCE):
                for key, own in self._read(connection, ids[start : start + reading.IDS_AT_ONCE]).items():
                    found[self._whole.get(key, key)].extend(own)
        # Sessions are in the order of their start, trials in that of their commits: nearly always the same.
        return {key: [run for _, run in sorted(own, key=lambda pair: pair[0].place)] for key, own in found.items()}

    def values_of(self, trials: Collection[int]) -> Iterator[tuple[int, MeasuredTrial, float]]:
        """Yield all that some first trials measured, as the series' id, the trial and the value, in no order.

        That is for a page that goes through all series for nothing but the values of few of their runs.
        """
        ids = sorted(trials)
        query = select(Measurement.trial_id, Measurement.series_id, Measurement.value)
        with self._queries.snapshot() as connection:
            for start in range(0, len(ids), reading.IDS_AT_ONCE):
                chunk = ids[start : start + reading.IDS_AT_ONCE]
                for trial_id, part, value in connection.execute(query.where(Measurement.trial_id.in_(chunk))).all():
                    if (trial := self._trials.get(trial_id)) and trial.lead == trial_id:
                        yield self._whole.get(part, part), trial, math.nan if value is None else value

    def _read(self, connection: Connection, series: Sequence[int]) -> dict[int, list[tuple[MeasuredTrial, Run]]]:
        # Two statements, each in the order of an index, and a merge here: half the time of an outer join.
        judged = select(Verdict.series_id, Verdict.trial_id, Verdict.status)
        judged = judged.where(Verdict.series_id.in_(series)).order_by(Verdict.series_id, Verdict.trial_id)
        trials = self._trials
        words: dict[tuple[int, int], str] = {}
        for of_series, trial_id, status in connection.execute(judged).all():
            if trial := trials.get(trial_id):
                words[of_series, trial.lead] = status
        found: dict[int, list[tuple[MeasuredTrial, Run]]] = defaultdict(list)
        for of_series, trial_id, value in _measured(connection, series):
            if (trial := trials.get(trial_id)) and trial.lead == trial_id:
                number = math.nan if value is None else value
                word = words.get((of_series, trial_id))
                found[of_series].append((trial, Run(trial.session_id, trial.subject, trial.quality, number, word)))
        return found


def _measured(connection: Connection, series: Sequence[int]) -> Sequence[Any]:
    query = select(Measurement.series_id, Measurement.trial_id, Measurement.value)
    query = query.where(Measurement.series_id.in_(series))
    return connection.execute(query.order_by(Measurement.series_id, Measurement.trial_id)).all()
