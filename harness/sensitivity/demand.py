"""How far an error is from what is allowed, as one number that a search can bring down."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.cases.tolerance import UPPER_LIMITS, tolerance_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.accuracy.tensor_error import TensorError
    from harness.cases import Tolerance


def excess_of(errors: Mapping[str, TensorError], tolerances: Sequence[Tolerance]) -> float:
    """Return how many times its allowance the worst error of any output takes: 1 is just within, infinity hopeless.

    A cosine is counted by its distance from 1, an SQNR by the ratio of powers that it stands for, 10^(-dB / 10).

    Args:
        errors: by output.
        tolerances: those of the model, then those of its recipe; the ones for layers are passed over.
    """
    worst = 0.0
    for output, error in errors.items():
        tolerance = tolerance_for(output, "outputs", tolerances)
        if tolerance is None:
            continue
        if error.mismatched_nonfinite:
            return math.inf
        for measure, limit in tolerance.limits.items():
            worst = max(worst, _ratio(*_as_upper_bound(measure, getattr(error, measure), limit)))
    return worst


def _as_upper_bound(measure: str, measured: float, limit: float) -> tuple[float, float]:
    if measure in UPPER_LIMITS:
        return measured, limit
    if measure == "cosine":
        return 1.0 - measured, 1.0 - limit
    return 10.0 ** (-measured / 10.0), 10.0 ** (-limit / 10.0)


def _ratio(measured: float, allowed: float) -> float:
    if math.isnan(measured):
        return math.inf
    if allowed == 0.0:
        return 0.0 if measured == 0.0 else math.inf
    return measured / allowed
