"""What one model's page is drawn with, and what its script needs to name each point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reports import text
from reports.links import Links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import SeriesRow, SessionRow
    from reports.engine_view import EngineRoom
    from reports.names import Names
    from reports.reading import Reading, Run
    from reports.verdict_links import VerdictLinks

_QUALITIES = ("ok", "contended", "throttled", "unstable")


@dataclass
class PointData:
    """The values behind the points of one page; grows as charts are drawn.

    Lists of sessions are the same for most series of a case, and lists of layers for most precisions of a model, so
    each is kept once and pointed to by its place.

    Attributes:
        columns: the column of each session in every chart, by the session's id.
        series: by the chart's id: unit, environment, and for each line its subject, its list of sessions, its values.
        layers: by the chart's id: the list of layers, their ratios in dB, their limits.
    """

    columns: Mapping[str, int]
    series: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, Any] = field(default_factory=dict)
    _runs: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = field(default_factory=dict)
    _names: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)

    def runs(self, runs: Sequence[Run]) -> int:
        """Return the place of a list of sessions (as columns) and the qualities of the timings in them."""
        columns = tuple(self.columns[run.session_id] for run in runs)
        qualities = tuple(_QUALITIES.index(run.quality) if run.quality in _QUALITIES else 0 for run in runs)
        return self._runs.setdefault((columns, qualities), len(self._runs))

    def names(self, names: Sequence[tuple[str, str]]) -> int:
        """Return the place of a list of layers: (tensor, operator)."""
        return self._names.setdefault(tuple(names), len(self._names))

    def to_json(self, sessions: Sequence[SessionRow], names: Names) -> dict[str, Any]:
        """Return everything as plain data, with the sessions (time, id, commit) in the order of their columns."""
        return {
            "sessions": [
                (text.moment(row.record.started_at), text.plain(row.record.id, 40), commit_of(row)) for row in sessions
            ],
            "subjects": [subject.label for subject in names.subjects.values()],
            "environments": [environment.name for environment in names.environments.values()],
            "runs": list(self._runs),
            "names": list(self._names),
            "series": self.series,
            "layers": self.layers,
        }


@dataclass(frozen=True)
class ModelContext:
    """What every part of one model's page is drawn with.

    Attributes:
        reading: the history.
        names: of subjects and machines.
        dates: one per column of its charts.
        series: of each (case id, environment, case version).
        data: receives the values of the points.
        engine_room: how much of each engine fits on the page.
        links: to what other pages show in full, and this one then does not.
        verdicts: to their pages; None where the table of measurements leads nowhere.
    """

    reading: Reading
    names: Names
    dates: Sequence[str]
    series: Mapping[tuple[str, str, int], Sequence[SeriesRow]]
    data: PointData
    engine_room: EngineRoom
    links: Links = field(default_factory=Links)
    verdicts: VerdictLinks | None = None


def commit_of(session: SessionRow) -> str:
    """Return the first ten characters of a session's commit; nothing outside git."""
    return text.plain((session.record.commit or "")[:10], 10)
