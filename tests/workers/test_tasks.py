from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cases import Classification
from harness.errors import ConfigurationError
from harness.workers.tasks import read_labelled_set, run_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE = np.arange(3.0)


def whole() -> tuple[dict[str, np.ndarray], list[int]]:
    """Return five samples at once."""
    return {"image": np.tile(IMAGE, (5, 1))}, [0, 1, 2, 1, 0]


def one_by_one() -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Yield the samples of ``whole``."""
    inputs, labels = whole()
    for image, label in zip(inputs["image"], labels, strict=True):
        yield {"image": image}, label


def objects() -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Return two samples, one of two objects and one of none."""
    return [({"image": IMAGE}, np.ones((2, 5))), ({"image": IMAGE}, np.ones((0, 5)))]


def nothing() -> list[Any]:
    """Return no sample."""
    return []


def of_two_shapes() -> list[Any]:
    """Return samples that make no one array."""
    return [({"image": IMAGE}, 0), ({"image": IMAGE[:2]}, 0)]


def a_label_too_few() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return three samples and two labels."""
    return {"image": np.zeros((3, 1))}, np.zeros(2, int)


def bare() -> list[np.ndarray]:
    """Return inputs without names or labels."""
    return [IMAGE]


class Mirror:
    """An engine that returns its input and notes how many samples each run had."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the images as scores."""
        self.runs.append(len(inputs["image"]))
        return {"scores": inputs["image"]}


@pytest.mark.parametrize("name", ["whole", "one_by_one"])
def test_a_set_may_come_whole_or_one_by_one(name: str) -> None:
    """Arrays of all samples and an iterable of single ones are the same set."""
    tensors = read_labelled_set(f"{__name__}:{name}")
    assert tensors["image"].shape == (5, 3)
    assert tensors["labels"].dtype == np.int64
    assert tensors["labels"].tolist() == [0, 1, 2, 1, 0]


def test_labels_of_differing_length_are_filled_up() -> None:
    """Rows that are missing hold -1, which no task counts, and coordinates stay fractions."""
    labels = read_labelled_set(f"{__name__}:objects")["labels"]
    assert labels.dtype == np.float64
    assert labels[0].tolist() == [[1.0] * 5] * 2
    assert labels[1].tolist() == [[-1.0] * 5] * 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "needs samples"),
        ("of_two_shapes", "of one shape"),
        ("a_label_too_few", r"'image': 3, 'labels': 2"),
        ("bare", "is no labelled set"),
    ],
)
def test_what_is_no_labelled_set_is_refused(name: str, words: str) -> None:
    """A source that returns something else is named, with what it should return."""
    with pytest.raises(ConfigurationError, match=rf"{name}.*{words}"):
        read_labelled_set(f"{__name__}:{name}")


def test_the_last_run_is_filled_up() -> None:
    """Every run has as many samples as the task says, and what fills up the last one is dropped."""
    engine = Mirror()
    task = Classification(source=f"{__name__}:whole", output="scores", batch=2)
    scores = run_task(engine, read_labelled_set(task.source), task)  # type: ignore[arg-type]
    assert engine.runs == [2, 2, 2]
    assert scores.tolist() == [IMAGE.tolist()] * 5
