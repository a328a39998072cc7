"""How far the outputs of one operator may be from what its specification says: pure functions of arrays.

An element may be off by

    relative · |expected| + of_largest · max |expected| + absolute + |nearby − expected|

The first three are of the precision (``ALLOWANCES``). The last is what rounding the inputs does to the result: it is
taken from the operator itself, evaluated in FP32 on inputs that were rounded to the precision, so that ``floor`` of a
number just below 2 may be 2, and a steep function may be as far off as its slope makes it. Whole numbers and booleans
must be equal but for that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import RunFailed, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

# From here on float16 rounds to infinity: its largest number and half a step.
_BEYOND_FLOAT16 = 65520.0


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What the number type of a computation lets an element be off by.

    Attributes:
        relative: as a share of the element.
        of_largest: as a share of the largest finite magnitude in the same output: sums that cancel are rounded where
            their terms lie, and not where the result does.
        absolute: in the output's unit.
    """

    relative: float
    of_largest: float
    absolute: float


def _rounding(bits: int, absolute: float) -> Allowance:
    """Return 16 roundings of the element and 4 of the largest one, by half a step of ``bits`` bits of mantissa each."""
    unit = 2.0 ** -(bits + 1)
    return Allowance(relative=16 * unit, of_largest=4 * unit, absolute=absolute)


# fp32: the 1e-3 and 1e-7 of ONNX's own backend tests, and some FP32 roundings of the largest element (2⁻²⁰).
# fp16, bf16: 10 and 7 bits of mantissa; the smallest number of the type.
# int8: scales of 127 steps for inputs and weights; 12 steps of the largest element, for sums of some hundred terms.
ALLOWANCES: Mapping[str, Allowance] = {
    "fp32": Allowance(relative=1e-3, of_largest=2.0**-20, absolute=1e-7),
    "fp16": _rounding(10, 2.0**-24),
    "bf16": _rounding(7, 1e-7),
    "int8": Allowance(relative=0.0, of_largest=12 / 127, absolute=1e-7),
}


@dataclass(frozen=True, kw_only=True)
class OperatorJudgement:
    """What one output of an operator is, held against its specification.

    Attributes:
        output: its name.
        share: the largest error, as a multiple of what is allowed; infinite where nothing of the kind is.
        sentence: what is off, by how much and where; empty where nothing is.
    """

    output: str
    share: float
    sentence: str = ""

    @property
    def passed(self) -> bool:
        """Whether every element is within what is allowed."""
        return self.share <= 1.0


def judge_operator(
    actual: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    recipe: str,
    nearby: Mapping[str, np.ndarray] | None = None,
) -> list[OperatorJudgement]:
    """Hold every output against what was expected; outputs that are missing or of another shape are infinitely off.

    Args:
        actual: the engine's outputs by name.
        expected: what comes with the case.
        recipe: one of ``ALLOWANCES``.
        nearby: the operator's outputs for rounded inputs, of the shapes of ``expected``; by default nothing is known
            of them.

    Raises:
        RunFailed: the case expects no output.
    """
    if not expected:
        raise RunFailed("the case expects no output, so nothing can be compared")
    return [_judged(name, actual, array, recipe, (nearby or {}).get(name)) for name, array in expected.items()]


def error_shares(actual: np.ndarray, expected: np.ndarray, recipe: str, nearby: np.ndarray | None = None) -> np.ndarray:
    """Return the error of each element as a multiple of what is allowed, float64 in the shape of ``expected``.

    Infinities and NaN must be the same on both sides; where rounded inputs make one of a finite number, and where
    float16 cannot hold the number, anything may come out.

    Args:
        actual: whole numbers, booleans or floats, of the shape of ``expected``.
        expected: likewise.
        recipe: one of ``ALLOWANCES``.
        nearby: of the same shape.
    """
    with np.errstate(all="ignore"):
        a, e = (np.asarray(array).astype(np.float64) for array in (actual, expected))
        same = (np.asarray(actual) == np.asarray(expected)) | (np.isnan(a) & np.isnan(e))
        allowed = np.zeros_like(e) if expected.dtype.kind in "biu" else _allowed(e, expected.dtype, recipe)
        if nearby is not None:
            shift = np.abs(np.asarray(nearby).astype(np.float64) - e)
            allowed = allowed + np.where(np.isfinite(shift), shift, np.where(np.isfinite(e), math.inf, 0.0))
        if recipe == "fp16":
            allowed = np.where(np.isfinite(e) & (np.abs(e) >= _BEYOND_FLOAT16), math.inf, allowed)
        difference = np.abs(a - e)
        share = np.where(np.isinf(allowed), 0.0, np.where(difference == 0, 0.0, difference / allowed))
        share = np.where(np.isnan(share), math.inf, share)
        return np.where(same, 0.0, np.where(difference == 0, math.inf, share))


def _allowed(expected: np.ndarray, dtype: np.dtype, recipe: str) -> np.ndarray:
    # A case may be of float16 by itself, whatever the recipe.
    allowance = ALLOWANCES["fp16" if dtype == np.float16 and recipe == "fp32" else recipe]
    magnitude = np.abs(np.where(np.isfinite(expected), expected, 0.0))
    floor = allowance.of_largest * float(magnitude.max(initial=0.0)) + allowance.absolute
    allowed: np.ndarray = allowance.relative * magnitude + floor
    return allowed


def _judged(
    name: str, actual: Mapping[str, np.ndarray], expected: np.ndarray, recipe: str, nearby: np.ndarray | None
) -> OperatorJudgement:
    if name not in actual:
        problem = unknown_value("output of the engine", name, actual)
        return OperatorJudgement(output=name, share=math.inf, sentence=f"output {name!r}: {problem}")
    array = np.asarray(actual[name])
    if array.shape != expected.shape:
        problem = f"it is of shape {list(array.shape)} instead of {list(expected.shape)}"
        return OperatorJudgement(output=name, share=math.inf, sentence=f"output {name!r}: {problem}")
    shares = error_shares(array, expected, recipe, nearby)
    share = float(shares.max(initial=0.0))
    if share <= 1.0:
        return OperatorJudgement(output=name, share=share)
    wrong = int(np.count_nonzero(shares > 1.0))
    index = tuple(int(i) for i in np.unravel_index(int(shares.argmax()), shares.shape))
    how_much = (
        f"{share:.3g} times what {recipe} is allowed" if math.isfinite(share) else f"nothing that {recipe} allows"
    )
    return OperatorJudgement(
        output=name,
        share=share,
        sentence=f"output {name!r}: {array[index]} at {list(index)} instead of {expected[index]}, {how_much}; "
        f"{wrong} of {array.size} elements are wrong",
    )
