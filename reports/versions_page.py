"""The page that holds any two versions, on any two machines, against each other."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.cases.precision import RECIPES
from reports import text
from reports.current import LATENCIES, volume
from reports.drawing import marker_definitions
from reports.links import VERSIONS
from reports.render import render
from reports.site import SiteFile
from reports.standing import STANDINGS
from reports.versions_figures import FigureView, Scope, by_case
from reports.versions_levels import Configuration, Levels
from reports.versions_pairs import WORDS, HeatCell, Pair, Slot, compare_pair
from reports.versions_scaling import rooflines, scaling
from reports.versions_slopes import slopes
from reports.versions_trade_offs import SCORES, trade_offs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

    from reports.current import CurrentCase
    from reports.site import Site

# A comparison takes a tenth of a millisecond and some 50 bytes of the page.
_MOST_COMPARISONS = 7000
_MOST_CONFIGURATIONS = 12
_METRICS = frozenset((*LATENCIES, *SCORES, "throughput", "throughput_streams", "roofline_distance"))


@dataclass(frozen=True)
class ConfigurationView:
    """A choice of the menus; ``key`` stands for it in addresses, the same in every report."""

    key: str
    label: str


@dataclass(frozen=True)
class HeatRow:
    """One model under one profile at one point: a cell per precision, None where there is no such case."""

    model: str
    href: str
    profile: str
    point: str
    cells: tuple[HeatCell | None, ...]


@dataclass(frozen=True)
class VersionsPage:
    """The page; ``data`` is what its script needs to show other pairs than the one that is written out."""

    title: str
    written: str
    configurations: tuple[ConfigurationView, ...]
    left_out: int
    chosen: tuple[ConfigurationView, ConfigurationView] | None
    sentence: str
    metric: str
    precisions: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    words: Mapping[str, tuple[str, str]]
    slopes: tuple[FigureView, ...]
    trade_offs: tuple[FigureView, ...]
    batches: tuple[FigureView, ...]
    streams: tuple[FigureView, ...]
    rooflines: tuple[FigureView, ...]
    shapes: tuple[tuple[str, int], ...]
    markers: Markup
    data: Mapping[str, Any] = field(repr=False)


def versions_files(site: Site) -> Iterator[SiteFile]:
    """Yield the page, where anything was timed."""
    if not _anything_timed(site):
        return
    named = [(key, view.index, view.label) for key, view in site.names.subjects.items()]
    named += [(key, view.index, view.name) for key, view in site.names.environments.items()]
    absent = [(key, cell.subject_hash, cell.outcome) for key, cells in site.reading.cells.items() for cell in cells]
    cases = [(case.case_id, case.version, case.model, case.precision, case.profile) for case in site.cases]
    # Trials are never changed, so that their ids stand for the values: reading these takes longer than the page.
    trials = list(site.reading.states.items())
    parts = repr((site.title, trials, cases, named, absent, list(site.models.items())))
    state = hashlib.sha256(parts.encode("utf-8", "backslashreplace")).hexdigest()[:32]

    def content() -> str:
        levels = Levels(site.reading, _METRICS)
        return render(versions_page(site, levels, slots_of(site, levels)), "versions.html.j2", site.navigation)

    yield SiteFile(VERSIONS, state, content)


def _anything_timed(site: Site) -> bool:
    """Tell whether any run was timed and fit, from the newest ones where they say so."""
    for cell in (cell for own in site.reading.cells.values() for cell in own):
        latencies = [value for (metric, _), value in cell.values.items() if metric in LATENCIES]
        if cell.quality == "ok" and any(not math.isnan(value) for value in latencies):
            return True
    return bool(slots_of(site, Levels(site.reading, _METRICS)))


def slots_of(site: Site, levels: Levels) -> list[Slot]:
    """Return every cell that any configuration has a latency of, in the order of the cases."""
    points: dict[tuple[str, int], set[str]] = {}
    for configuration in levels.newest_first:
        for key in levels.measured(configuration):
            if key.metric in LATENCIES:
                points.setdefault((key.case_id, key.version), set()).add(key.point)
    newest: dict[str, CurrentCase] = {}
    for case in site.cases:
        # Two machines may have run a case in two versions of its meaning, of which the older one is over.
        if case.case_id not in newest or case.version > newest[case.case_id].version:
            newest[case.case_id] = case
    return [
        Slot(case.model, case.precision, case.profile, case.case_id, case.version, point)
        for case in newest.values()
        for point in sorted(points.get((case.case_id, case.version), ()), key=lambda point: (volume(point), point))
    ]


def versions_page(site: Site, levels: Levels, slots: Sequence[Slot]) -> VersionsPage:
    """Return the page.

    Args:
        site: the report.
        levels: what was measured.
        slots: the cells of the heat map, at least one.
    """
    configurations = levels.newest_first
    shown = configurations[: _room_for(len(slots))]
    default = _default(shown)
    if default is None and len(configurations) > 1:
        default = (shown[1], shown[0])
    views = {each: _configuration_view(each, site) for each in shown}
    precisions = _in_order({slot.precision for slot in slots})
    places = list(dict.fromkeys((slot.model, slot.profile, slot.point) for slot in slots))
    grid = _Grid(slots, places, precisions)
    pairs = {
        (a, b): compare_pair(
            a,
            b,
            slots,
            levels,
            absence=lambda configuration, slot: _absence(site, configuration, slot),
            names=_names(a, b, site),
        )
        for a in shown
        for b in shown
        if a != b
    }
    shapes = {precision: place for place, precision in enumerate(precisions)}
    scope = Scope(by_case(slots), levels, site.names, shapes)
    chosen = pairs[default] if default else None
    return VersionsPage(
        title=site.title,
        written=site.written,
        configurations=tuple(views.values()),
        left_out=len(configurations) - len(shown),
        chosen=(views[default[0]], views[default[1]]) if default else None,
        sentence=chosen.sentence if chosen else "",
        metric=chosen.metric if chosen else "",
        precisions=tuple(text.plain(precision, 40) for precision in precisions),
        rows=grid.rows(chosen, site.models) if chosen else (),
        words=WORDS,
        slopes=slopes(scope),
        trade_offs=trade_offs(scope),
        batches=scaling(scope, over_streams=False),
        streams=scaling(scope, over_streams=True),
        rooflines=rooflines(scope),
        shapes=tuple((text.plain(precision, 40), place) for precision, place in shapes.items()),
        markers=marker_definitions(len(shapes)),
        data={
            "words": WORDS,
            "rows": grid.to_json(site.models),
            "pairs": {f"{views[a].key} {views[b].key}": grid.pair_to_json(pair) for (a, b), pair in pairs.items()},
        },
    )


class _Grid:
    """The heat map's rows and columns, and which cell is where."""

    def __init__(
        self, slots: Sequence[Slot], places: Sequence[tuple[str, str, str]], precisions: Sequence[str]
    ) -> None:
        self._places = places
        where = {(slot.model, slot.profile, slot.point, slot.precision): i for i, slot in enumerate(slots)}
        self._slots = [[where.get((*place, precision)) for precision in precisions] for place in places]

    def rows(self, pair: Pair, models: Mapping[str, str]) -> tuple[HeatRow, ...]:
        """Return the rows of a pair, the largest change first."""
        return tuple(
            HeatRow(
                *self._named(row, models), tuple(pair.cells[i] if i is not None else None for i in self._slots[row])
            )
            for row in self._order(pair)
        )

    def to_json(self, models: Mapping[str, str]) -> list[tuple[str, ...]]:
        """Return model, address, profile and point of each row."""
        return [self._named(row, models) for row in range(len(self._places))]

    def pair_to_json(self, pair: Pair) -> list[Any]:
        """Return sentence, metric and rows of a pair: each row's place, and its cells or 0 where there is no case."""
        rows = [
            [row, *(_compact(pair.cells[i]) if i is not None else 0 for i in self._slots[row])]
            for row in self._order(pair)
        ]
        return [pair.sentence, pair.metric, rows]

    def _named(self, row: int, models: Mapping[str, str]) -> tuple[str, str, str, str]:
        model, profile, point = self._places[row]
        return text.plain(model, 120), models[model], text.plain(profile, 80), text.point(point)

    def _order(self, pair: Pair) -> list[int]:
        def size(row: int) -> tuple[int, float]:
            return min(pair.sizes[i] for i in self._slots[row] if i is not None)

        return sorted(range(len(self._places)), key=size)


def _compact(cell: HeatCell) -> list[Any]:
    told: list[Any] = [list(WORDS).index(cell.word), cell.shade, cell.change, cell.interval, cell.runs]
    if cell.label != WORDS[cell.word][1]:
        told.append(cell.label)
    return told


def _room_for(slots: int) -> int:
    """Return how many configurations can be compared with each other, at least two."""
    return max(2, min(_MOST_CONFIGURATIONS, math.floor((1 + math.sqrt(1 + 4 * _MOST_COMPARISONS / slots)) / 2)))


def _default(configurations: Sequence[Configuration]) -> tuple[Configuration, Configuration] | None:
    """Return the newest two that share a machine: the older one first."""
    for place, newer in enumerate(configurations):
        for older in configurations[place + 1 :]:
            if older.environment == newer.environment:
                return older, newer
    return None


def _configuration_view(configuration: Configuration, site: Site) -> ConfigurationView:
    subject = site.names.subjects[configuration.subject].label
    machine = site.names.environments[configuration.environment].name
    label = f"{subject} on {machine}" if len(site.names.environments) > 1 else subject
    return ConfigurationView(f"{configuration.subject[:8]}-{configuration.environment[:8]}", label)


def _names(a: Configuration, b: Configuration, site: Site) -> tuple[str, str]:
    """Return what the two are called in a sentence: with the machine where there are several."""
    subjects = [site.names.subjects[each.subject].label for each in (a, b)]
    machines = [site.names.environments[each.environment].name for each in (a, b)]
    if a.environment != b.environment:
        return f"{subjects[0]} on {machines[0]}", f"{subjects[1]} on {machines[1]}"
    where = f"On {machines[0]}, " if len(site.names.environments) > 1 else ""
    return subjects[0], f"{where}{subjects[1]}"


def _absence(site: Site, configuration: Configuration, slot: Slot) -> str:
    cells = site.reading.cells.get((slot.case_id, configuration.environment), ())
    cell = next((cell for cell in cells if cell.subject_hash == configuration.subject), None)
    if cell is None:
        return "not run"
    if cell.outcome != "ok":
        return STANDINGS[cell.outcome].label if cell.outcome in STANDINGS else text.plain(cell.outcome, 30)
    return "no fit run"


def _in_order(precisions: set[str]) -> list[str]:
    known: dict[str, int] = {recipe: place for place, recipe in enumerate(RECIPES)}
    return sorted(precisions, key=lambda name: (known.get(name, len(known)), name))
