from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from harness.accuracy.chunks import (
    CHUNK_ELEMENTS,
    holds_real_numbers,
    largest_magnitude,
    paired_chunks,
    squarable_exponent,
)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "reversed"])
@pytest.mark.parametrize(
    "shape", [(0,), (1,), (CHUNK_ELEMENTS + 1,), (3, CHUNK_ELEMENTS), (5, 7, 1001), (20_003, 2)], ids=str
)
def test_chunks_cover_every_element_once_and_in_c_order(shape: tuple[int, ...], layout: str, dtype: type) -> None:
    """The chunks, put together, are the arrays in C order, and none is larger than was said."""
    actual, expected = (np.arange(np.prod(shape)).reshape(shape) % 2000).astype(dtype), np.ones(shape, dtype)
    if layout == "transposed":
        actual, expected = np.asfortranarray(actual), np.asfortranarray(expected)
    elif layout == "reversed":
        actual, expected = actual[::-1], expected[::-1]
    chunks = [(c.start, c.actual.copy(), c.difference.copy()) for c in paired_chunks(actual, expected)]
    sizes = [a.size for _, a, _ in chunks]
    assert [start for start, _, _ in chunks] == np.cumsum([0, *sizes[:-1]])[: len(sizes)].tolist()
    assert max(sizes, default=0) <= CHUNK_ELEMENTS
    assert np.array_equal(np.concatenate([np.empty(0), *(a for _, a, _ in chunks)]), actual.ravel())
    assert np.array_equal(np.concatenate([np.empty(0), *(d for _, _, d in chunks)]), actual.ravel() - dtype(1))


@pytest.mark.parametrize(
    ("actual", "expected", "difference"),
    [
        pytest.param(np.int64(2**63 - 1), np.int64(2**63 - 2), 1.0, id="neighbours at the top of int64"),
        pytest.param(np.int64(-(2**63)), np.int64(2**63 - 1), -(2.0**64), id="the two ends of int64"),
        pytest.param(np.uint64(2**64 - 1), np.uint64(2**64 - 3), 2.0, id="neighbours at the top of uint64"),
        pytest.param(np.uint64(2**63), np.int64(-1), 2.0**63, id="unsigned against negative"),
        pytest.param(np.int64(-5), np.int8(3), -8.0, id="wide against narrow"),
        pytest.param(np.int64(2**32), np.bool_(True), 2.0**32 - 1, id="wide against boolean"),
    ],
)
def test_wide_integers_are_subtracted_exactly(actual: np.generic, expected: np.generic, difference: float) -> None:
    """A difference between 64-bit integers is rounded once, at the end."""
    (chunk,) = paired_chunks(np.asarray(actual), np.asarray(expected))
    assert chunk.difference.tolist() == [difference]


def test_floats_are_divided_by_the_power_of_two() -> None:
    """With an exponent, values and their difference come scaled."""
    (chunk,) = paired_chunks(np.array([2.0**600]), np.array([2.0**599]), exponent=600)
    assert (chunk.actual.tolist(), chunk.expected.tolist(), chunk.difference.tolist()) == ([1.0], [0.5], [0.5])


@pytest.mark.parametrize(
    ("array", "magnitude"),
    [
        pytest.param(np.array([1.0, -3.0, 2.0]), 3.0, id="negative"),
        pytest.param(np.array([np.nan, -2.0, np.inf]), 2.0, id="beside NaN and Inf"),
        pytest.param(np.array([np.nan, -np.inf]), 0.0, id="nothing finite"),
        pytest.param(np.empty((0, 3), np.float16), 0.0, id="no elements"),
        pytest.param(np.int64(-(2**63)), 2.0**63, id="the lowest int64"),
    ],
)
def test_largest_magnitude_ignores_what_is_not_finite(array: np.ndarray, magnitude: float) -> None:
    """The largest magnitude is over finite elements, 0 without any."""
    assert largest_magnitude(np.asarray(array)) == magnitude


@pytest.mark.parametrize("magnitude", [0.0, 1e-100, 1.0, 3.4e38, 1e100])
def test_ordinary_magnitudes_are_left_alone(magnitude: float) -> None:
    """Nothing is scaled as long as squares and their sums fit."""
    assert squarable_exponent(magnitude) == 0


@pytest.mark.parametrize("magnitude", [5e-324, 1e-200, 1e200, 1.7e308])
def test_extreme_magnitudes_are_brought_to_about_one(magnitude: float) -> None:
    """What would overflow or vanish when squared is divided by the power of two just above it."""
    assert 0.5 <= np.ldexp(magnitude, -squarable_exponent(magnitude)) < 1.0


@pytest.mark.parametrize(
    ("dtype", "holds"),
    [
        *((dtype, True) for dtype in ("bool", "int8", "uint64", "float16", "float64", "longdouble")),
        *((np.dtype(dtype), True) for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4)),
        *((dtype, False) for dtype in ("complex64", "object", "U3", "M8[s]", "m8[s]", "V2")),
    ],
    ids=str,
)
def test_only_real_numbers_can_be_compared(dtype: np.dtype | str, *, holds: bool) -> None:
    """Whole numbers, booleans and floats of any width are real numbers; text, times and complex numbers are not."""
    assert holds_real_numbers(np.dtype(dtype)) is holds
