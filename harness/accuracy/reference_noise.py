"""How sure a reference is of itself: what others make of the same FP32 graph, and which tolerances that leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.accuracy.agreement import LEAST_SQNR_DB
from harness.accuracy.judge import judge_tensor
from harness.accuracy.tensor_error import TensorError
from harness.cases.tolerance import UPPER_LIMITS, tolerance_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.cases import Tolerance


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Another computation of the FP32 graph on the reference's own inputs.

    Attributes:
        party: who computed it, e.g. ``onnxruntime 1.31.1, optimised``.
        errors: by output, how far it is from the reference; none where it was not heard.
        problem: why it was not heard; empty where it was.
    """

    party: str
    errors: Mapping[str, TensorError] = field(default_factory=dict)
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data for strict JSON."""
        errors = {output: error.to_json() for output, error in self.errors.items()}
        return {"party": self.party, "errors": errors, "problem": self.problem}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Witness:
        """Make a witness from what ``to_json`` returned."""
        errors = {output: TensorError.from_json(error) for output, error in data["errors"].items()}
        return cls(party=data["party"], errors=errors, problem=data["problem"])


@dataclass(frozen=True, kw_only=True)
class NoiseFloor:
    """How far equally good computations of one output lie apart: the worst by each measure.

    Attributes:
        max_abs: largest absolute difference, in the output's own unit.
        mean_abs: largest mean absolute difference, in the same unit.
        rmse: largest root of the mean squared difference, in the same unit.
        max_rel: largest relative difference.
        cosine: smallest cosine similarity.
        sqnr_db: smallest ratio of signal to difference, in dB; infinite where nothing differs, and minus infinity where
            an element is NaN or infinite on one side only.
    """

    max_abs: float
    mean_abs: float
    rmse: float
    max_rel: float
    cosine: float
    sqnr_db: float

    @classmethod
    def of(cls, errors: Iterable[TensorError]) -> NoiseFloor:
        """Return the floor under one or more errors of one output."""
        found = list(errors)
        largest = {name: max(getattr(error, name) for error in found) for name in UPPER_LIMITS}
        ratios = [-math.inf if error.mismatched_nonfinite else error.sqnr_db for error in found]
        return cls(**largest, cosine=min(error.cosine for error in found), sqnr_db=min(ratios))

    def breaks(self, tolerance: Tolerance) -> tuple[str, ...]:
        """Return the limits of ``tolerance`` that an error as large as this does not keep, by their names."""
        return tuple(
            measure
            for measure, limit in tolerance.limits.items()
            if not (getattr(self, measure) <= limit if measure in UPPER_LIMITS else getattr(self, measure) >= limit)
        )


def noise_floors(witnesses: Iterable[Witness]) -> dict[str, NoiseFloor]:
    """Return the noise floor of each output that some witness spoke of."""
    heard = [witness.errors for witness in witnesses]
    outputs = dict.fromkeys(output for errors in heard for output in errors)
    return {output: NoiseFloor.of(errors[output] for errors in heard if output in errors) for output in outputs}


def doubts(reference: str, witnesses: Iterable[Witness], tolerances: Mapping[str, Sequence[Tolerance]]) -> list[str]:
    """Return a sentence for each reason why the reference cannot vouch for an engine; none where it can.

    Args:
        reference: who computed it.
        witnesses: what others made of the same inputs.
        tolerances: those of the model in FP32 and in the precision that is to be judged, by the precision's name.
    """
    found: dict[str, None] = {}
    for witness in witnesses:
        for output, error in witness.errors.items():
            found.update(dict.fromkeys(_doubts(reference, witness.party, output, error, tolerances)))
    return list(found)


def _doubts(
    reference: str, party: str, output: str, error: TensorError, tolerances: Mapping[str, Sequence[Tolerance]]
) -> Iterator[str]:
    if error.nan_expected:
        yield (
            f"output {output!r}: {reference} itself gives NaN in {error.nan_expected} of {error.count} elements; feed "
            f"the model other inputs"
        )
        return
    if error.sqnr_db < LEAST_SQNR_DB or error.mismatched_nonfinite:
        yield (
            f"output {output!r}: {reference} and {party} disagree: {error}; FP32 in another order of summation stays "
            f"above {LEAST_SQNR_DB:g} dB"
        )
        return
    for precision, limits in tolerances.items():
        tolerance = tolerance_for(output, "outputs", limits)
        judgement = judge_tensor(error, tolerance) if tolerance else None
        if judgement and not judgement.passed:
            yield (
                f"output {output!r}: its tolerance in {precision} is below the noise of its own reference: "
                f"{judgement.sentence} between {reference} and {party}; give it a wider one"
            )
