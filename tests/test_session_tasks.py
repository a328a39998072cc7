"""Every kind of task from its record to its verdict, through real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import numpy_helper

from harness.cases import (
    FP16,
    FP32,
    Detection,
    Embedding,
    Integers,
    Precision,
    Segmentation,
    SequenceLabelling,
    Task,
)
from harness.graphs.save import graph_hash
from harness.session import CheckFailed
from tests import tiny_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartCase

DETECTION = Detection(source="tests.tiny_tasks:boxes", boxes="boxes", scores="scores", batch=4, least_score=0.1)
SEGMENTATION = Segmentation(source="tests.tiny_tasks:pixels", output="scores", classes=2, batch=4)
EMBEDDING = Embedding(source="tests.tiny_tasks:directions", output="vector", batch=4)
SEQUENCES = SequenceLabelling(source="tests.tiny_tasks:words", output="scores", tags=tiny_tasks.TAGS, batch=4)

# Of each kind: the model, its labelled set, and the scores that are known.
KINDS = [
    pytest.param(
        "detector", DETECTION, {"box_ap": tiny_tasks.DETECTION_AP, "box_ap50": tiny_tasks.DETECTION_AP},
        id="detection",
    ),
    pytest.param("segmenter", SEGMENTATION, {"mean_iou": tiny_tasks.SEGMENTATION_IOU}, id="segmentation"),
    pytest.param("embedder", EMBEDDING, {"retrieval": tiny_tasks.RETRIEVAL}, id="embedding"),
    pytest.param(
        "tagger",
        SEQUENCES,
        {"entity_f1": tiny_tasks.SEQUENCE_F1, "token_accuracy": tiny_tasks.SEQUENCE_ACCURACY},
        id="sequence labelling",
    ),
]  # fmt: skip


def described(model: str, task: Task) -> dict[str, Any]:
    """Return what the case of a tiny model is made of."""
    feeds = {"words": Integers(0, 5)} if model == "tagger" else {}
    return {"name": model, "source": f"tests.tiny_tasks:{model}", "task": task, "feeds": feeds}


@pytest.mark.parametrize("precision", [FP32, FP16], ids=lambda p: p.name)
@pytest.mark.parametrize(("model", "task", "known"), KINDS)
def test_a_set_of_known_score_is_scored_so(
    start_case: StartCase, model: str, task: Task, known: dict[str, float], precision: Precision
) -> None:
    """A true engine passes with the score that the set was made to have, and the score is recorded."""
    run = start_case(precision, **described(model, task))
    run.check("task")
    (trial,) = run.records()
    recorded = {m.metric: m.value for m in trial.measurements}
    assert {name: recorded[name] for name in known} == pytest.approx(known, abs=1e-9)
    assert "100.000% kept >= 0.99" in run.findings[0].message


@pytest.mark.parametrize(("model", "task", "known"), KINDS)
def test_a_broken_engine_fails_its_task(
    start_case: StartCase, tmp_path: Path, model: str, task: Task, known: dict[str, float]
) -> None:
    """An engine that has lost most of its weights fails with both scores and an interval of their difference."""
    run = start_case(**described(model, task))
    graph = run._pipeline.graph()
    broken = onnx.load(graph["path"])
    tensor = next(t for t in broken.graph.initializer if t.name == "weight")
    array = numpy_helper.to_array(tensor).copy()
    array[1:] = 0
    tensor.CopyFrom(numpy_helper.from_array(array, "weight"))
    graph["path"], graph["hash"] = str(tmp_path / "broken.onnx"), graph_hash(broken)
    onnx.save(broken, graph["path"])
    with pytest.raises(CheckFailed, match=r"against \d.* of the reference.* kept < 0\.99;.*bootstrap, 95%: -"):
        run.check("task")


def test_an_output_that_is_not_there_fails_the_task(start_case: StartCase) -> None:
    """A task that reads an output which the graph lacks fails by that name, with the nearest one."""
    task = Detection(source="tests.tiny_tasks:boxes", boxes="boxs", scores="scores", batch=4)
    with pytest.raises(Exception, match=r"'boxs' is no output of the graph\. Did you mean 'boxes'"):
        start_case(**described("detector", task)).check("task")
