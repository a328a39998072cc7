"""Readings of a small model, made rather than measured."""

from __future__ import annotations

from typing import Any

from harness.accuracy.reference_noise import NoiseFloor
from harness.cases import FP16, FP32, INT8, Model, Profile
from harness.tolerances.readings import Fault, Reading


def floor(decibels: float, **changes: float) -> NoiseFloor:
    """Return a floor of a ratio, with other measures that go with it at a signal of 1."""
    rmse = float(10 ** (-decibels / 20))
    measures = {"max_abs": 4 * rmse, "mean_abs": rmse, "rmse": rmse, "max_rel": 4 * rmse, "cosine": 1 - rmse**2 / 2}
    return NoiseFloor(**{**measures, "sqnr_db": decibels, **changes})


def reading(noise: float = 120.0, *, faults: dict[str, float] | None = None, **rounding: float) -> Reading:
    """Return a reading of the model ``net`` with one output ``y``, from ratios in dB."""
    planted = tuple(Fault(description=name, errors={"y": floor(ratio)}) for name, ratio in (faults or {}).items())
    return Reading(
        model="net",
        version=1,
        graph="0" * 64,
        measured_at="2026-01-01T00:00:00+00:00",
        seeds=2,
        points=("batch=1",),
        noise={"y": floor(noise)},
        rounding={precision: {"y": floor(ratio)} for precision, ratio in rounding.items()},
        faults=planted,
    )


def model(**changes: Any) -> Model:
    """Return the model that ``reading`` is of."""
    own: dict[str, Any] = {
        "name": "net",
        "source": "tests.tiny:convnet",
        "profiles": (Profile({"batch": (1, 2, 4)}),),
        "precisions": (FP32, FP16, INT8),
    }
    return Model(**{**own, **changes})
