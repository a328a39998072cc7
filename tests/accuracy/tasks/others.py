"""What pycocotools and seqeval say of the random sets: asked live where they are installed, else read from a file.

``python -m tests.accuracy.tasks.others`` writes the file anew, where both are installed.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np

from tests.accuracy.tasks.randoms import TAGS, boxes, tag_sequences

# Odd ones reach high recalls; in those of 103, 106 and 119 a box has a side turned round.
SEEDS = (0, 1, 2, 3, 5, 103, 106, 119)
RECORDED = Path(__file__).resolve().parents[2] / "data" / "task_scores.json"


def recorded() -> dict[str, dict[str, list[float] | float]]:
    """Return what the two said when the file was written, by ``coco`` or ``seqeval`` and the seed."""
    scores: dict[str, dict[str, list[float] | float]] = json.loads(RECORDED.read_text())["scores"]
    return scores


def ask_pycocotools(detections: np.ndarray, labels: np.ndarray) -> list[float]:
    """Return COCO's average precision at each IoU threshold; see harness.accuracy.tasks.match_detections."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    numbers = sorted({*np.unique(labels[..., 4]), *np.unique(detections[..., 5])} - {-1.0})
    truth, found = COCO(), COCO()
    truth.dataset = {"images": [{"id": i + 1} for i in range(len(labels))], "annotations": _annotations(labels, 4)}
    found.dataset = {"images": truth.dataset["images"], "annotations": _annotations(detections, 5)}
    for dataset in (truth, found):
        dataset.dataset["categories"] = [{"id": int(number)} for number in numbers]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # of all areas, 100 detections
    return [float(at_threshold[at_threshold > -1].mean()) for at_threshold in precision]


def ask_seqeval(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return seqeval's strict F1 of tags, after tokens with a negative label were taken out."""
    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2

    true, told = (
        [[TAGS[tag] for tag in row[kept]] for row, kept in zip(tags, labels >= 0, strict=True)]
        for tags in (labels, predicted)
    )
    return float(f1_score(true, told, mode="strict", scheme=IOB2))


def _annotations(rows: np.ndarray, number: int) -> list[dict[str, object]]:
    sample, place = np.nonzero(rows[..., number] >= 0)
    return [
        {
            "id": index + 1,
            "image_id": int(at) + 1,
            "category_id": int(row[number]),
            "bbox": [*row[:2].tolist(), *(row[2:4] - row[:2]).tolist()],
            "area": float((row[2:4] - row[:2]).prod()),
            "iscrowd": 0,
            "score": float(row[4]),
        }
        for index, (at, row) in enumerate(zip(sample, rows[sample, place], strict=True))
    ]


def main() -> None:
    """Write what both say of the sets of every seed."""
    from importlib.metadata import version

    scores = {
        "coco": {str(seed): ask_pycocotools(*boxes(seed)) for seed in SEEDS},
        "seqeval": {str(seed): ask_seqeval(*tag_sequences(seed)) for seed in SEEDS},
    }
    versions = {name: version(name) for name in ("pycocotools", "seqeval", "numpy")}
    RECORDED.write_text(json.dumps({"versions": versions, "scores": scores}, indent=1) + "\n")


if __name__ == "__main__":
    main()
