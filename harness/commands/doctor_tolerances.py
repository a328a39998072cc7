"""What ``trt-harness doctor`` says of tolerances: read from the cache and from the history, nothing is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.accuracy.reference_noise import NoiseFloor
from harness.cases import FP32, tolerance_for
from harness.tolerances import MARGIN_DB
from harness.tolerances.derive import derive
from harness.tolerances.readings import load_readings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.cases import Model
    from harness.history.queries import Queries

# The command that measures what is read here.
MEASURED_BY = "trt-harness tolerances --check"
_MOST_NAMED = 2


def examine_tolerances(
    models: Sequence[Model], cache: Path, queries: Queries | None
) -> tuple[dict[str, Any], list[str]]:
    """Return what is known of the tolerances of a catalogue, and a sentence for each that cannot be right.

    Args:
        models: the catalogue.
        cache: where ``trt-harness tolerances`` left what it measured.
        queries: of the history; None where there is none.

    Returns:
        Facts: ``measured``, names of the models of which there is a reading of their present version; ``checked``,
        those with planted faults; ``unmeasured``, the others; ``reference_noise``, how many cases of the history have
        it.
    """
    kept = load_readings(cache)
    readings = {
        model.name: reading
        for model in models
        if (reading := kept.get(model.name)) and reading.version == model.version
    }
    warnings: dict[str, None] = {}
    for model in models:
        if model.name in readings:
            proposals, checks = derive(model, readings[model.name], queries, margin_db=MARGIN_DB)
            for each in proposals:
                if each.standing == "below its floor":
                    warnings[
                        f"the tolerance of {each.model} in {each.precision} for output {each.output!r} is below its "
                        f"floor of {each.floor_db:.1f} dB, so that sound engines fail: trt-harness tolerances --models "
                        f"{each.model} proposes another"
                    ] = None
            for check in checks:
                if check.passed:
                    named = "; ".join(check.passed[:_MOST_NAMED])
                    warnings[
                        f"the tolerances of {check.model} in {check.precision} are so wide that {len(check.passed)} of "
                        f"{len(readings[model.name].faults)} planted faults pass ({named}): trt-harness tolerances "
                        f"--models {check.model} proposes closer ones"
                    ] = None
    remembered = list(_remembered_noise(models, queries)) if queries else []
    for sentence in (sentence for _, sentences in remembered for sentence in sentences):
        warnings[sentence] = None
    facts = {
        "measured": list(readings),
        "checked": [name for name, reading in readings.items() if reading.faults],
        "unmeasured": [model.name for model in models if model.name not in readings],
        "reference_noise": len(remembered),
    }
    return facts, list(warnings)


def _remembered_noise(models: Sequence[Model], queries: Queries) -> Iterator[tuple[str, list[str]]]:
    """Yield each case whose newest trial knows its reference's noise, with the tolerances that are below that."""
    known = {model.name: model for model in models}
    cells = {
        cell.trial_id: cell
        for cell in queries.latest_matrix()
        if cell.model in known and cell.case_version == known[cell.model].version
    }
    trials = queries.trials(cells)
    for trial_id, cell in cells.items():
        noise = trials[trial_id].record.conditions.get("reference_noise")
        if noise:
            yield cell.case_id, list(_below_the_noise(known[cell.model], cell.precision, noise))


def _below_the_noise(model: Model, precision: str, noise: dict[str, Any]) -> Iterator[str]:
    judged = {FP32.name: FP32, **{each.name: each for each in model.precisions if each.name == precision}}
    for name, each in judged.items():
        for point, floors in noise.items():
            for output, entry in floors.items():
                floor = NoiseFloor(**{measure: float(value) for measure, value in entry.items()})
                tolerance = tolerance_for(output, "outputs", model.tolerances_for(each))
                if tolerance and (broken := floor.breaks(tolerance)):
                    yield (
                        f"the tolerance of {model.name} in {name} for output {output!r} is below the noise of its own "
                        f"reference at {point} ({', '.join(broken)})"
                    )
