"""The stage ``reference``: from what witnesses said of a reference to a judgement, a sentence and measurements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.accuracy.reference_noise import Witness, doubts, noise_floors
from harness.history.records import MeasurementRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cases import Tolerance


def reference_doubts(answer: Mapping[str, Any], tolerances: Mapping[str, Sequence[Tolerance]]) -> list[str]:
    """Return why the reference cannot vouch for an engine, a sentence each with its point.

    Args:
        answer: of a worker's ``witnesses``.
        tolerances: by precision; see ``harness.accuracy.reference_noise.doubts``.
    """
    return [
        f"at {label}: {sentence}"
        for label, witnesses in _witnesses(answer).items()
        for sentence in doubts(answer["reference"], witnesses, tolerances)
    ]


def reference_remark(answer: Mapping[str, Any]) -> str:
    """Say who agrees with the reference and how well, and who could not be asked and why."""
    heard: dict[str, float] = {}
    unheard: dict[str, str] = {}
    for label, witnesses in _witnesses(answer).items():
        for witness in witnesses:
            if witness.problem:
                unheard.setdefault(witness.party, f"{witness.problem} (at {label})")
            else:
                least = min((error.sqnr_db for error in witness.errors.values()), default=math.inf)
                heard[witness.party] = min(heard.get(witness.party, math.inf), least)
    agreeing = ", ".join(f"{party} to {_decibels(least)}" for party, least in heard.items())
    left_out = "".join(f"; {party} was not heard: {why}" for party, why in unheard.items() if party not in heard)
    return f"{answer['reference']} agrees with {agreeing}{left_out}"


def reference_measurements(answer: Mapping[str, Any] | None) -> list[MeasurementRecord]:
    """Return ``reference_sqnr_db`` at each point: the noise floor of the output that has the highest."""
    return [
        MeasurementRecord(
            metric="reference_sqnr_db", point=label, value=min(floor.sqnr_db for floor in floors.values())
        )
        for label, witnesses in _witnesses(answer).items()
        if (floors := noise_floors(witnesses))
    ]


def reference_conditions(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the noise floor of each output at each point, for the conditions of a trial; infinity becomes text."""
    floors = {
        label: {output: {name: _plain(value) for name, value in vars(floor).items()} for output, floor in found.items()}
        for label, witnesses in _witnesses(answer).items()
        if (found := noise_floors(witnesses))
    }
    return {"reference_noise": floors} if floors else {}


def _witnesses(answer: Mapping[str, Any] | None) -> dict[str, list[Witness]]:
    points = answer["points"] if answer else {}
    return {label: [Witness.from_json(entry) for entry in entries] for label, entries in points.items()}


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _decibels(value: float) -> str:
    return f"{value:.0f} dB" if math.isfinite(value) else "the last bit"
