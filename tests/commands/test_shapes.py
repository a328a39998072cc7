from __future__ import annotations

import pytest

from harness.cases import AxisRange, TensorSpec
from harness.commands.shapes import ShapeOption, batch_axis_of, profile_of
from harness.errors import ProfileError

IMAGE = TensorSpec("image", "float32", ("batch", 3, 8, 8))
TOKENS = TensorSpec("tokens:0", "int64", ("batch", "sequence"))
SQUARE = TensorSpec("square", "float32", ("n", "n"))
SCALAR = TensorSpec("scale", "float32", ())


def profile(inputs: list[TensorSpec], *options: str) -> dict[str, AxisRange]:
    """Return the axes that options give to inputs."""
    return dict(profile_of(inputs, [ShapeOption.parse(option) for option in options]).axes)


@pytest.mark.parametrize(
    ("inputs", "options", "axes"),
    [
        pytest.param([IMAGE], ["image:2x3x8x8"], {"batch": (2, 2, 2)}, id="one shape fixes a dimension"),
        pytest.param(
            [IMAGE], ["image:1x3x8x8,4x3x8x8,16x3x8x8"], {"batch": (1, 4, 16)}, id="three shapes give a range"
        ),
        pytest.param(
            [TOKENS], ["tokens:0:1x16"], {"batch": (1, 1, 1), "sequence": (16, 16, 16)}, id="a name with a colon"
        ),
        pytest.param(
            [IMAGE, TOKENS],
            ["tokens:0:2x16"],
            {"batch": (2, 2, 2), "sequence": (16, 16, 16)},
            id="an input is given through another that shares its symbol",
        ),
        pytest.param([SQUARE], ["square:4x4"], {"n": (4, 4, 4)}, id="a symbol stands twice"),
        pytest.param([SCALAR], [], {}, id="a number needs no shape"),
        pytest.param(
            [TensorSpec("x", "float32", (2, 3))], ["x:2x3"], {}, id="a fixed shape may be given as it is"
        ),
    ],
)  # fmt: skip
def test_shapes_become_axes_by_symbol(
    inputs: list[TensorSpec], options: list[str], axes: dict[str, tuple[int, int, int]]
) -> None:
    """The sizes of each free dimension are taken from the shapes, under the dimension's symbol."""
    assert profile(inputs, *options) == {symbol: AxisRange(*sizes) for symbol, sizes in axes.items()}


@pytest.mark.parametrize(
    ("inputs", "options", "said"),
    [
        pytest.param([IMAGE], [], r"'image' has the free dimension 'batch'.*--shape image:1x3x8x8", id="no shape"),
        pytest.param([IMAGE], ["imgae:1x3x8x8"], "no input of the graph. Did you mean 'image'", id="an unknown input"),
        pytest.param([IMAGE], ["image:1x3x8"], "has 3 dimensions, but input 'image' has 4", id="another rank"),
        pytest.param([SCALAR], ["scale:1"], "has 0: it is a single number", id="a shape for a number"),
        pytest.param([IMAGE], ["image:1x3x8x9"], "dimension 3 of this input is fixed at 8, and 9", id="a fixed size"),
        pytest.param(
            [IMAGE], ["image:4x3x8x8,2x3x8x8,8x3x8x8"], "min of dimension 'batch' is 4.*its opt, 2", id="min above opt"
        ),
        pytest.param(
            [IMAGE], ["image:1x3x8x8,9x3x8x8,8x3x8x8"], "opt of dimension 'batch' is 9.*its max, 8", id="opt above max"
        ),
        pytest.param(
            [IMAGE, TOKENS],
            ["image:1x3x8x8", "tokens:0:2x16"],
            "'batch' is 1 in input 'image' but 2 in input 'tokens:0'",
            id="two inputs contradict each other",
        ),
        pytest.param([SQUARE], ["square:4x5"], "'n' stands twice in nxn", id="one input contradicts itself"),
        pytest.param([IMAGE], ["image:1x3x8x8", "image:2x3x8x8"], "given twice", id="an input twice"),
        pytest.param([IMAGE], ["image"], "takes NAME:1x3x224x224", id="no size at all"),
        pytest.param([IMAGE], [":1x3x8x8"], "takes NAME:1x3x224x224", id="no name"),
        pytest.param([IMAGE], ["image:0x3x8x8"], "'0' is no size of 1 or more", id="a size of nought"),
        pytest.param([IMAGE], ["image:batchx3x8x8"], "'batch' is no size", id="a symbol for a size"),
        pytest.param([IMAGE], ["image:1x3x8x8,2x3x8x8"], "2 shapes were given; it takes one", id="two shapes"),
        pytest.param([IMAGE], ["image:1x3x8x8,2x3x8,4x3x8x8"], "equally many dimensions", id="shapes of several ranks"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be_are_refused(inputs: list[TensorSpec], options: list[str], said: str) -> None:
    """A shape that is malformed, does not fit its input or contradicts another ends in an error that says which."""
    with pytest.raises(ProfileError, match=said):
        profile(inputs, *options)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        pytest.param("batch", "batch2", id="a plain symbol is kept"),
        pytest.param("Floor(w/2)", "Floor_w_2_2", id="what no file name may hold is replaced"),
    ],
)
def test_the_name_of_a_profile_can_be_part_of_a_file_name(symbol: str, name: str) -> None:
    """A profile is named after its axes, whatever characters the exporter put into their symbols."""
    inputs = [TensorSpec("x", "float32", (symbol,))]
    assert profile_of(inputs, [ShapeOption.parse("x:2")]).name == name


def test_names_of_many_axes_stay_short_and_different() -> None:
    """A graph with dozens of free dimensions gives a short name, and other sizes give another one."""
    inputs = [TensorSpec(f"past_{i}", "float32", (f"past_{i}_sequence",)) for i in range(48)]
    names = {
        profile_of(inputs, [ShapeOption.parse(f"past_{i}:{size}") for i in range(48)]).name for size in (1, 2)
    }  # fmt: skip
    assert len(names) == 2
    assert max(map(len, names)) <= 60


@pytest.mark.parametrize(
    ("inputs", "axis"),
    [
        pytest.param([IMAGE], "batch", id="a free first dimension"),
        pytest.param([TensorSpec("x", "float32", (1, "n"))], None, id="a fixed first dimension"),
        pytest.param([SCALAR], None, id="no dimension"),
        pytest.param([], None, id="no input"),
    ],
)
def test_the_batch_axis_is_the_first_dimension_if_it_is_free(inputs: list[TensorSpec], axis: str | None) -> None:
    """Samples are taken to lie along the first dimension of the first input, where that one is free."""
    assert batch_axis_of(inputs) == axis
