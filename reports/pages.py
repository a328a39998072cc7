"""What the pages say: frozen records between the history and the templates.

Everything here is ready to be shown: numbers are written out, foreign text is cleaned and cut, charts are drawn.
Templates decide on order and markup only. Escaping is theirs, by Jinja's autoescape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from reports.standing import Standing


class Page(Protocol):
    """What every page has: the report's title, and when it was written, UTC."""

    @property
    def title(self) -> str:
        """Return the report's title."""

    @property
    def written(self) -> str:
        """Return when the report was written."""


@dataclass(frozen=True)
class Fact:
    """A name and a value, e.g. of an environment."""

    name: str
    value: str


@dataclass(frozen=True)
class SubjectView:
    """The software under test; ``index`` picks its colour and shape, the same on every page of a report."""

    index: int
    label: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class EnvironmentView:
    """A machine."""

    index: int
    name: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class SessionView:
    """One session, as a row of a table: ``cases``, ``failed`` and ``regressed`` count what this page is about.

    ``wall`` is empty where nobody knows when it ended, ``status`` is how: ``finished``, ``interrupted`` or ``running``.
    """

    id: str
    started: str
    command: str
    commit: str
    subjects: tuple[SubjectView, ...]
    environments: tuple[EnvironmentView, ...]
    cases: int
    failed: int
    regressed: int
    wall: str
    status: str
    qualities: str


@dataclass(frozen=True)
class FindingView:
    """How a stage ended, or several of which there is nothing more to say."""

    stages: str
    outcome: str
    symbol: str
    message: str


@dataclass(frozen=True)
class MeasurementView:
    """One metric at one point of the latest trial, beside its baseline; ``href`` tells its verdict in full."""

    metric: str
    point: str
    value: str
    baseline: str
    change: str
    interval: str
    standing: Standing | None
    label: str
    reason: str
    href: str
    samples: str
    spread: str
    tails: str


@dataclass(frozen=True)
class TensorView:
    """The error of one tensor: a final output at one point, or a layer; ``measures`` go with ``ModelPage.measures``."""

    place: int
    tensor: str
    operator: str
    point: str
    measures: tuple[str, ...]
    limits: str
    passed: bool | None


@dataclass(frozen=True)
class LayersView:
    """The layers of one trial: the drawing, the sentence about it, and the rows worth reading."""

    chart: Markup
    sentence: str
    rows_title: str
    rows: tuple[TensorView, ...]


@dataclass(frozen=True)
class NumberTypeView:
    """One number type of an engine: its share of the computing layers, and of their time."""

    name: str
    layers: str
    time: str


@dataclass(frozen=True)
class EngineLayerView:
    """One layer of an engine; ``share`` is of the time of all layers."""

    place: int
    name: str
    operator: str
    compute_type: str
    tactic: str
    time: str
    share: str


@dataclass(frozen=True)
class EngineView:
    """One engine: the sentence says where its time goes, ``slowest`` and ``layers`` are the rows to it."""

    facts: tuple[Fact, ...]
    types: tuple[NumberTypeView, ...]
    sentence: str
    slowest: tuple[EngineLayerView, ...]
    layers: tuple[EngineLayerView, ...]
    layers_title: str
    warning_kinds: tuple[Fact, ...]
    warnings: tuple[str, ...]
    log: str


@dataclass(frozen=True)
class TrialView:
    """The latest trial of one subject; ``layers`` are left out where a page of their own, ``layers_href``, has them."""

    subject: SubjectView
    started: str
    session: str
    quality: str
    standing: Standing
    message: str
    conditions: tuple[Fact, ...]
    engine: EngineView | None
    findings: tuple[FindingView, ...]
    measurements: tuple[MeasurementView, ...]
    outputs: tuple[TensorView, ...]
    layers: LayersView | None
    layer_notes: tuple[str, ...]
    layers_href: str = ""
    layers_sentence: str = ""


@dataclass(frozen=True)
class TrendView:
    """One series over its sessions; ``chart`` is empty where no value can be drawn, and ``note`` says why."""

    title: str
    latest: str
    standing: Standing | None
    chart: Markup
    note: str


@dataclass(frozen=True)
class ChangeView:
    """A run since which a series lies elsewhere, and what else changed then."""

    since: str
    session: str
    series: str
    before: str
    after: str
    change: str
    better: bool
    differences: tuple[str, ...]
    accepted: str


@dataclass(frozen=True)
class CaseView:
    """One case on one machine, in full; ``href`` is the page of all its series, where there is one.

    ``awaited`` says what it is to be called once it has run under that name, if anything.
    """

    anchor: str
    case_id: str
    precision: str
    profile: str
    version: int
    environment: EnvironmentView
    standing: Standing
    label: str
    awaited: str
    sentence: str
    command: str
    trials: tuple[TrialView, ...]
    trends: tuple[TrendView, ...]
    more_trends: tuple[TrendView, ...]
    changes: tuple[ChangeView, ...] = ()
    href: str = ""


@dataclass(frozen=True)
class ModelPage:
    """Everything about one model.

    ``data`` is what its script needs to name a point under the pointer, ``markers`` the shapes that its charts use, and
    ``measures`` the heads of the columns of errors.
    """

    title: str
    model: str
    file_name: str
    written: str
    totals: tuple[tuple[Standing, int], ...]
    cases: tuple[CaseView, ...]
    sessions: tuple[SessionView, ...]
    subjects: tuple[SubjectView, ...]
    environments: tuple[EnvironmentView, ...]
    measures: tuple[str, ...]
    markers: Markup
    data: Mapping[str, Any] = field(repr=False)
