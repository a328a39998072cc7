from __future__ import annotations

import json
import math
import tracemalloc
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.accuracy import TensorError, compare_tensors
from harness.accuracy.chunks import CHUNK_ELEMENTS
from harness.errors import ConfigurationError, RunFailed

if TYPE_CHECKING:
    from pathlib import Path

INF, NAN = math.inf, math.nan


def plain_formula(actual: np.ndarray, expected: np.ndarray, floor: float) -> dict[str, Any]:
    """Compute the measures as a textbook has them: whole arrays in float64, of finite values."""
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    absolute = np.abs(a - e)
    error, signal = float(np.sum(absolute**2)), float(np.sum(e**2))
    lengths = math.sqrt(float(np.sum(a**2))) * math.sqrt(signal)
    return {
        "max_abs": absolute.max(),
        "mean_abs": absolute.mean(),
        "rmse": math.sqrt(error / a.size),
        "max_rel": (absolute / np.maximum(np.abs(e), floor)).max(),
        "cosine": 1.0 if error == 0.0 else float(np.sum(a * e)) / lengths if lengths else 0.0,
        "sqnr_db": INF if error == 0.0 else 10 * math.log10(signal / error) if signal else -INF,
        "expected_rms": math.sqrt(signal / a.size),
    }


def pairs_of(dtype: type, **elements: Any) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Make pairs of arrays of one shape."""
    shapes = arrays.array_shapes(max_dims=3, max_side=6)
    return shapes.flatmap(
        lambda shape: st.tuples(
            *(arrays.arrays(dtype, shape, elements=arrays.from_dtype(np.dtype(dtype), **elements)) for _ in range(2))
        )
    )


FINITE_PAIRS = st.one_of(
    pairs_of(np.float32, min_value=-1e6, max_value=1e6, allow_subnormal=False),
    pairs_of(np.float16, allow_nan=False, allow_infinity=False),
    # Rounded, because the plain formula's squares vanish below 1e-154.
    pairs_of(np.float64, min_value=-1e9, max_value=1e9).map(lambda pair: (pair[0].round(6), pair[1].round(6))),
    pairs_of(np.int8),
    pairs_of(np.uint8),
    pairs_of(np.int32),
    pairs_of(np.bool_),
)


@given(FINITE_PAIRS, st.sampled_from([1e-3, 1.0]))
@settings(deadline=None)
def test_every_measure_is_the_textbook_formula(pair: tuple[np.ndarray, np.ndarray], floor: float) -> None:
    """On finite arrays of any type and shape, each measure equals its formula in float64."""
    actual, expected = pair
    error = compare_tensors(actual, expected, floor=floor)
    for measure, value in plain_formula(actual, expected, floor).items():
        assert getattr(error, measure) == pytest.approx(value, rel=1e-9, abs=1e-12), measure
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    assert error.worst_index == np.unravel_index(int(difference.argmax()), difference.shape)
    assert error.actual_at_worst == actual[error.worst_index]
    assert error.expected_at_worst == expected[error.worst_index]
    assert (error.count, error.shape, error.dtype) == (actual.size, actual.shape, str(actual.dtype))


@given(pairs_of(np.float64, allow_nan=False, allow_infinity=False), st.integers(-900, 900))
@settings(deadline=None)
def test_ratios_do_not_depend_on_the_unit(pair: tuple[np.ndarray, np.ndarray], exponent: int) -> None:
    """Multiplying both tensors by a power of two, even to the ends of float64, changes no ratio."""
    actual, expected = (np.clip(array, -1e6, 1e6).round(3) for array in pair)
    plain = compare_tensors(actual, expected)
    scaled = compare_tensors(np.ldexp(actual, exponent), np.ldexp(expected, exponent))
    assert scaled.max_abs == math.ldexp(plain.max_abs, exponent)
    for measure in ("max_rel", "cosine", "sqnr_db"):
        assert getattr(scaled, measure) == pytest.approx(getattr(plain, measure), rel=1e-9, abs=1e-9)


@given(pairs_of(np.float32, allow_nan=True, allow_infinity=True))
@settings(deadline=None)
def test_what_is_not_finite_is_counted_and_left_out(pair: tuple[np.ndarray, np.ndarray]) -> None:
    """With NaN and Inf anywhere, measures are those of the finite pairs, and the counts are numpy's."""
    actual, expected = pair
    error = compare_tensors(actual, expected, floor=1.0)
    agrees = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    finite = np.isfinite(actual) & np.isfinite(expected)
    assert (error.nan_actual, error.nan_expected) == (np.isnan(actual).sum(), np.isnan(expected).sum())
    assert (error.inf_actual, error.inf_expected) == (np.isinf(actual).sum(), np.isinf(expected).sum())
    assert error.mismatched_nonfinite == (~agrees & ~finite).sum()
    if finite.any():
        for measure, value in plain_formula(actual[finite], expected[finite], 1.0).items():
            assert getattr(error, measure) == pytest.approx(value, rel=1e-6, abs=1e-12), measure


@pytest.mark.parametrize(
    "dtype",
    [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.float64, np.longdouble, np.int8, np.int64, np.uint8],
    ids=lambda dtype: np.dtype(dtype).name,
)
def test_every_number_type_is_compared_by_value(dtype: type) -> None:
    """Types are compared by the numbers they hold, also with a reference of another type."""
    error = compare_tensors(np.array([[1, 2], [3, 6]], dtype), np.array([[1, 2], [3, 4]], np.float32))
    assert (error.max_abs, error.worst_index, error.actual_at_worst, error.expected_at_worst) == (2.0, (1, 1), 6, 4.0)
    assert error.dtype == np.dtype(dtype).name
    assert error.sqnr_db == pytest.approx(10 * math.log10(30 / 4))


def test_booleans_differ_by_one() -> None:
    """True against False is an error of one."""
    error = compare_tensors(np.array([True, False]), np.array([True, True]))
    assert (error.max_abs, error.mean_abs, error.actual_at_worst, error.expected_at_worst) == (1.0, 0.5, 0, 1)


def test_neighbouring_int64_near_its_end_differ_by_one() -> None:
    """A difference that float64 cannot see in the values is measured, and the values are shown whole."""
    error = compare_tensors(np.array([0, 2**63 - 1]), np.array([0, 2**63 - 2]))
    assert (error.max_abs, error.worst_index) == (1.0, (1,))
    assert error.worst == "at [1] (actual 9223372036854775807, expected 9223372036854775806)"


@pytest.mark.parametrize("shape", [(0,), (3, 0, 2)], ids=str)
def test_tensors_without_elements_agree(shape: tuple[int, ...]) -> None:
    """Nothing differs where there is nothing, e.g. among no detections."""
    error = compare_tensors(np.empty(shape), np.empty(shape))
    assert (error.max_abs, error.rmse, error.max_rel, error.cosine, error.sqnr_db) == (0.0, 0.0, 0.0, 1.0, INF)
    assert (error.count, error.worst_index, error.worst) == (0, None, "(no elements)")


def test_a_scalar_has_the_empty_index() -> None:
    """A tensor without dimensions is compared like any other."""
    error = compare_tensors(np.float32(3), np.float32(2))
    assert (error.max_abs, error.worst_index, error.shape, error.count) == (1.0, (), (), 1)


@pytest.mark.parametrize(
    ("actual", "cosine", "sqnr_db", "max_rel"),
    [pytest.param(0.0, 1.0, INF, 0.0, id="zero as well"), pytest.param(1e-9, 0.0, -INF, INF, id="not zero")],
)
def test_a_reference_of_zeros_has_defined_ratios(actual: float, cosine: float, sqnr_db: float, max_rel: float) -> None:
    """Against zeros, a tensor is either the same or infinitely far off."""
    error = compare_tensors(np.full(5, actual), np.zeros(5))
    assert (error.cosine, error.sqnr_db, error.max_rel) == (cosine, sqnr_db, max_rel)


def test_a_reference_too_small_for_a_floor_is_still_its_own_denominator() -> None:
    """The smallest float64 numbers are not zero: twice one is a relative error of one."""
    error = compare_tensors(np.array([1e-323, 0.0]), np.array([5e-324, 0.0]))
    assert (error.max_rel, error.cosine, error.sqnr_db) == (1.0, 1.0, 0.0)


def test_identical_tensors_have_a_cosine_of_exactly_one() -> None:
    """No rounding keeps a tensor from being like itself."""
    tensor = np.random.default_rng(0).normal(size=1001).astype(np.float32)
    error = compare_tensors(tensor, tensor)
    assert (error.cosine, error.sqnr_db, error.max_abs, error.worst_index) == (1.0, INF, 0.0, (0,))


def test_a_sign_flip_has_a_cosine_of_minus_one() -> None:
    """Opposite tensors are opposite, and no rounding takes the cosine below -1."""
    tensor = np.random.default_rng(0).normal(size=1001)
    assert compare_tensors(-tensor, tensor).cosine == -1.0


def test_relative_errors_are_floored_at_a_thousandth_of_the_peak() -> None:
    """By default an error at a tiny reference is relative to a thousandth of the largest one."""
    error = compare_tensors(np.array([10.0, 0.005]), np.array([10.0, 0.0]))
    assert (error.floor, error.max_rel) == (0.01, pytest.approx(0.5))


def test_a_floor_can_be_given() -> None:
    """The floor in force is the given one, and the record says which it was."""
    error = compare_tensors(np.array([10.0, 0.5]), np.array([10.0, 0.0]), floor=2.0)
    assert (error.floor, error.max_rel) == (2.0, 0.25)


@pytest.mark.parametrize("floor", [0.0, -1.0, NAN, INF])
def test_a_floor_must_be_positive(floor: float) -> None:
    """A floor that cannot be one is refused by its value."""
    with pytest.raises(ConfigurationError, match=repr(floor)):
        compare_tensors(np.ones(1), np.ones(1), floor=floor)


@pytest.mark.parametrize(
    ("actual", "expected", "mismatched"),
    [
        pytest.param(NAN, NAN, 0, id="NaN on both sides agrees"),
        pytest.param(INF, INF, 0, id="the same infinity agrees"),
        pytest.param(INF, -INF, 1, id="opposite infinities do not"),
        pytest.param(NAN, INF, 1, id="NaN is not infinity"),
        pytest.param(NAN, 1.0, 1, id="NaN under test"),
        pytest.param(1.0, -INF, 1, id="infinity in the reference"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
def test_where_nan_and_inf_agree(dtype: type, actual: float, expected: float, mismatched: int) -> None:
    """NaN and Inf agree with their like only; the other measures stay those of the finite elements."""
    error = compare_tensors(np.array([2, actual, 4], dtype), np.array([1, expected, 4], dtype))
    assert error.mismatched_nonfinite == mismatched
    assert (error.max_abs, error.mean_abs) == (1.0, 0.5)
    assert error.worst_index == ((1,) if mismatched else (0,))


def test_the_first_stray_nan_is_the_worst_place() -> None:
    """A NaN in a later chunk is found at its own place, ahead of any finite error."""
    expected = np.zeros((5, CHUNK_ELEMENTS), np.float32)
    actual = expected.copy()
    actual[1, 7], actual[3, 11], actual[4, 0] = 9.0, NAN, INF
    error = compare_tensors(actual, expected)
    assert (error.worst_index, error.max_abs, error.mismatched_nonfinite) == ((3, 11), 9.0, 2)
    assert error.actual_at_worst is not None
    assert math.isnan(error.actual_at_worst)
    assert "2 NaN or Inf on one side" in str(error)


def test_the_worst_place_is_found_in_any_chunk() -> None:
    """The first of equally large errors is reported, by its index in the whole tensor."""
    expected = np.zeros((3, CHUNK_ELEMENTS + 5), np.float32)
    actual = expected.copy()
    actual[1, 100] = actual[2, 100] = -4.0
    assert compare_tensors(actual, expected).worst_index == (1, 100)


def test_many_chunks_add_up_to_the_textbook_formula() -> None:
    """Sums go on from chunk to chunk, and a relative error that is just above all before it is found."""
    generator = np.random.default_rng(2)
    growth = np.linspace(1.0, 1.5, 7 * CHUNK_ELEMENTS + 11)
    expected = generator.uniform(0.0, 1.0, growth.size)
    actual = expected + growth * generator.choice([-0.1, 0.1], growth.size)
    for floor in (1e-3, 0.5, 2.0):
        error = compare_tensors(actual, expected, floor=floor)
        for measure, value in plain_formula(actual, expected, floor).items():
            assert getattr(error, measure) == pytest.approx(value, rel=1e-10), measure


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["positive", "negative"])
def test_a_reference_far_from_zero_hides_no_relative_error(sign: float) -> None:
    """Where the smallest magnitude of a chunk rules divisions out, the one that counts is still made."""
    generator = np.random.default_rng(4)
    expected = sign * generator.uniform(3.0, 7.0, 9 * CHUNK_ELEMENTS + 11)
    actual = expected + generator.uniform(-1e-3, 1e-3, expected.size)
    late = 7 * CHUNK_ELEMENTS + 5
    expected[late] = sign * 3.0
    actual[late] = expected[late] + 1.01e-3
    expected[8 * CHUNK_ELEMENTS + 5] = 0.0  # from here on it is no longer far from zero
    for floor in (None, 1e-9, 1.0):
        error = compare_tensors(actual, expected, floor=floor)
        wanted = plain_formula(actual, expected, floor or error.floor)
        assert error.max_rel == pytest.approx(wanted["max_rel"], rel=1e-12)
    nonzero = expected.copy()
    nonzero[8 * CHUNK_ELEMENTS + 5] = actual[8 * CHUNK_ELEMENTS + 5]
    assert compare_tensors(actual, nonzero).max_rel == pytest.approx(1.01e-3 / 3.0, rel=1e-12)


def test_memory_layout_does_not_matter(tmp_path: Path) -> None:
    """Strided, transposed, reversed, byte-swapped and memory-mapped arrays compare as their copies do."""
    generator = np.random.default_rng(1)
    expected = generator.normal(size=(30, 40, 50)).astype(np.float32)
    actual = expected + generator.normal(size=expected.shape).astype(np.float32)
    wanted = compare_tensors(actual, expected)
    path = tmp_path / "tensor.npy"
    np.save(path, actual)
    spread = np.zeros((60, 40, 150), np.float32)
    spread[::2, :, ::3] = actual
    for same in (
        np.load(path, mmap_mode="r"),
        np.asfortranarray(actual),
        spread[::2, :, ::3],
        actual[::-1].copy()[::-1],
        actual.astype(">f4"),
    ):
        error = compare_tensors(same, expected)
        assert (error.max_abs, error.worst_index, error.max_rel) == (wanted.max_abs, wanted.worst_index, wanted.max_rel)
        for measure in ("mean_abs", "rmse", "cosine", "sqnr_db"):
            assert getattr(error, measure) == pytest.approx(getattr(wanted, measure), rel=1e-13), measure


def test_arguments_are_not_written_to() -> None:
    """Read-only arrays can be compared, with NaN as well, and float64 ones keep their values."""
    actual, expected = np.array([1.0, NAN, -3.0]), np.array([2.0, 1.0, -5.0])
    before = actual.copy(), expected.copy()
    compare_tensors(actual, expected)
    assert np.array_equal(actual, before[0], equal_nan=True)
    assert np.array_equal(expected, before[1])
    actual.flags.writeable = expected.flags.writeable = False
    assert compare_tensors(actual, expected).mismatched_nonfinite == 1


def test_memory_stays_bounded() -> None:
    """Comparing 16 MB takes 2 MB of memory at most, besides the arrays."""
    tensor = np.ones(4_000_000, np.float32)
    other = tensor + np.float32(1)
    tracemalloc.start()
    try:
        compare_tensors(other, tensor)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2**20


def test_the_full_range_of_float32_is_squared_without_overflow() -> None:
    """The largest float32 has finite measures although its square is none."""
    error = compare_tensors(np.array([3e38, -3e38], np.float32), np.array([3e38, 3e38], np.float32))
    assert error.max_abs == pytest.approx(6e38)
    assert error.cosine == pytest.approx(0.0)
    assert error.sqnr_db == pytest.approx(10 * math.log10(0.5))


def test_another_shape_is_refused_by_both_shapes() -> None:
    """Shapes are never made to fit, not even where numpy would broadcast."""
    with pytest.raises(RunFailed, match=r"\[2, 3\] .* \[3\]"):
        compare_tensors(np.ones((2, 3)), np.ones(3))


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        pytest.param(np.array(["a"]), np.ones(1), "tensor of type <U1", id="text"),
        pytest.param(np.ones(1), np.ones(1, complex), "reference of type complex128", id="complex"),
    ],
)
def test_what_is_no_number_is_refused_by_its_type(actual: np.ndarray, expected: np.ndarray, words: str) -> None:
    """A type that has no order is named, with the side that it is on."""
    with pytest.raises(RunFailed, match=words):
        compare_tensors(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        pytest.param(np.array([[1.0, 2.5]]), np.array([[1.0, 2.0]]), id="ordinary"),
        pytest.param(np.ones(2), np.ones(2), id="identical, with an infinite SQNR"),
        pytest.param(np.ones(2), np.zeros(2), id="against zeros, with SQNR of minus infinity"),
        pytest.param(np.empty(0), np.empty(0), id="without elements"),
        pytest.param(np.array(2**62), np.array(2**62 + 1), id="whole numbers, kept exactly"),
    ],
)
def test_an_error_survives_strict_json(actual: np.ndarray, expected: np.ndarray) -> None:
    """An error comes back from JSON without NaN or Infinity literals as it was."""
    error = compare_tensors(actual, expected)
    assert TensorError.from_json(json.loads(json.dumps(error.to_json(), allow_nan=False))) == error


def test_a_stray_nan_survives_strict_json() -> None:
    """NaN at the worst place is text in JSON and a number again after it."""
    error = compare_tensors(np.array([NAN]), np.array([1.0]))
    data = json.loads(json.dumps(error.to_json(), allow_nan=False))
    assert data["actual_at_worst"] == "nan"
    assert repr(TensorError.from_json(data)) == repr(error)
