"""What ``trt-harness layers`` prints: a row a layer, then where the error comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.accuracy.attribution import decibels
from harness.commands.inputs_line import case_inputs_line
from harness.commands.output import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from harness.commands.layers import ComparedLayers

_COLUMNS = ("", "layer", "operator", "error", "handed", "made", "", "does not fit")


def layers_data(found: ComparedLayers) -> dict[str, Any]:
    """Return compared layers as plain data; errors under ``analysis`` are relative to the reference's RMS."""
    return {
        "case": found.case.id,
        "point": found.case.profile.smallest.label,
        "passed": found.layers["passed"],
        "first_outside": found.layers["first_outside"],
        "culprit": found.origins["culprit"],
        "summary": [*found.layers["description"].splitlines(), *found.origins["lines"]],
        "instrumented_difference": found.layers["instrumented"],
        "unreadable": found.layers["unreadable"],
        "layers": found.layers["tensors"],
    }


def layers_text(found: ComparedLayers) -> Iterator[RenderableType]:
    """Yield what a person reads: the table in graph order, the failing layers marked, and the summary below it."""
    rows = [_row(entry, found.origins["culprit"]) for entry in found.layers["tensors"]]
    title = f"{found.case.id} at {found.case.profile.smallest.label}; errors in dB of each layer's own signal"
    yield table(rows, _COLUMNS, title=title)
    yield from found.layers["description"].splitlines()
    yield from found.origins["lines"]
    yield case_inputs_line(found.case, smallest_only=True, more="as in pytest and check")


def _row(entry: Mapping[str, Any], culprit: str | None) -> tuple[str, ...]:
    analysis = entry["analysis"]
    errors = entry["errors"]
    error = "NaN or Inf" if errors["mismatched_nonfinite"] else f"{-float(errors['sqnr_db']):.1f} dB"
    word = "CULPRIT" if entry["tensor"] == culprit else "outside" if entry["passed"] is False else ""
    made = decibels(float(analysis["made"])) + (" (engine)" if analysis["by_engine"] else "")
    return (
        str(entry["position"]),
        entry["tensor"],
        entry["operator"],
        "no error" if error == "-inf dB" else error,
        decibels(float(analysis["handed"])),
        made,
        word,
        ", ".join(_misfits(analysis["counts"])),
    )


def _misfits(counts: Mapping[str, Any]) -> Iterator[str]:
    for name, count in counts.items():
        if name == "inputs":
            for tensor, misfits in count.items():
                yield from (f"{number} {kind} of {tensor}" for kind, number in misfits.items())
        else:
            yield f"{count} {name}"
