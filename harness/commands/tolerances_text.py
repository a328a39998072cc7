"""What ``trt-harness tolerances`` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.commands.inputs_line import inputs_line
from harness.commands.output import table
from harness.tolerances.edit import snippet, tolerance_expression
from harness.tolerances.measure import seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from harness.tolerances.derive import CatalogueEdit, Wanted
    from harness.tolerances.proposal import Check, Proposal
    from harness.tolerances.readings import Reading

_COLUMNS = (
    "model",
    "precision",
    "output",
    "noise",
    "rounding",
    "engines",
    "spread (builds)",
    "floor",
    "allowed",
    "proposed",
    "",
)
_MOST_NAMED = 3


def proposals_text(
    proposals: Sequence[Proposal], readings: Sequence[Reading], *, margin_db: float
) -> Iterator[RenderableType]:
    """Yield a table with a row for each output, all in dB, and what could not be measured."""
    rows = [
        (
            proposal.model,
            proposal.precision,
            proposal.output,
            _decibels(proposal.noise_db),
            _decibels(proposal.rounding_db),
            _limit(proposal.spread.worst),
            _spread(proposal),
            _decibels(proposal.floor_db),
            _limit(proposal.allowed.sqnr_db),
            _limit(proposal.proposed.sqnr_db if proposal.proposed else None),
            proposal.standing,
        )
        for proposal in proposals
    ]
    yield table(rows, _COLUMNS, title=f"ratios of signal to error in dB; proposed: {margin_db:g} dB below the floor")
    without = {proposal.model for proposal in proposals if proposal.spread.decibels is None}
    if without:
        named = ", ".join(sorted(without))
        yield f"no spread between builds is known of {named}: the history has no two builds of a case"
    for reading in readings:
        sets = f"with {reading.seeds - 1} further sets at each" if reading.seeds > 1 else ""
        yield f"{reading.model}: {inputs_line(seed_of(0), reading.points, more=sets)}"
        for precision, why in reading.unmeasured.items():
            yield f"{reading.model} in {precision} was not measured: {why}"


def checks_text(checks: Sequence[Check], faults: int) -> Iterator[RenderableType]:
    """Yield a table of how many planted faults each precision's tolerances notice, and which of them they let pass."""
    rows = [
        (check.model, check.precision, len(check.noticed), len(check.passed), len(check.hidden)) for check in checks
    ]
    columns = ("model", "precision", "noticed", "passed", "below rounding")
    yield table(rows, columns, title=f"{faults} faults planted in the FP32 graph of each model")
    for check in checks:
        if check.passed:
            named = "; ".join(check.passed[:_MOST_NAMED])
            more = len(check.passed) - _MOST_NAMED
            yield f"{check.model} in {check.precision} lets pass: {named}{f'; and {more} more' if more > 0 else ''}"


def refused_text(edit: CatalogueEdit, wanted: Wanted) -> Iterator[RenderableType]:
    """Yield what is to be pasted by hand where an entry of the catalogue could not be edited."""
    for model, why in edit.refused.items():
        yield f"the entry of {model!r} has to be edited by hand, for {why}:"
        yield snippet(model, wanted[model])


def tolerances_data(
    readings: Sequence[Reading],
    proposals: Sequence[Proposal],
    checks: Sequence[Check],
    edit: CatalogueEdit,
    failed: Mapping[str, str],
    *,
    margin_db: float,
) -> dict[str, Any]:
    """Return everything as plain data."""
    return {
        "margin_db": margin_db,
        "readings": [reading.to_json() for reading in readings],
        "proposals": [
            {
                **vars(proposal),
                "spread": vars(proposal.spread),
                "allowed": proposal.allowed.to_json(),
                "proposed": proposal.proposed.to_json() if proposal.proposed else None,
                "expression": tolerance_expression(proposal.proposed) if proposal.proposed else None,
            }
            for proposal in proposals
        ],
        "checks": checks,
        "diff": edit.diff,
        "by_hand": dict(edit.refused),
        "failed": dict(failed),
    }


def _decibels(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "exact" if value > 0 else "NaN or Inf"


def _limit(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _spread(proposal: Proposal) -> str:
    spread = proposal.spread
    return "-" if spread.decibels is None else f"{spread.decibels:.1f} ({spread.builds})"
