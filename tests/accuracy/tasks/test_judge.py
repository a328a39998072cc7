from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy.tasks import judge_task, predict
from harness.cases import Classification, Detection, Embedding, Segmentation, SequenceLabelling, Task
from harness.errors import ConfigurationError, RunFailed

SOURCE = "data:held_out"
CLASSIFICATION = Classification(source=SOURCE, output="out")
DETECTION = Detection(source=SOURCE, boxes="boxes", scores="scores")
CHOSEN = Detection(source=SOURCE, boxes="boxes", scores="scores", classes="classes")
SEGMENTATION = Segmentation(source=SOURCE, output="out", classes=3)
SEQUENCES = SequenceLabelling(source=SOURCE, output="out", tags=("O", "B-X", "I-X"))
EMBEDDING = Embedding(source=SOURCE, output="out")


@pytest.mark.parametrize("task", [CLASSIFICATION, EMBEDDING], ids=lambda task: task.kind)
def test_scores_and_vectors_stay_as_they_are(task: Task) -> None:
    """What is judged as it is passes unchanged, in its own number type."""
    scores = np.ones((2, 3), np.float16)
    assert predict(task, {"out": scores}) is scores


@pytest.mark.parametrize(
    ("task", "shape", "axis"),
    [pytest.param(SEGMENTATION, (2, 3, 4, 5), 1, id="pixels"), pytest.param(SEQUENCES, (2, 5, 3), 2, id="tokens")],
)
def test_scores_become_places_of_the_highest(task: Task, shape: tuple[int, ...], axis: int) -> None:
    """Scores become classes, -1 where one is NaN, and classes are taken as they are."""
    scores = np.random.default_rng(1).normal(size=shape)
    places = predict(task, {"out": scores})
    assert (places == scores.argmax(axis=axis)).all()
    assert (predict(task, {"out": places.astype(np.int64)}) == places).all()
    scores[(0,) * len(shape)] = math.nan
    assert np.count_nonzero(predict(task, {"out": scores}) == -1) == 1


def test_candidates_become_detections() -> None:
    """Boxes and scores become the hundred best detections of each image, with classes or without."""
    outputs = {"boxes": np.tile([0.0, 0.0, 9.0, 9.0], (2, 7, 1)), "scores": np.full((2, 7, 3), 0.5)}
    assert predict(DETECTION, outputs).shape == (2, 100, 6)
    outputs |= {"scores": np.full((2, 7), 0.5), "classes": np.ones((2, 7))}
    assert predict(CHOSEN, outputs)[1, 0].tolist() == [0, 0, 9, 9, 0.5, 1]


@pytest.mark.parametrize(
    ("task", "shapes", "words"),
    [
        pytest.param(CLASSIFICATION, {"ouf": (1, 2)}, "Did you mean 'ouf'", id="no such output"),
        pytest.param(SEGMENTATION, {"out": (1, 4, 8, 8)}, r"\[1, 4, 8, 8\].* 3 of them along axis 1", id="classes"),
        pytest.param(SEQUENCES, {"out": (1, 4)}, r"float64\[1, 4\]", id="places that are not whole"),
        pytest.param(DETECTION, {"boxes": (1, 4), "scores": (1, 4)}, "candidates, 4", id="boxes without sides"),
        pytest.param(DETECTION, {"boxes": (1, 5, 4), "scores": (1, 5)}, "candidates, classes", id="one score a box"),
        pytest.param(DETECTION, {"boxes": (1, 5, 4), "scores": (1, 6, 2)}, r"\[1, 6, 2\]", id="more scores than boxes"),
        pytest.param(
            CHOSEN, {"boxes": (1, 5, 4), "scores": (1, 5), "classes": (1, 4)}, "'classes'", id="too few classes"
        ),
    ],
)
def test_outputs_have_the_shape_of_their_task(task: Task, shapes: dict[str, tuple[int, ...]], words: str) -> None:
    """An output that is missing or of another shape is named with what it is and should be."""
    with pytest.raises(RunFailed, match=words):
        predict(task, {name: np.zeros(shape) for name, shape in shapes.items()})


def test_a_kind_of_nobodys_cannot_be_judged() -> None:
    """A record of no known kind is refused by its name."""

    class Riddle(Task):
        kind = "riddle"
        outputs = ("answer",)

    with pytest.raises(ConfigurationError, match="Riddle"):
        judge_task(Riddle(source=SOURCE), np.zeros(1), np.zeros(1), np.zeros(1))
