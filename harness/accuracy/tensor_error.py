"""The error of one tensor, as a record."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class TensorError:
    """The error of one tensor against its reference.

    All measures are over the elements that are finite on both sides; what is not finite is counted. Where there are no
    such elements nothing differs: errors 0, cosine 1, SQNR infinite.

    Attributes:
        shape: of both tensors.
        dtype: of the tensor under test; its reference may have another one.
        max_abs: largest |actual - expected|, in the tensor's unit, like the next two.
        mean_abs: mean of |actual - expected|.
        rmse: root of the mean of (actual - expected)².
        max_rel: largest |actual - expected| / max(|expected|, floor); where the reference is zero throughout and no
            floor was given, 0 if nothing differs and infinite otherwise.
        floor: the floor of ``max_rel``, in the tensor's unit.
        cosine: Σ actual·expected / √(Σ actual² · Σ expected²); 1 where nothing differs, 0 where one side only is zero.
        sqnr_db: 10 log₁₀(Σ expected² / Σ (actual - expected)²); inf where nothing differs, -inf where the reference
            is zero and the tensor is not.
        expected_rms: root of the mean of expected².
        worst_index: the first element that is NaN or Inf on one side and not the same on the other; if there is none,
            the first one where ``max_abs`` is; None if there are no elements.
        actual_at_worst: the value under test there, an int where its dtype is one.
        expected_at_worst: its reference there.
        nan_actual: number of NaN in the tensor under test.
        nan_expected: number of NaN in its reference.
        inf_actual: number of infinite elements of the tensor under test.
        inf_expected: number of infinite elements of its reference.
        mismatched_nonfinite: number of elements of which a side is NaN or infinite and the other one is not the same.
            A tensor that has any is never within a tolerance.
    """

    shape: tuple[int, ...]
    dtype: str
    max_abs: float
    mean_abs: float
    rmse: float
    max_rel: float
    floor: float
    cosine: float
    sqnr_db: float
    expected_rms: float
    worst_index: tuple[int, ...] | None
    actual_at_worst: float | None
    expected_at_worst: float | None
    nan_actual: int = 0
    nan_expected: int = 0
    inf_actual: int = 0
    inf_expected: int = 0
    mismatched_nonfinite: int = 0

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def worst(self) -> str:
        """Where the error is worst, e.g. ``at [0, 17] (actual 1.2, expected 0.9)``."""
        if self.worst_index is None or self.actual_at_worst is None or self.expected_at_worst is None:
            return "(no elements)"
        actual, expected = (
            f"{value}" if isinstance(value, int) else f"{value:.7g}"
            for value in (self.actual_at_worst, self.expected_at_worst)
        )
        return f"at {list(self.worst_index)} (actual {actual}, expected {expected})"

    def __str__(self) -> str:
        nonfinite = f", {self.mismatched_nonfinite} NaN or Inf on one side" if self.mismatched_nonfinite else ""
        return f"max_abs {self.max_abs:.3g} {self.worst}, cosine {self.cosine:.6f}, {self.sqnr_db:.1f} dB{nonfinite}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data for strict JSON, which has no NaN nor infinity: they become text that ``float`` reads."""
        return {f.name: _to_json(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TensorError:
        """Make an error from what ``to_json`` returned."""
        index = data["worst_index"]
        values: dict[str, Any] = {
            f.name: float(data[f.name]) if isinstance(data[f.name], str) and f.name != "dtype" else data[f.name]
            for f in fields(cls)
        }
        values |= {"shape": tuple(data["shape"]), "worst_index": None if index is None else tuple(index)}
        return cls(**values)


def _to_json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
