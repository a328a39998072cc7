"""Tolerances: how far a tensor may be from its reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterable

Scope = Literal["outputs", "layers"]

# The largest value allowed, or the smallest, of each measure of error.
UPPER_LIMITS = ("max_abs", "mean_abs", "rmse", "max_rel")
LOWER_LIMITS = ("cosine", "sqnr_db")


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Limits on the error of the tensors whose name matches ``tensors``.

    Attributes:
        tensors: a tensor name, in which ``*`` and ``?`` match as in a shell.
        scope: whether it speaks of final outputs or of every layer.
        max_abs: largest absolute difference, in the tensor's own unit.
        mean_abs: mean absolute difference, in the tensor's own unit.
        rmse: root of the mean squared difference, in the tensor's own unit.
        max_rel: largest relative difference.
        cosine: smallest cosine similarity.
        sqnr_db: smallest ratio of signal to error, in dB.
    """

    tensors: str = "*"
    scope: Scope = "outputs"
    max_abs: float | None = None
    mean_abs: float | None = None
    rmse: float | None = None
    max_rel: float | None = None
    cosine: float | None = None
    sqnr_db: float | None = None

    def __post_init__(self) -> None:
        if self.scope not in get_args(Scope):
            raise ConfigurationError(unknown_value("scope of a tolerance", self.scope, get_args(Scope)))
        if not self.limits:
            raise ConfigurationError(
                f"a tolerance for {self.tensors!r} limits nothing; give at least one of "
                f"{', '.join(UPPER_LIMITS + LOWER_LIMITS)}"
            )
        for measure, limit in self.limits.items():
            if math.isnan(limit) or (measure in UPPER_LIMITS and limit < 0) or (measure == "cosine" and limit > 1):
                raise ConfigurationError(f"a tolerance cannot ask for {measure} = {limit!r}")

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by the name of the measure."""
        return {name: value for name in UPPER_LIMITS + LOWER_LIMITS if (value := getattr(self, name)) is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the tolerance as plain data."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


# What holds where a model says nothing, by recipe. The ratios in dB are about 10 dB below what the catalogue's models
# reach, which is the distance between a rounding that was chosen and a layer that is broken.
DEFAULTS: dict[str, tuple[Tolerance, ...]] = {
    "fp32": (Tolerance(sqnr_db=80.0, cosine=0.99999), Tolerance(scope="layers", sqnr_db=70.0)),
    "tf32": (Tolerance(sqnr_db=50.0, cosine=0.9999), Tolerance(scope="layers", sqnr_db=40.0)),
    "fp16": (Tolerance(sqnr_db=35.0, cosine=0.999), Tolerance(scope="layers", sqnr_db=30.0)),
    "bf16": (Tolerance(sqnr_db=25.0, cosine=0.995), Tolerance(scope="layers", sqnr_db=20.0)),
    "int8": (Tolerance(sqnr_db=17.0, cosine=0.98), Tolerance(scope="layers", sqnr_db=12.0)),
    "fp16-flags": (Tolerance(sqnr_db=35.0, cosine=0.999), Tolerance(scope="layers", sqnr_db=30.0)),
    "int8-calibrator": (Tolerance(sqnr_db=17.0, cosine=0.98), Tolerance(scope="layers", sqnr_db=12.0)),
}


def tolerance_for(tensor: str, scope: Scope, tolerances: Iterable[Tolerance]) -> Tolerance | None:
    """Return the tolerance for ``tensor``, if any: an exact name before a pattern, the first listed among equals."""
    # A name like "out[0]" is not what the pattern "out[0]" matches, but surely what is meant by it.
    matching = [t for t in tolerances if t.scope == scope and (t.tensors == tensor or fnmatchcase(tensor, t.tensors))]
    return min(matching, key=lambda t: t.tensors != tensor, default=None)
