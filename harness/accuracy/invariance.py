"""Batch invariance: a sample's result must not depend on what shares its batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from harness.accuracy.chunks import largest_magnitude
from harness.accuracy.metrics import compare_tensors
from harness.errors import ConfigurationError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.cases.precision import Recipe

# By how much of the largest magnitude a row may differ, by recipe. Another batch size may choose another kernel, which
# adds up in another order: that moves a result by some roundings of the precision (unit roundoff 6e-8, 5e-4, 4e-3; one
# step of INT8 is 8e-3), while a row that was mixed up with another, or read past its end, moves by about 1.
INVARIANCE_LIMITS: Mapping[Recipe, float] = MappingProxyType(
    {
        "fp32": 1e-4,
        "tf32": 1e-2,
        "fp16": 1e-2,
        "bf16": 5e-2,
        "int8": 5e-2,
        "fp16-flags": 1e-2,
        "int8-calibrator": 5e-2,
    }
)


@dataclass(frozen=True, kw_only=True)
class InvarianceError:
    """How far the rows of a batch of one repeated sample are from that sample alone.

    Attributes:
        rows: size of the batch.
        max_abs: largest absolute difference, in the tensor's unit, over elements that are finite on both sides.
        scale: largest finite magnitude in the sample run alone, in the tensor's unit.
        worst_row: row of the first NaN or Inf that is on one side only; if there is none, of ``max_abs``.
        mismatched_nonfinite: number of elements that are NaN or Inf on one side and not the same on the other.
        bit_equal: whether every row has the same bits as the sample alone.
    """

    rows: int
    max_abs: float
    scale: float
    worst_row: int
    mismatched_nonfinite: int
    bit_equal: bool

    @property
    def relative(self) -> float:
        """``max_abs`` as a share of ``scale``; infinite if something differs from nothing but zeros."""
        if self.max_abs == 0.0:
            return 0.0
        return self.max_abs / self.scale if self.scale else math.inf


@dataclass(frozen=True)
class InvarianceJudgement:
    """Batch invariance, judged.

    Attributes:
        error: what was measured.
        allowed: the largest difference allowed, as a share of the sample's largest magnitude.
    """

    error: InvarianceError
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether all rows are within the limit, with NaN and Inf in the same places."""
        return self.error.mismatched_nonfinite == 0 and self.error.relative <= self.allowed

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        error = self.error
        if error.bit_equal:
            return f"all {error.rows} rows have the bits of the sample run alone"
        if error.mismatched_nonfinite:
            return (
                f"row {error.worst_row} of a batch of {error.rows} has NaN or Inf where the same sample run alone has "
                f"not, or the other way round (elements in all: {error.mismatched_nonfinite})"
            )
        return (
            f"row {error.worst_row} of a batch of {error.rows} differs from the same sample run alone by "
            f"{error.max_abs:.3g}, {error.relative:.3g} of the largest magnitude {'<=' if self.passed else '>'} "
            f"{self.allowed:g}"
        )


def compare_rows(alone: np.ndarray, batched: np.ndarray, *, axis: int = 0) -> InvarianceError:
    """Compare every row of a batch with the one sample that it repeats.

    Args:
        alone: the output for one sample, of size 1 along ``axis``; any real dtype.
        batched: the output for a batch of that sample, n ≥ 1 times; the other sizes and the dtype are the same.
        axis: which dimension is the batch.

    Raises:
        RunFailed: shapes or dtypes do not fit, which is how an output that ignores the batch shows.
    """
    alone, batched = np.asarray(alone), np.asarray(batched)
    if not -batched.ndim <= axis < batched.ndim or alone.ndim != batched.ndim:
        raise RunFailed(
            f"an output of shape {list(batched.shape)} has no dimension {axis} to compare with {list(alone.shape)}"
        )
    axis %= batched.ndim
    rows = batched.shape[axis]
    fits = alone.shape[axis] == 1 and alone.shape == (*batched.shape[:axis], 1, *batched.shape[axis + 1 :])
    if not fits or rows == 0 or alone.dtype != batched.dtype:
        raise RunFailed(
            f"a batch of one gave {alone.dtype}{list(alone.shape)} and a batch of several {batched.dtype}"
            f"{list(batched.shape)}: they must differ in size along dimension {axis} only, where the first has 1"
        )
    error = compare_tensors(batched, np.broadcast_to(alone, batched.shape))
    bits = alone.tobytes()
    return InvarianceError(
        rows=rows,
        max_abs=error.max_abs,
        scale=largest_magnitude(alone),
        worst_row=0 if error.worst_index is None else error.worst_index[axis],
        mismatched_nonfinite=error.mismatched_nonfinite,
        bit_equal=all(batched.take([row], axis=axis).tobytes() == bits for row in range(rows)),
    )


def judge_invariance(error: InvarianceError, *, allowed: float) -> InvarianceJudgement:
    """Hold batch invariance against a limit.

    Args:
        error: what ``compare_rows`` measured.
        allowed: largest difference, as a share of the sample's largest magnitude: 0 to ask for equal values, else the
            entry of the case's recipe in ``INVARIANCE_LIMITS``.

    Raises:
        ConfigurationError: ``allowed`` is negative or not finite.
    """
    if not 0.0 <= allowed < math.inf:
        raise ConfigurationError(f"the limit of batch invariance must be 0 or a positive number, not {allowed!r}")
    return InvarianceJudgement(error, allowed)
