from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest

from harness.workers.tensors import (
    has_tensors,
    load_magnitudes,
    load_part,
    load_tensors,
    save_stacked,
    save_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.arange(6, dtype=np.float32).reshape(2, 3), id="float32"),
        pytest.param(np.arange(6, dtype=np.float16), id="float16"),
        pytest.param(np.arange(6).astype(ml_dtypes.bfloat16), id="bfloat16, which numpy alone does not know"),
        pytest.param(np.array([True, False]), id="bool"),
        pytest.param(np.array([2**62, -1]), id="int64"),
        pytest.param(np.array(["a", "längere"]), id="text"),
        pytest.param(np.array(2.5), id="a scalar"),
        pytest.param(np.zeros((3, 0, 2), np.int8), id="no elements"),
        pytest.param(np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1), id="not contiguous"),
        pytest.param(np.arange(3, dtype=">f4"), id="the other byte order"),
        pytest.param(np.array([np.nan, np.inf, -0.0]), id="NaN, Inf and minus zero"),
    ],
)
def test_a_tensor_comes_back_as_it_was(tmp_path: Path, array: np.ndarray) -> None:
    """Dtype, shape and every bit."""
    save_tensors(tmp_path / "set", {"x": array})
    loaded = load_tensors(tmp_path / "set")["x"]
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert np.ascontiguousarray(loaded).tobytes() == np.ascontiguousarray(array).tobytes()


def test_names_may_hold_any_character_and_keep_their_order(tmp_path: Path) -> None:
    """Tensor names of graphs hold slashes, colons and dots, and differ in case alone."""
    names = ["/model/layer.0/Add:0", "..", "X", "x", "", "é\n"]
    save_tensors(tmp_path / "set", {name: np.array([i]) for i, name in enumerate(names)})
    loaded = load_tensors(tmp_path / "set")
    assert list(loaded) == names
    assert [int(array[0]) for array in loaded.values()] == list(range(len(names)))


def test_tensors_can_be_streamed(tmp_path: Path) -> None:
    """A generator of pairs will do, so that not all of them need be in memory at once."""
    save_tensors(tmp_path / "deep" / "set", ((f"t{i}", np.full(2, i)) for i in range(3)))
    assert [array.tolist() for array in load_tensors(tmp_path / "deep" / "set").values()] == [[0, 0], [1, 1], [2, 2]]


def test_loaded_tensors_are_mapped_and_read_only(tmp_path: Path) -> None:
    """They take no memory until they are read, and nobody spoils the cache through them."""
    save_tensors(tmp_path / "set", {"x": np.ones(4)})
    loaded = load_tensors(tmp_path / "set")["x"]
    assert isinstance(loaded, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded[0] = 2


def test_a_set_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Folders are named by their content, so a second set is the same, and another session may be reading the first."""
    folder = tmp_path / "set"
    save_tensors(folder, {"x": np.zeros(2)})
    held = load_tensors(folder)
    save_tensors(folder, {"x": np.zeros(2)})
    assert load_tensors(folder)["x"].tolist() == held["x"].tolist() == [0.0, 0.0]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_save_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """All or nothing: neither half a set nor a scratch folder stays behind."""
    folder = tmp_path / "set"
    save_tensors(folder, {"x": np.ones(2)})

    def breaking() -> Iterator[tuple[str, np.ndarray]]:
        yield "x", np.zeros(2)
        raise RuntimeError("the disk is full")

    for target in (folder, tmp_path / "new"):
        with pytest.raises(RuntimeError, match="disk is full"):
            save_tensors(target, breaking())
    assert load_tensors(folder)["x"].tolist() == [1.0, 1.0]
    assert not has_tensors(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_set_is_there_once_it_is_finished(tmp_path: Path) -> None:
    """A folder alone is no set, and a missing one neither."""
    (tmp_path / "empty").mkdir()
    save_tensors(tmp_path / "set", {})
    assert [has_tensors(tmp_path / name) for name in ("missing", "empty", "set")] == [False, False, True]
    assert load_tensors(tmp_path / "set") == {}


def save_often(folder: Path, value: int) -> None:
    """Save the same folder again and again."""
    for _ in range(40):
        save_tensors(folder, {"x": np.full(8, value)})


def test_sessions_that_save_the_same_set_do_not_break_each_other(tmp_path: Path) -> None:
    """Two that share a cache may compute the same reference at once; both succeed and one whole set is there."""
    context = multiprocessing.get_context("spawn")
    rivals = [context.Process(target=save_often, args=(tmp_path / "set", value)) for value in (1, 2)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(timeout=60)
    assert [rival.exitcode for rival in rivals] == [0, 0]
    assert load_tensors(tmp_path / "set")["x"].tolist() in ([1] * 8, [2] * 8)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_folder_that_holds_something_else_is_an_error(tmp_path: Path) -> None:
    """It does not pretend to have saved where the place is taken by what is no set of tensors."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "notes.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        save_tensors(tmp_path / "set", {"x": np.zeros(2)})
    assert (tmp_path / "set" / "notes.txt").read_text() == "mine"


PARTS = [
    [
        ("x", np.array([[1.0, -7.0]], np.float32)),
        ("flag", np.array(True)),
        ("odd", np.zeros(1)),
        ("none", np.zeros((0, 2))),
    ],
    [
        ("x", np.array([[3.0, np.inf]], np.float32)),
        ("flag", np.array(False)),
        ("odd", np.zeros(2)),
        ("none", np.zeros((0, 2))),
    ],
]


def test_tensors_in_parts_come_back_part_by_part_and_stacked(tmp_path: Path) -> None:
    """Each part is found again by its number, and all of them are one tensor with a first dimension more."""
    save_stacked(tmp_path / "parts", PARTS)
    second = load_part(tmp_path / "parts", 1)
    assert second["x"].tolist() == [[3.0, np.inf]]
    assert second["flag"].tolist() is False
    assert second["none"].shape == (0, 2)
    stacked = load_tensors(tmp_path / "parts")
    assert stacked["x"].tolist() == [[[1.0, -7.0]], [[3.0, np.inf]]]
    assert stacked["flag"].tolist() == [True, False]


def test_a_tensor_that_changes_its_shape_is_left_out_of_the_stack(tmp_path: Path) -> None:
    """What cannot be stacked is not there, rather than wrong."""
    save_stacked(tmp_path / "parts", PARTS)
    assert set(load_part(tmp_path / "parts", 0)) == {"x", "flag", "none"}


def test_a_stack_knows_its_largest_finite_magnitudes(tmp_path: Path) -> None:
    """The largest of all parts is kept beside them; infinities do not count."""
    save_stacked(tmp_path / "parts", PARTS)
    assert load_magnitudes(tmp_path / "parts") == {"x": 7.0, "flag": 1.0, "none": 0.0}
