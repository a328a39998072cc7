from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from harness.accuracy import compare_tensors
from harness.accuracy.reference_noise import Witness
from harness.cases import Tolerance
from harness.reference_stage import (
    reference_conditions,
    reference_doubts,
    reference_measurements,
    reference_remark,
)

EXPECTED = np.linspace(-1, 1, 101, dtype=np.float32)
OPTIMISED, EVALUATOR = "onnxruntime 1.31.1, optimised", "onnx.reference 1.23.2"


def answer(**points: list[Witness]) -> dict[str, Any]:
    """Return what a worker answers, with points named ``batch1`` and so on."""
    said = {label: [each.to_json() for each in witnesses] for label, witnesses in points.items()}
    return {"reference": "onnxruntime 1.31.1, unoptimised", "points": said}


def witness(party: str, change: float) -> Witness:
    """Return a witness whose values are off by the share ``change``."""
    return Witness(party=party, errors={"scores": compare_tensors(EXPECTED * np.float64(1 + change), EXPECTED)})


def test_the_worst_floor_of_each_point_is_measured() -> None:
    """The metric has the smallest ratio at each point, the conditions every measure of every output."""
    heard = answer(batch1=[witness(OPTIMISED, 1e-6), witness(EVALUATOR, 1e-5)], batch2=[witness(OPTIMISED, 0.0)])
    values = {record.point: record.value for record in reference_measurements(heard)}
    assert values["batch1"] == pytest.approx(100, abs=0.1)
    assert values["batch2"] == float("inf")
    noise = reference_conditions(heard)["reference_noise"]
    assert noise["batch1"]["scores"]["max_abs"] == pytest.approx(1e-5)
    assert noise["batch2"]["scores"]["sqnr_db"] == "inf"
    json.dumps(noise, allow_nan=False)


def test_of_several_outputs_the_least_sure_counts() -> None:
    """The metric is of the output on which the parties agree least."""
    errors = {name: witness(OPTIMISED, change).errors["scores"] for name, change in (("boxes", 1e-6), ("scores", 1e-5))}
    (measured,) = reference_measurements(answer(batch1=[Witness(party=OPTIMISED, errors=errors)]))
    assert measured.value == pytest.approx(100, abs=0.1)


def test_a_stage_that_was_not_run_measures_nothing() -> None:
    """Without an answer there are neither measurements nor conditions."""
    assert reference_measurements(None) == []
    assert reference_conditions(None) == {}


def test_a_doubt_tells_its_point() -> None:
    """Each sentence begins with the point at which it holds."""
    heard = answer(batch1=[witness(OPTIMISED, 1e-6)], batch2=[witness(OPTIMISED, 1e-2)])
    (sentence,) = reference_doubts(heard, {"fp32": [Tolerance(sqnr_db=80)]})
    assert sentence.startswith(
        "at batch2: output 'scores': onnxruntime 1.31.1, unoptimised and onnxruntime 1.31.1, opt"
    )


def test_the_remark_says_who_agrees_and_who_was_not_heard() -> None:
    """Parties that were heard come with their worst ratio over all points, the others with the reason."""
    silent = Witness(party=EVALUATOR, problem="it is too large")
    heard = answer(batch1=[witness(OPTIMISED, 1e-6), silent], batch2=[witness(OPTIMISED, 1e-5), silent])
    assert reference_remark(heard) == (
        "onnxruntime 1.31.1, unoptimised agrees with onnxruntime 1.31.1, optimised to 100 dB; "
        "onnx.reference 1.23.2 was not heard: it is too large (at batch1)"
    )
