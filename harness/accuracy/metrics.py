"""How far one tensor is from another: every measure of it, in chunks of bounded memory."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy.chunks import (
    CHUNK_ELEMENTS,
    Chunk,
    holds_real_numbers,
    is_wide_float,
    largest_magnitude,
    paired_chunks,
    squarable_exponent,
)
from harness.accuracy.tensor_error import TensorError
from harness.errors import ConfigurationError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

# Relative errors of elements below this share of the reference's largest one are taken relative to that share of it.
# A fixed floor would depend on the tensor's unit, and none at all makes any rounding at a ReLU's zeros infinite.
# INT8 has 127 steps up to the largest element: a thousandth of that lies well below the smallest number it can tell.
RELATIVE_FLOOR = 1e-3


def compare_tensors(actual: np.ndarray, expected: np.ndarray, *, floor: float | None = None) -> TensorError:
    """Measure how far ``actual`` is from ``expected``.

    Works through both in chunks of 8192 elements in float64, so that it takes about half a MB of memory besides its
    arguments, whatever their size, layout or place (memory-mapped ones included). The default floor takes a first look
    at ``expected``, and float64 one at both: where its squares would overflow, a power of two is taken out.

    Args:
        actual: the values under test: whole numbers, booleans or floats, those of ``ml_dtypes`` included.
        expected: their reference, of the same shape; values are compared, so its dtype may differ. 64-bit integers are
            subtracted exactly.
        floor: the smallest magnitude to which a relative error is taken, > 0 and in the tensor's unit; by default a
            thousandth of the largest finite magnitude in ``expected``.

    Raises:
        RunFailed: the shapes differ, or a dtype holds no real numbers.
        ConfigurationError: ``floor`` is not a positive number.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if floor is not None and not 0.0 < floor < math.inf:
        raise ConfigurationError(f"the floor of relative errors must be a positive number, not {floor!r}")
    _check_pair(actual, expected)
    wide = is_wide_float(actual.dtype) or is_wide_float(expected.dtype)
    with np.errstate(all="ignore"):
        magnitude = largest_magnitude(expected) if floor is None or wide else 0.0
    comparison = TensorComparison(magnitude, floor=floor)
    comparison.add(actual, expected)
    return comparison.error(actual.shape)


class TensorComparison:
    """What ``compare_tensors`` does, for a tensor that comes in parts.

    Args:
        magnitude: the largest finite magnitude in the whole reference, in the tensor's unit.
        floor: as for ``compare_tensors``.
    """

    def __init__(self, magnitude: float, *, floor: float | None = None) -> None:
        self._magnitude = magnitude
        self._floor = RELATIVE_FLOOR * magnitude if floor is None else floor
        self._exponent = 0
        self._sums: _Sums | None = None
        self._dtype = ""
        self._start = 0
        self._at_worst: tuple[float | None, float | None] = (None, None)

    def add(self, actual: np.ndarray, expected: np.ndarray) -> None:
        """Compare one more part.

        Float64 parts whose squares overflow are measured as well, if the first part or ``magnitude`` is as large.

        Raises:
            RunFailed: the shapes differ, or a dtype holds no real numbers.
        """
        _check_pair(actual, expected)
        # NaN, Inf and overflow are results here, and reported as such.
        with np.errstate(all="ignore"):
            if self._sums is None:
                self._dtype = str(actual.dtype)
                if is_wide_float(actual.dtype) or is_wide_float(expected.dtype):
                    self._exponent = squarable_exponent(max(self._magnitude, largest_magnitude(actual)))
                self._sums = _Sums(float(np.ldexp(self._floor, -self._exponent)))
            before = self._sums.where
            with self._sums.part(self._start, min(CHUNK_ELEMENTS, actual.size)) as sums:
                for chunk in paired_chunks(actual, expected, exponent=self._exponent):
                    sums.add(chunk)
            if actual.size and (self._sums.where != before or not self._start):
                flat = max(self._sums.where - self._start, 0)
                index = np.unravel_index(flat, actual.shape)
                self._at_worst = _number(actual[index]), _number(expected[index])
        self._start += actual.size

    def error(self, shape: tuple[int, ...]) -> TensorError:
        """Return the error of all parts so far, in C order elements of a tensor of ``shape``."""
        sums = self._sums or _Sums(0.0)
        return _summarise(sums, shape, self._dtype, self._at_worst, exponent=self._exponent, floor=self._floor)


def _check_pair(actual: np.ndarray, expected: np.ndarray) -> None:
    if actual.shape != expected.shape:
        raise RunFailed(
            f"a tensor of shape {list(actual.shape)} cannot be compared with one of shape {list(expected.shape)}"
        )
    for side, dtype in (("tensor", actual.dtype), ("reference", expected.dtype)):
        if not holds_real_numbers(dtype):
            raise RunFailed(f"a {side} of type {dtype} cannot be compared; only numbers and booleans can")


class _Sums:
    """What the chunks so far add up to, and the scratch memory to add another one."""

    def __init__(self, floor: float) -> None:
        # A reference of zeros has a floor of zero, and 0 / 0 would hide every other ratio.
        self._floor = max(floor, float(np.finfo(np.float64).tiny))
        self._floors = self._ones = self._ratio = np.empty(0)
        self._offset = 0
        self._away_from_zero = True
        self.finite = 0
        self.absolute = 0.0
        self.squared_difference = 0.0
        self.squared_actual = 0.0
        self.squared_expected = 0.0
        self.product = 0.0
        self.max_abs = 0.0
        self.max_rel = 0.0
        self.worst = 0
        self.first_mismatch: int | None = None
        self.nan = [0, 0]
        self.inf = [0, 0]
        self.mismatched = 0

    @property
    def where(self) -> int:
        """Flat index of the element that is shown: the first mismatch of what is not finite, else the worst."""
        return self.worst if self.first_mismatch is None else self.first_mismatch

    @contextmanager
    def part(self, offset: int, elements: int) -> Iterator[_Sums]:
        """Take chunks of a part that begins at the flat index ``offset``, of up to ``elements`` each.

        Room for them is there in the block only: hundreds of tensors may be open at once.
        """
        self._offset = offset
        self._floors = np.full(elements, self._floor)
        self._ones = np.ones(elements)
        self._ratio = np.empty(elements)
        yield self
        self._floors = self._ones = self._ratio = np.empty(0)

    def add(self, chunk: Chunk) -> None:
        # The arrays' own methods take a sixth less time than the functions of numpy that call them, at this size.
        squared = float(chunk.difference.dot(chunk.difference))
        if not math.isfinite(squared):
            chunk = self._count_nonfinite(chunk)
            squared = float(chunk.difference.dot(chunk.difference))
        else:
            self.finite += chunk.actual.size
        start, actual, expected, difference = chunk
        self.squared_difference += squared
        self.squared_actual += float(actual.dot(actual))
        self.squared_expected += float(expected.dot(expected))
        self.product += float(actual.dot(expected))

        np.abs(difference, out=difference)
        self.absolute += float(difference.dot(self._ones[: difference.size]))
        worst = int(difference.argmax())
        largest = float(difference[worst])
        if largest > self.max_abs:
            self.max_abs = largest
            self.worst = self._offset + start + worst

        if self._may_raise_max_rel(largest, expected):
            ratio = self._ratio[: difference.size]
            np.abs(expected, out=ratio)
            np.maximum(ratio, self._floors[: difference.size], out=ratio)
            np.divide(difference, ratio, out=ratio)
            self.max_rel = max(self.max_rel, float(ratio[ratio.argmax()]))

    def _may_raise_max_rel(self, largest: float, expected: np.ndarray) -> bool:
        """Say whether a chunk whose largest error is ``largest`` may hold a larger relative error than those before it.

        No denominator is below the floor, nor below the smallest magnitude of the reference: in most chunks one of the
        two rules a larger ratio out without a division.
        """
        if largest <= self.max_rel * self._floor:
            return False
        if self._away_from_zero:
            smallest = float(expected[expected.argmin()])
            if smallest < 0.0:
                smallest = -float(expected[expected.argmax()])
            if largest <= self.max_rel * smallest:
                return False
            # A reference that reaches zero once does so again: to look for its smallest magnitude is a waste.
            self._away_from_zero = smallest > self._floor
        return True

    def _count_nonfinite(self, chunk: Chunk) -> Chunk:
        """Count what is not finite, and return the chunk with zeros in its place, which add nothing to any sum."""
        start, actual, expected, difference = chunk
        is_nan = [np.isnan(actual), np.isnan(expected)]
        for side, values in enumerate((actual, expected)):
            self.nan[side] += int(np.count_nonzero(is_nan[side]))
            self.inf[side] += int(np.count_nonzero(np.isinf(values)))
        finite = np.isfinite(actual) & np.isfinite(expected)
        agrees = finite | (is_nan[0] & is_nan[1]) | (actual == expected)
        if not agrees.all():
            self.mismatched += int(np.count_nonzero(~agrees))
            if self.first_mismatch is None:
                self.first_mismatch = self._offset + start + int(agrees.argmin())
        self.finite += int(np.count_nonzero(finite))
        return Chunk(start, *(np.where(finite, values, 0.0) for values in (actual, expected, difference)))


def _summarise(
    sums: _Sums,
    shape: tuple[int, ...],
    dtype: str,
    at_worst: tuple[float | None, float | None],
    *,
    exponent: int,
    floor: float,
) -> TensorError:
    finite = max(sums.finite, 1)
    max_abs, mean_abs, rmse, expected_rms = (
        float(np.ldexp(value, exponent))
        for value in (
            sums.max_abs,
            sums.absolute / finite,
            math.sqrt(sums.squared_difference / finite),
            math.sqrt(sums.squared_expected / finite),
        )
    )
    index = tuple(int(i) for i in np.unravel_index(sums.where, shape)) if math.prod(shape) else None
    max_rel = sums.max_rel
    if floor == 0.0 and sums.squared_expected == 0.0:
        max_rel = math.inf if sums.max_abs else 0.0
    return TensorError(
        shape=shape,
        dtype=dtype,
        max_abs=max_abs,
        mean_abs=mean_abs,
        rmse=rmse,
        max_rel=max_rel,
        floor=floor,
        cosine=_cosine(sums),
        sqnr_db=_sqnr_db(sums),
        expected_rms=expected_rms,
        worst_index=index,
        actual_at_worst=None if index is None else at_worst[0],
        expected_at_worst=None if index is None else at_worst[1],
        nan_actual=sums.nan[0],
        nan_expected=sums.nan[1],
        inf_actual=sums.inf[0],
        inf_expected=sums.inf[1],
        mismatched_nonfinite=sums.mismatched,
    )


def _cosine(sums: _Sums) -> float:
    if sums.squared_difference == 0.0:
        return 1.0
    lengths = math.sqrt(sums.squared_actual) * math.sqrt(sums.squared_expected)
    return max(-1.0, min(1.0, sums.product / lengths)) if lengths else 0.0


def _sqnr_db(sums: _Sums) -> float:
    if sums.squared_difference == 0.0:
        return math.inf
    if sums.squared_expected == 0.0:
        return -math.inf
    return 10.0 * (math.log10(sums.squared_expected) - math.log10(sums.squared_difference))


def _number(value: Any) -> float:
    return int(value) if np.asarray(value).dtype.kind in "iub" else float(value)
