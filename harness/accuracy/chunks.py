"""Two arrays of any number types, read side by side as cache-sized chunks of float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

# Six float64 buffers of this many elements stay within a level-2 cache; with half as many, a comparison takes a third
# more time. Above 10 000, OpenBLAS spreads a dot product over all cores: that disturbs whatever is timed beside it, and
# it was seen to take a hundred times as long while other processes kept them busy.
CHUNK_ELEMENTS = 8_192
# A single reduction has no buffers to keep in the cache, and wants fewer steps.
_REDUCTION_ELEMENTS = 65_536

# Between these magnitudes neither the squares of float64 numbers nor sums of 1e9 of them leave float64's range.
_SQUARABLE = (1e-100, 1e100)


class Chunk(NamedTuple):
    """A run of elements in C order, each array float64 [elements]; only ``difference`` may be written to.

    Attributes:
        start: flat index of its first element.
        actual: the values under test.
        expected: their reference.
        difference: actual - expected, rounded once.
    """

    start: int
    actual: np.ndarray
    expected: np.ndarray
    difference: np.ndarray


def holds_real_numbers(dtype: np.dtype) -> bool:
    """Say whether ``dtype`` is of whole numbers, booleans or floats, those of ``ml_dtypes`` included."""
    return bool(np.can_cast(dtype, np.float64, casting="same_kind"))


def is_wide_float(dtype: np.dtype) -> bool:
    """Say whether squares of ``dtype`` can leave float64's range."""
    return dtype.kind == "f" and dtype.itemsize >= 8


def paired_chunks(actual: np.ndarray, expected: np.ndarray, *, exponent: int = 0) -> Iterator[Chunk]:
    """Read two arrays of the same shape, without copying more than one chunk of them.

    64-bit integers are subtracted exactly before they are rounded to float64.

    Args:
        actual: any layout, any real dtype.
        expected: likewise; the dtypes may differ.
        exponent: floats are divided by two to this power, so that their squares fit (``squarable_exponent``).

    Yields:
        Chunks in C order. Their buffers are used again for the next one.
    """
    wide_integers = all(a.dtype.kind in "iub" for a in (actual, expected)) and 8 in (
        actual.dtype.itemsize,
        expected.dtype.itemsize,
    )
    types = [_wide_integer(a.dtype) if wide_integers else np.dtype(np.float64) for a in (actual, expected)]
    buffer = np.empty(min(CHUNK_ELEMENTS, actual.size))
    start = 0
    for a, e in _iterate([actual, expected], types):
        difference = buffer[: a.size]
        if wide_integers:
            _subtract_exactly(a, e, out=difference)
            yield Chunk(start, a.astype(np.float64), e.astype(np.float64), difference)
        else:
            scaled_a, scaled_e = (np.ldexp(a, -exponent), np.ldexp(e, -exponent)) if exponent else (a, e)
            np.subtract(scaled_a, scaled_e, out=difference)
            yield Chunk(start, scaled_a, scaled_e, difference)
        start += a.size


def float64_chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Read ``array``, of any layout and any real dtype, as float64 chunks in C order, the buffer of which is reused."""
    for (chunk,) in _iterate([array], [np.dtype(np.float64)]):
        yield chunk


def largest_magnitude(array: np.ndarray) -> float:
    """Return the largest absolute value among the finite elements of ``array``, 0.0 if there are none."""
    largest = 0.0
    native = array.dtype if array.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    for (chunk,) in _iterate([array], [native], elements=_REDUCTION_ELEMENTS):
        peak = max(float(chunk.max()), -float(chunk.min()))
        if not math.isfinite(peak):
            peak = float(np.abs(chunk[np.isfinite(chunk)]).max(initial=0.0))
        largest = max(largest, peak)
    return largest


def squarable_exponent(magnitude: float) -> int:
    """Return by which power of two to divide numbers of up to ``magnitude`` so that float64 can hold their squares."""
    if magnitude == 0.0 or _SQUARABLE[0] <= magnitude <= _SQUARABLE[1]:
        return 0
    return math.frexp(magnitude)[1]


def _iterate(
    arrays: list[np.ndarray], types: list[np.dtype], *, elements: int = CHUNK_ELEMENTS
) -> Iterator[tuple[np.ndarray, ...]]:
    if arrays[0].size == 0:
        return
    chunks = np.nditer(
        arrays,
        flags=["external_loop", "buffered"],
        op_dtypes=types,
        order="C",
        casting="unsafe",
        buffersize=elements,
    )
    for chunk in chunks:
        yield chunk if isinstance(chunk, tuple) else (chunk,)


def _wide_integer(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.int64 if dtype.kind == "i" else np.uint64)


def _subtract_exactly(a: np.ndarray, e: np.ndarray, *, out: np.ndarray) -> None:
    """Subtract by halves: each half of a 64-bit integer is exact in float64, so that only the last sum rounds."""
    high = (a >> a.dtype.type(32)).astype(np.float64) - (e >> e.dtype.type(32)).astype(np.float64)
    low_bits = 0xFFFF_FFFF
    low = (a & a.dtype.type(low_bits)).astype(np.float64) - (e & e.dtype.type(low_bits)).astype(np.float64)
    np.multiply(high, 2.0**32, out=out)
    np.add(out, low, out=out)
