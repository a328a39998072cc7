"""The small builder of graphs."""

from __future__ import annotations

import numpy as np
import pytest

from suites.zoo.builder import GraphBuilder, generator_for
from tests.suites.models import run


def test_a_name_seeds_its_own_numbers() -> None:
    """The same name gives the same numbers, whatever was drawn before, and another name gives others."""
    generator_for("something else").random()
    first, second, other = (generator_for(name).random(4) for name in ("a", "a", "b"))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_no_two_weights_are_alike() -> None:
    """Weights of one shape differ by their own name, and by that of their graph."""
    arrays = []
    for graph, weight in (("a", "x"), ("a", "y"), ("b", "x")):
        build = GraphBuilder(graph)
        build.weight(weight, (8,), 1.0)
        arrays.append(build.draft().weights[weight].tobytes())
    assert len(set(arrays)) == 3


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        pytest.param([1, 2], np.int64, id="whole numbers become int64"),
        pytest.param([1.0, 2.0], np.float32, id="fractions become float32"),
        pytest.param(np.zeros(2, np.int32), np.int64, id="int32 is widened"),
    ],
)
def test_constants_have_the_type_that_onnx_wants(values: np.ndarray | list[float], dtype: type) -> None:
    """Constants are stored as float32, or as int64 where they are whole numbers."""
    build = GraphBuilder("test")
    build.constant("values", values)
    assert build.draft().weights["values"].dtype == dtype


def test_linear_is_a_matrix_product_and_a_bias() -> None:
    """A linear layer computes x·W + b over the last dimension."""
    build = GraphBuilder("test")
    build.output(build.linear("out", build.input("x", ("batch", "sequence", 3)), 3, 5), ("batch", "sequence", 5))
    draft = build.draft()
    x = generator_for("x").standard_normal((2, 4, 3), dtype=np.float32)
    expected = x @ draft.weights["out/weight"] + draft.weights["out/bias"]
    np.testing.assert_allclose(run(draft.to_model(), {"x": x})["out"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("stride", "size"), [pytest.param(1, 8, id="kept"), pytest.param(2, 4, id="halved")])
def test_convolution_keeps_or_divides_the_image(stride: int, size: int) -> None:
    """A convolution is padded so that only its stride makes the image smaller."""
    build = GraphBuilder("test")
    images = build.input("x", ("batch", 3, 8, 8))
    build.output(build.convolution("out", images, 3, 5, kernel=3, stride=stride), ("batch", 5, size, size))
    x = np.zeros((2, 3, 8, 8), np.float32)
    assert run(build.draft().to_model(), {"x": x})["out"].shape == (2, 5, size, size)
