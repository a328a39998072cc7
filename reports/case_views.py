"""What the page of a case says: frozen records between its history and its template, as in ``reports.pages``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from reports.case_marks import MarkView
    from reports.pages import ChangeView, EnvironmentView, SubjectView
    from reports.standing import Standing


@dataclass(frozen=True)
class ChartView:
    """One chart: ``id`` is that of its data, ``still`` the drawing for print and for readers without scripts."""

    id: str
    title: str
    latest: str
    standing: Standing | None
    still: Markup
    note: str
    first: bool


@dataclass(frozen=True)
class EngineRow:
    """One engine with its trials; ``more`` of these have no room here."""

    label: str
    href: str
    trials: tuple[int, ...]
    more: int
    median: str
    range: str
    since: str


@dataclass(frozen=True)
class Lottery:
    """The engines of a case: the drawing, the sentence to it, the rows of its table."""

    title: str
    sentence: str
    strip: Markup
    rows: tuple[EngineRow, ...]


@dataclass(frozen=True)
class RunRow:
    """One run: ``values`` go with ``CasePage.columns``."""

    trial: int
    started: str
    session: str
    session_href: str
    commit: str
    subject: SubjectView
    engine: str
    quality: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class CasePage:
    """Everything about one case on one machine over time.

    ``verdict_href`` is where the evidence for its standing is; ``renamed`` says what it was called before, if anything,
    and ``awaited`` what it is to be called once it has run under that name.
    """

    title: str
    written: str
    case_id: str
    model: str
    model_href: str
    precision: str
    profile: str
    version: int
    environment: EnvironmentView
    standing: Standing
    label: str
    sentence: str
    command: str
    verdict_href: str
    renamed: str
    awaited: str
    runs_in_all: int
    charts: tuple[ChartView, ...]
    telemetry: tuple[ChartView, ...]
    lottery: Lottery | None
    changes: tuple[ChangeView, ...]
    marks: tuple[MarkView, ...]
    columns: tuple[str, ...]
    runs: tuple[RunRow, ...]
    subjects: tuple[SubjectView, ...]
    markers: Markup
    data: Mapping[str, Any] = field(repr=False)
