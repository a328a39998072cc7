"""Tolerances of a catalogue, held against what was measured: proposals, checks, and the edit that they come to."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases.tolerance import Tolerance, tolerance_for
from harness.history.output_errors import output_errors
from harness.tolerances.edit import EditedSource, edit_catalogue, unified_diff
from harness.tolerances.proposal import Check, Proposal, check_faults, propose
from harness.tolerances.spread import build_spreads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import ModuleType

    from harness.cases import Model
    from harness.history.queries import Queries
    from harness.tolerances.readings import Reading

Wanted = dict[str, dict[str, list[Tolerance]]]


def derive(
    model: Model, reading: Reading, queries: Queries | None, *, margin_db: float, precisions: Iterable[str] = ()
) -> tuple[list[Proposal], list[Check]]:
    """Return what may be asked of a model's outputs, and which faults its tolerances notice.

    Args:
        model: as the catalogue has it now.
        reading: what was measured of it.
        queries: of the history, which knows what engines reached; None where there is none.
        margin_db: how far below its floor a tolerance shall lie.
        precisions: names of those that are wanted; all that ``reading`` has by default.
    """
    wanted = set(precisions) or set(reading.rounding)
    proposals, checks = [], []
    for precision in model.precisions:
        if precision.name in wanted and precision.name in reading.rounding:
            known = output_errors(queries, model.name, model.version, precision.name) if queries else []
            proposed = propose(model, precision, reading, build_spreads(known), margin_db=margin_db)
            proposals += proposed
            if reading.faults:
                checks.append(check_faults(model, precision, reading, proposed))
    return proposals, checks


def wanted_of(proposals: Iterable[Proposal]) -> Wanted:
    """Return the tolerances that are to be changed, by model and precision."""
    wanted: Wanted = {}
    for proposal in proposals:
        if proposal.changes and proposal.proposed:
            wanted.setdefault(proposal.model, {}).setdefault(proposal.precision, []).append(proposal.proposed)
    return wanted


@dataclass(frozen=True)
class CatalogueEdit:
    """The edit of a catalogue's file.

    Attributes:
        diff: for ``git apply``; empty where nothing is edited.
        refused: by model, why its entry has to be edited by hand.
    """

    diff: str
    refused: Mapping[str, str]


def edit_of(reference: str, wanted: Wanted, root: Path) -> CatalogueEdit:
    """Return the edit that gives the models of a catalogue, which is imported, the tolerances that they shall have.

    The edited source is run, and what comes of it is compared with what was meant: an edit that does not do what it
    says is not proposed.

    Args:
        reference: ``module:NAME`` of the catalogue.
        wanted: see ``wanted_of``.
        root: the folder from which the diff is applied.
    """
    module_name, _, attribute = reference.partition(":")
    module = sys.modules[module_name]
    file = Path(module.__file__ or "")
    if not wanted:
        return CatalogueEdit("", {})
    if not file.is_file() or not file.resolve().is_relative_to(root.resolve()):
        return CatalogueEdit("", dict.fromkeys(wanted, f"the catalogue is not in a file below {str(root)!r}"))
    content = file.read_bytes()
    if b"\r" in content:
        return CatalogueEdit("", dict.fromkeys(wanted, "the catalogue has other line ends than '\\n'"))
    source = content.decode()
    edited = edit_catalogue(source, wanted)
    try:
        problem = _unmeant(edited, wanted, getattr(module, attribute), _models_in(edited.text, module, attribute))
    except Exception as error:  # noqa: BLE001 - a module can fail in any way that Python knows
        problem = f"its edited source fails: {type(error).__name__}: {error}"
    if problem:
        return CatalogueEdit("", dict.fromkeys(wanted, problem))
    path = file.resolve().relative_to(root.resolve()).as_posix()
    return CatalogueEdit(unified_diff(source, edited.text, path), edited.refused)


def _models_in(source: str, module: ModuleType, attribute: str) -> Sequence[Model]:
    """Return what ``attribute`` is after ``source`` was run in the place of ``module``."""
    names: dict[str, Any] = {
        "__name__": module.__name__,
        "__package__": module.__package__,
        "__file__": module.__file__,
    }
    exec(compile(source, str(module.__file__), "exec"), names)  # noqa: S102 - the catalogue, which was imported already
    models: Sequence[Model] = names[attribute]
    return models


def _unmeant(edited: EditedSource, wanted: Wanted, before: Sequence[Model], after: Sequence[Model]) -> str:
    """Say what the edited source does beside what it should; empty where there is nothing."""
    edited_models = {model.name: model for model in after}
    for model in before:
        changed = wanted.get(model.name, {}) if model.name not in edited.refused else {}
        for precision in model.precisions:
            held, now = (each.tolerances_for(precision) for each in (model, edited_models[model.name]))
            meant = {tolerance.tensors: tolerance for tolerance in changed.get(precision.name, [])}
            layers = [[tolerance for tolerance in each if tolerance.scope == "layers"] for each in (held, now)]
            if layers[0] != layers[1] or any(tolerance_for(name, "outputs", now) != t for name, t in meant.items()):
                return f"the edit would give {model.name!r} other tolerances in {precision.name} than are meant"
            if not meant and held != now:
                return f"the edit would change the tolerances of {model.name!r} in {precision.name}, too"
    return ""
