"""Which engines are put side by side, and on which page.

Each two that belong together are compared once, on the page of the one that came later: of the newer subject, or of the
lower precision. The other page leads there. So a report has half as many comparisons to write, and none is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases import RECIPES
from reports import text
from reports.detail_reading import newest_cells

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.history.rows import MatrixCell
    from reports.current import CurrentCase
    from reports.detail_reading import Details
    from reports.site import Site

# With how many subjects before it one is compared.
_SUBJECTS = 2


@dataclass(frozen=True)
class Neighbour:
    """Another engine: ``title`` says how it differs, ``cell`` is the newest trial that ran it."""

    title: str
    case: CurrentCase
    cell: MatrixCell


@dataclass(frozen=True)
class Neighbours:
    """Those that an engine's page compares it with, and those whose pages compare themselves with it."""

    here: tuple[Neighbour, ...] = ()
    there: tuple[Neighbour, ...] = ()


def neighbours_of(site: Site, case: CurrentCase, cell: MatrixCell, details: Details) -> Neighbours:
    """Return what stands beside the engine of a trial: none where the layers of one of the two are not on record.

    Those are the same case under subjects that ran it before, then, under the same subject, the plainest precision of
    the model's others and the nearest one that is plainer than this one.
    """
    if cell.trial_id not in details.listed:
        return Neighbours()
    own = [each for each in newest_cells(site, case) if each.trial_id in details.listed]
    own = sorted(own, key=lambda each: each.trial_id, reverse=True)
    place = [each.trial_id for each in own].index(cell.trial_id)

    def under(others: Sequence[MatrixCell]) -> list[Neighbour]:
        subjects = site.names.subjects
        return [Neighbour(f"the same case under {subjects[each.subject_hash].label}", case, each) for each in others]

    here, there = under(own[place + 1 : place + 1 + _SUBJECTS]), under(own[max(place - _SUBJECTS, 0) : place])
    kin = _kin(site, case, cell, details)
    precisions = {case.precision, *(each.case.precision for each in kin)}
    here += [each for each in kin if each.case.precision in _plainer(case.precision, precisions)]
    there += [each for each in kin if case.precision in _plainer(each.case.precision, precisions)]
    return Neighbours(tuple(here), tuple(there))


def _kin(site: Site, case: CurrentCase, cell: MatrixCell, details: Details) -> list[Neighbour]:
    """Return the model's other precisions under the same subject, the plainest first."""
    same = (case.model, case.profile, case.environment)
    return [
        Neighbour(f"{text.plain(relative.precision, 60)} under the same subject", relative, other)
        for relative in sorted(site.cases, key=lambda each: _rank(each.precision))
        if (relative.model, relative.profile, relative.environment) == same and relative.precision != case.precision
        for other in newest_cells(site, relative)
        if other.subject_hash == cell.subject_hash and other.trial_id in details.listed
    ]


def _plainer(precision: str, among: Collection[str]) -> set[str]:
    """Return the plainest and the next plainer of some precisions than one of them."""
    below = sorted((each for each in among if _rank(each) < _rank(precision)), key=_rank)
    return {*below[:1], *below[-1:]}


def _rank(precision: str) -> tuple[int, str]:
    known: dict[str, int] = {recipe: place for place, recipe in enumerate(RECIPES)}
    return known.get(precision, len(known)), precision
