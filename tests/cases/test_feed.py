from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.cases import Integers, Normal, Point, TensorSpec, Uniform, make_inputs
from harness.cases.feed import feed_from_json, feed_to_json
from harness.errors import ConfigurationError, ModelError, ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cases import Feed

PINNED = [0.1120040917908347, 0.02138422317031441, 0.5125941887025632]
POINT = Point.of({"batch": 64})
IMAGE = TensorSpec("image", "float32", ("batch", 3, 4, 4))


def one(spec: TensorSpec, feed: Feed | None = None, point: Point = POINT, seed: str = "") -> np.ndarray:
    """Return what one input is filled with."""
    return make_inputs([spec], {} if feed is None else {spec.name: feed}, point, seed=seed)[spec.name]


@pytest.mark.parametrize("feed", [Normal(2.0, 0.5), Uniform(-1, 1), Integers(0, 9)], ids=lambda f: type(f).__name__)
def test_a_feed_survives_json(feed: Feed) -> None:
    """What is read back is what was written."""
    assert feed_from_json(feed_to_json(feed)) == feed


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"])
def test_inputs_have_the_dtype_and_shape_of_their_spec(dtype: str) -> None:
    """Every plain type can be invented, at the sizes of the point."""
    array = one(TensorSpec("x", dtype, ("batch", 3)))
    assert (array.dtype, array.shape) == (np.dtype(dtype), (64, 3))
    assert len(np.unique(array)) > 1


@pytest.mark.parametrize(
    ("feed", "low", "high", "mean"),
    [
        pytest.param(Normal(5.0, 0.1), 4.0, 6.0, 5.0, id="Gaussian"),
        pytest.param(Uniform(2, 4), 2.0, 4.0, 3.0, id="uniform"),
        pytest.param(Integers(10, 13), 10.0, 12.0, 11.0, id="whole numbers, the upper end left out"),
    ],
)
def test_values_follow_their_feed(feed: Feed, low: float, high: float, mean: float) -> None:
    """3072 values stay inside the range of their distribution and are centred where it is."""
    values = one(IMAGE, feed)
    assert low <= values.min() < values.max() <= high
    assert values.mean() == pytest.approx(mean, abs=0.1)


def test_without_a_feed_whole_numbers_are_safe_indices() -> None:
    """Invented whole numbers are 0 or 1, which are indices into almost any table."""
    assert set(np.unique(one(TensorSpec("ids", "int64", ("batch",))))) == {0, 1}


def test_the_same_arguments_give_the_same_bytes() -> None:
    """Inputs need not be kept, for they can be made again."""
    assert one(IMAGE).tobytes() == one(IMAGE).tobytes()


def test_inputs_are_the_same_on_every_platform_and_version() -> None:
    """The numbers are part of what a stored result means: a change here parts old results from new ones."""
    values = one(TensorSpec("x", "float64", (3,)), Uniform(0, 1), Point(), "seed")
    assert values.tolist() == pytest.approx(PINNED, rel=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: one(IMAGE, seed="other"), id="another seed"),
        pytest.param(lambda: one(TensorSpec("picture", "float32", IMAGE.shape)), id="another input"),
        pytest.param(lambda: one(IMAGE, point=Point.of({"batch": 65}))[:64], id="another point"),
    ],
)
def test_different_arguments_give_different_numbers(other: Callable[[], np.ndarray]) -> None:
    """Neither two inputs of a graph nor two points see the same numbers."""
    assert not np.array_equal(one(IMAGE), other())


def test_a_free_dimension_without_a_size_is_an_error() -> None:
    """The error names the dimension and the option that gives it a size."""
    with pytest.raises(ProfileError, match=r"free dimension 'batch'.*--shape image:batchx3x4x4"):
        one(IMAGE, point=Point())


@pytest.mark.parametrize("dtype", ["str", "complex64", "float8_e4m3fn", "no_such_type"])
def test_a_type_that_cannot_be_invented_is_an_error(dtype: str) -> None:
    """Text and exotic numbers have no default content, and the error names input and type."""
    with pytest.raises(ModelError, match=f"'x' is of type {dtype}"):
        one(TensorSpec("x", dtype, ("batch",)))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Uniform(1, 1), id="an empty range"),
        pytest.param(lambda: Uniform(1, float("nan")), id="a range to NaN"),
        pytest.param(lambda: Integers(3, 2), id="a range backwards"),
        pytest.param(lambda: Normal(deviation=-1), id="a negative deviation"),
        pytest.param(lambda: Normal(deviation=float("nan")), id="a deviation of NaN"),
    ],
)
def test_a_feed_that_can_draw_nothing_is_an_error(make: Callable[[], Feed]) -> None:
    """It is refused where it is written, not when the first case runs."""
    with pytest.raises(ConfigurationError, match=r"low < high|deviation"):
        make()
