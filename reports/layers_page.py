"""The layers of a case's newest trial: errors along the graph, the engine's layers, the engine beside others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.history.records import stable_hash
from reports import text
from reports.beside import neighbours_of
from reports.current import standing_of
from reports.detail_reading import newest_cells
from reports.drawing import marker_definitions
from reports.engine_comparison import Comparison, compare_engines
from reports.engine_layers import EngineLayerTable, Quantity, decibels, layer_table, milliseconds
from reports.engine_view import EngineRoom, engine_view
from reports.graph_view import GraphView, graph_view, why_not_drawn
from reports.layer_origins import OriginsView, analysis_of, misfits_text, origins_view, ratio_of
from reports.linked import Linked, case_link, engine_link, environment_link, index_link, session_link
from reports.links import layers_file
from reports.points import PointData
from reports.render import render
from reports.site import SiteFile
from reports.trials import layer_notes, layers_view, limits_text, measured, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

    from harness.history.records import LayerRecord, TensorErrorRecord
    from harness.history.rows import MatrixCell
    from reports.beside import Neighbour, Neighbours
    from reports.current import CurrentCase
    from reports.detail_reading import Details
    from reports.pages import LayersView, NumberTypeView, SubjectView
    from reports.site import Site
    from reports.standing import Standing

_MOST_TENSORS = 2000


@dataclass(frozen=True)
class TensorRow:
    """The error of one layer, where it comes from, and what the engine makes it with.

    Attributes:
        handed: ratio of signal to error of the worst of its inputs.
        added: the same of what it adds itself, run alone.
        misfits: what does not fit its number type, counted.
        by_engine: whether the engine computes something else than its graph.
    """

    place: int
    tensor: str
    operator: str
    ratio: Quantity
    cosine: str
    largest: str
    limits: str
    passed: bool | None
    handed: Quantity
    added: Quantity
    misfits: str
    by_engine: bool
    layer: str
    compute_type: str
    time: Quantity

    @property
    def anchor(self) -> str:
        """What the row is called in an address."""
        return _anchor(self.place)


@dataclass(frozen=True)
class BesideView:
    """Another engine beside this one."""

    anchor: str
    title: str
    layers: Linked
    comparison: Comparison


@dataclass(frozen=True)
class LayersPage:
    """Everything about the layers of one trial.

    Attributes:
        beside: other engines, held against this one.
        compared_there: pages that hold themselves against this one.
        data: what the page's script needs to name a point.
    """

    title: str
    written: str
    index: Linked
    case: Linked
    name: str
    environment: Linked
    subject: SubjectView
    standing: Standing
    started: str
    session: Linked
    engine: Linked
    errors: LayersView | None
    notes: tuple[str, ...]
    graph: GraphView | None
    no_graph: str
    origins: OriginsView | None
    tensors: tuple[TensorRow, ...]
    tensors_title: str
    types: tuple[NumberTypeView, ...]
    times: str
    layers: EngineLayerTable
    beside: tuple[BesideView, ...]
    compared_there: tuple[Linked, ...]
    markers: Markup
    data: Mapping[str, Any] = field(repr=False)


def layers_files(site: Site, details: Details) -> Iterator[SiteFile]:
    """Yield a page for the newest trial of each case under each of its newest subjects, if it has layers."""
    for case in site.cases:
        for cell in newest_cells(site, case):
            if cell.trial_id in details.layered:
                beside = neighbours_of(site, case, cell, details)
                state = stable_hash([
                    *(cell.trial_id, case.version, standing_of(cell).key, site.title),
                    *(site.names.subjects[cell.subject_hash].label, site.names.subjects[cell.subject_hash].index),
                    *(site.names.environments[case.environment].name, details.build_of.get(cell.trial_id)),
                    details.graph_of.get(cell.trial_id),
                    [(other.title, other.cell.trial_id) for other in beside.here],
                    [other.title for other in beside.there],
                ])  # fmt: skip
                yield SiteFile(
                    layers_file(case.case_id, case.version, case.environment, cell.subject_hash),
                    state,
                    lambda case=case, cell=cell, beside=beside: _content(site, details, case, cell, beside),  # type: ignore[misc]
                )


def _content(site: Site, details: Details, case: CurrentCase, cell: MatrixCell, beside: Neighbours) -> str:
    record = site.reading.details[cell.trial_id]
    data = PointData({})
    errors = layers_view(record, cell.trial_id, data)
    layers = record.engine.layer_list if record.engine else ()
    of_layers = sorted((e for e in record.tensor_errors if e.scope == "layers"), key=lambda error: error.position)
    view = engine_view(record.engine, record.conditions, EngineRoom(0, 1)) if record.engine else None
    page = LayersPage(
        title=site.title,
        written=site.written,
        index=index_link(site),
        case=case_link(site, case),
        name=text.plain(f"{case.model} · {case.precision} · {case.profile}", 200),
        environment=environment_link(site, case.environment),
        subject=site.names.subjects[cell.subject_hash],
        standing=standing_of(cell),
        started=text.moment(cell.started_at),
        session=session_link(site, cell.session_id),
        engine=engine_link(site, details.build_of.get(cell.trial_id, "")),
        errors=errors,
        notes=layer_notes(record.conditions),
        graph=graph_view(record, {error.tensor: _anchor(error.position + 1) for error in of_layers[:_MOST_TENSORS]}),
        no_graph=why_not_drawn(record.graph),
        origins=origins_view(of_layers, f"a{cell.trial_id}", data),
        tensors=tuple(_tensor_row(error, _makers(layers, error.tensor)) for error in of_layers[:_MOST_TENSORS]),
        tensors_title=_tensors_title(len(of_layers)),
        types=view.types if view else (),
        times=view.sentence if view else "",
        layers=layer_table(layers, record.tensor_errors),
        beside=tuple(
            BesideView(
                anchor=f"beside-{number}",
                title=other.title,
                layers=_layers_link(site, other),
                comparison=compare_engines(record, site.reading.details[other.cell.trial_id]),
            )
            for number, other in enumerate(beside.here, 1)
        ),
        compared_there=tuple(_layers_link(site, other, "beside-title") for other in beside.there),
        markers=marker_definitions(0),
        data=data.to_json([], site.names),
    )
    return render(page, "layers.html.j2", site.navigation)


def _anchor(place: int) -> str:
    return f"tensor-{place}"


def _layers_link(site: Site, other: Neighbour, anchor: str = "") -> Linked:
    file = layers_file(other.case.case_id, other.case.version, other.case.environment, other.cell.subject_hash)
    return Linked(other.title, site.links.to(file, anchor))


def _makers(layers: Sequence[LayerRecord], tensor: str) -> list[LayerRecord]:
    return [layer for layer in layers if tensor in layer.outputs]


def _tensor_row(error: TensorErrorRecord, makers: Sequence[LayerRecord]) -> TensorRow:
    analysis = analysis_of(error)
    times = [layer.milliseconds for layer in makers if layer.milliseconds is not None]
    return TensorRow(
        place=error.position + 1,
        tensor=text.plain(error.tensor, 120),
        operator=text.plain(error.operator, 60),
        ratio=decibels(number_of(error.errors.get("sqnr_db"))),
        cosine=measured("cosine", error.errors.get("cosine")),
        largest=measured("max_abs", error.errors.get("max_abs")),
        limits=limits_text(error.tolerance),
        passed=error.passed,
        handed=decibels(ratio_of(analysis.get("handed"))),
        added=decibels(ratio_of(analysis.get("made"))),
        misfits=misfits_text(analysis.get("counts") or {}),
        by_engine=bool(analysis.get("by_engine")),
        layer=text.plain(", ".join(layer.name for layer in makers), 120) or text.ABSENT,
        compute_type=text.listed(sorted({text.plain(layer.compute_type, 30) for layer in makers if layer.compute_type}))
        or text.ABSENT,
        time=milliseconds(sum(times) if times else None),
    )


def _tensors_title(count: int) -> str:
    if count <= _MOST_TENSORS:
        return f"{'The error of' if count == 1 else 'The errors of all'} {text.count(count, 'layer')}, in graph order"
    return f"The errors of the first {_MOST_TENSORS:,} of {count:,} layers, in graph order"
