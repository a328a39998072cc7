from __future__ import annotations

import json
from typing import Any

import pytest

from harness.cases import AxisRange, Point, Profile, TensorSpec, specs_from_json, specs_to_json
from harness.errors import ProfileError

IMAGE = TensorSpec("image", "float32", ("batch", 3, 224, 224))
TEXT = TensorSpec("ids", "int64", ("batch", "sequence"))
TEXT_AXES: dict[str, Any] = {"batch": (1, 4, 8), "sequence": (16, 64, 128)}


def test_a_spec_knows_its_free_dimensions() -> None:
    """Symbols come in order and once, sizes are no symbols."""
    assert TensorSpec("x", "float32", ("a", 3, "b", "a")).symbols == ("a", "b")
    assert TensorSpec("x", "float32", (1, 3)).symbols == ()


def test_a_spec_takes_its_sizes_from_a_point() -> None:
    """Free dimensions are filled in, fixed ones stay, and what a point has besides does not matter."""
    assert IMAGE.at(Point.of({"sequence": 9, "batch": 4})) == (4, 3, 224, 224)
    assert TensorSpec("scalar", "float32", ()).at(Point()) == ()


def test_a_spec_without_a_size_names_the_option_that_gives_one() -> None:
    """The error tells the input, the dimension, the point and the way out."""
    with pytest.raises(ProfileError, match=r"'ids'.*'sequence'.*'batch=4'.*--shape ids:batchxsequence"):
        TEXT.at(Point.of({"batch": 4}))


def test_specs_survive_json() -> None:
    """What a worker reads is what the session wrote."""
    assert specs_from_json(json.loads(json.dumps(specs_to_json([IMAGE, TEXT])))) == (IMAGE, TEXT)


@pytest.mark.parametrize(
    "sizes", [(2, 1, 4), (1, 8, 4), (0, 1, 1), (-1, 1, 1)], ids=["min > opt", "opt > max", "zero", "negative"]
)
def test_a_range_out_of_order_is_an_error(sizes: tuple[int, int, int]) -> None:
    """The error says the rule and the three sizes, and a profile adds whose they are."""
    text = f"1 <= min <= opt <= max, but this one has min={sizes[0]} opt={sizes[1]} max={sizes[2]}"
    with pytest.raises(ProfileError, match=text):
        AxisRange(*sizes)
    with pytest.raises(ProfileError, match=f"axis 'batch': .*{text}"):
        Profile({"batch": sizes})


@pytest.mark.parametrize("value", ["4", (1, 2), None, (1, "2", 3)], ids=repr)
def test_an_axis_that_is_no_range_is_an_error(value: Any) -> None:
    """What is neither a triple nor a size is shown back."""
    with pytest.raises(ProfileError, match="axis 'batch' needs"):
        Profile({"batch": value})


@pytest.mark.parametrize(
    ("axes", "name"),
    [
        pytest.param({}, "static", id="no axes"),
        pytest.param({"batch": 4}, "batch4", id="one size"),
        pytest.param({"batch": (4, 4, 4)}, "batch4", id="a range of one size"),
        pytest.param({"batch": AxisRange(1, 4, 16)}, "batch1x4x16", id="a range"),
        pytest.param(TEXT_AXES, "batch1x4x8-sequence16x64x128", id="two axes"),
    ],
)
def test_a_profile_is_named_after_its_axes(axes: dict[str, Any], name: str) -> None:
    """Unless it is given a name."""
    assert Profile(axes).name == name
    assert Profile(axes, name="mine").name == "mine"


@pytest.mark.parametrize(
    ("axes", "labels"),
    [
        pytest.param({}, ["static"], id="nothing is free"),
        pytest.param({"batch": 4}, ["batch=4"], id="the three corners are one"),
        pytest.param({"batch": (1, 1, 4)}, ["batch=1", "batch=4"], id="two corners are one"),
        pytest.param(
            TEXT_AXES,
            ["batch=1,sequence=16", "batch=4,sequence=64", "batch=8,sequence=128"],
            id="min, opt and max of all axes",
        ),
    ],
)
def test_without_points_the_corners_are_run(axes: dict[str, Any], labels: list[str]) -> None:
    """Each corner once."""
    assert [point.label for point in Profile(axes).points] == labels


def test_points_are_run_as_given_and_once() -> None:
    """They may be mappings or points, inside the range but off its corners."""
    profile = Profile({"batch": (1, 4, 16)}, [{"batch": 3}, Point.of({"batch": 16}), {"batch": 3}])
    assert [point.label for point in profile.points] == ["batch=3", "batch=16"]


def test_one_place_has_one_label() -> None:
    """The order in which a point names its sizes does not tell it apart from the same place named otherwise."""
    profile = Profile(TEXT_AXES, [{"sequence": 64, "batch": 4}, {"batch": 4, "sequence": 64}])
    assert profile.points == (profile.corner("opt"),)
    assert profile.points[0].label == "batch=4,sequence=64"


@pytest.mark.parametrize(
    ("point", "message"),
    [
        pytest.param({"batch": 4}, "the point 'batch=4' gives no size for 'sequence'", id="an axis is missing"),
        pytest.param({"batch": 4, "sequence": 64, "beam": 2}, "'beam' is no axis of it.*Known: batch, sequence",
                     id="an axis too many"),
        pytest.param({"batch": 9, "sequence": 64}, r"outside batch=1x4x8 \(min 1, max 8\)", id="above its range"),
        pytest.param({"batch": 1, "sequence": 8}, r"outside sequence=16x64x128 \(min 16, max 128\)",
                     id="below its range"),
    ],
)  # fmt: skip
def test_a_point_that_does_not_fit_is_an_error(point: dict[str, int], message: str) -> None:
    """The error names profile, point and range."""
    with pytest.raises(ProfileError, match=rf"profile 'batch1x4x8-sequence16x64x128': .*{message}"):
        Profile(TEXT_AXES, [point])


def test_the_smallest_point_has_the_fewest_elements() -> None:
    """Layers are compared there, and it need not be listed first."""
    profile = Profile(TEXT_AXES, [{"batch": 4, "sequence": 64}, {"batch": 2, "sequence": 20}])
    assert profile.smallest.label == "batch=2,sequence=20"
    assert Profile().smallest == Point()


@pytest.mark.parametrize(
    ("sizes", "nearest"),
    [
        pytest.param([1, 4, 8], 4, id="the very point"),
        pytest.param([1, 8], 8, id="half as large is nearer than a quarter"),
        pytest.param([1, 3], 3, id="a size in between"),
        pytest.param([8], 8, id="the only one"),
    ],
)
def test_the_point_that_is_tuned_for_is_found_among_those_run(sizes: list[int], nearest: int) -> None:
    """Where the optimum itself is not run, the point whose volume is nearest by ratio stands for it."""
    profile = Profile({"batch": (1, 4, 8)})
    assert profile.nearest_to_opt([Point.of({"batch": size}) for size in sizes]) == Point.of({"batch": nearest})


def test_corners_are_points() -> None:
    """One size from each axis."""
    profile = Profile(TEXT_AXES)
    assert [profile.corner(which).size("sequence") for which in ("min", "opt", "max")] == [16, 64, 128]


def test_a_point_tells_its_sizes() -> None:
    """A size that it lacks is the default, and nothing free is a volume of 1."""
    point = Point.of({"batch": 4, "sequence": 64})
    assert (point.size("sequence"), point.size("beam"), point.size("beam", 7)) == (64, 1, 7)
    assert (point.volume, Point().volume) == (256, 1)


def test_a_profile_must_name_the_free_dimensions_of_its_graph() -> None:
    """Every free dimension of any input is an axis, and nothing else is."""
    Profile(TEXT_AXES).check_against([IMAGE, TEXT])
    Profile().check_against([TensorSpec("x", "float32", (1, 3))])
    with pytest.raises(ProfileError, match=r"'seq' is no free dimension of the graph\. Did you mean 'sequence'\?"):
        Profile({"batch": 1, "seq": 8}).check_against([TEXT])
    with pytest.raises(
        ProfileError, match=r"'ids' has shape batchxsequence, .*no range for .*'sequence'.*--shape ids:"
    ):
        Profile({"batch": 1}).check_against([IMAGE, TEXT])


@pytest.mark.parametrize(
    "profile",
    [Profile(), Profile(TEXT_AXES), Profile({"batch": (1, 4, 16)}, [{"batch": 3}], "odd")],
    ids=lambda p: p.name,
)
def test_a_profile_survives_json(profile: Profile) -> None:
    """What a worker reads equals what the session wrote, and hashes alike."""
    again = Profile.from_json(json.loads(json.dumps(profile.to_json())))
    assert again == profile
    assert hash(again) == hash(profile)
