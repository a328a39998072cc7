from __future__ import annotations

import json

import pytest

from harness.cases import Classification, Detection, Embedding, Segmentation, SequenceLabelling, Task, task_from_json
from harness.errors import ConfigurationError

SOURCE = "data:held_out"
TASKS = [
    Classification(source=SOURCE, output="logits", kept=0.999),
    Detection(source=SOURCE, boxes="b", scores="s", classes="c", suppression=None),
    Segmentation(source=SOURCE, output="logits", classes=19),
    Embedding(source=SOURCE, output="vector", k=5),
    SequenceLabelling(source=SOURCE, output="logits", tags=("O", "B-PER", "I-PER")),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_a_task_survives_its_way_to_a_worker(task: Task) -> None:
    """A task is the same after JSON, whatever its kind."""
    assert task_from_json(json.loads(json.dumps(task.to_json()))) == task


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    """A kind that does not exist is named, with those that do."""
    with pytest.raises(ConfigurationError, match=r"'detecton' is no kind of task\. Did you mean 'detection'"):
        task_from_json({"kind": "detecton"})


def test_a_detector_reads_the_outputs_that_it_names() -> None:
    """Boxes and scores are read, and classes where the graph has them."""
    assert TASKS[1].outputs == ("b", "s", "c")
    assert Detection(source=SOURCE, boxes="b", scores="s").outputs == ("b", "s")


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        pytest.param(Classification, {"source": "data.py"}, "'data.py'", id="a source that is no function"),
        pytest.param(Classification, {"batch": 0}, "not 0", id="no batch"),
        pytest.param(Classification, {"kept": 0.0}, "not 0.0", id="nothing to be kept"),
        pytest.param(Classification, {"kept": 99}, "not 99", id="a share in per cent"),
        pytest.param(Classification, {"output": ""}, "names", id="an output without name"),
        pytest.param(Segmentation, {"classes": 0}, "not 0", id="no classes"),
        pytest.param(Embedding, {"k": 0}, "k=0", id="no neighbours"),
        pytest.param(SequenceLabelling, {"tags": ("O", "S-PER")}, "'S-PER'", id="a tag of another scheme"),
        pytest.param(SequenceLabelling, {"tags": ("O", "B-")}, "'B-'", id="a tag without type"),
        pytest.param(SequenceLabelling, {"tags": ()}, r"\(\)", id="no tags"),
        pytest.param(SequenceLabelling, {"tags": ("O", "O")}, "two tags 'O'", id="a tag twice"),
    ],
)
def test_what_cannot_be_is_refused_by_its_value(kind: type[Task], fields: dict[str, object], words: str) -> None:
    """A task is checked when it is made, and the error names the kind and the value."""
    with pytest.raises(ConfigurationError, match=rf"^{kind.__name__}.*{words}"):
        kind(**{"source": SOURCE, "output": "logits", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0.0, 1.5])
def test_a_suppression_is_an_overlap(limit: float) -> None:
    """Non-maximum suppression takes an IoU or None."""
    with pytest.raises(ConfigurationError, match=repr(limit)):
        Detection(source=SOURCE, boxes="b", scores="s", suppression=limit)
