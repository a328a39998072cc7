from __future__ import annotations

import json
import math

import numpy as np
import pytest

from harness.accuracy import compare_tensors
from harness.accuracy.reference_noise import NoiseFloor, Witness, doubts, noise_floors
from harness.cases import Tolerance

EXPECTED = np.linspace(-1, 1, 101, dtype=np.float32)
STRICT = {"fp32": [Tolerance(sqnr_db=80.0)]}


def witness(change: float, *, party: str = "somebody", output: str = "scores") -> Witness:
    """Return a witness all of whose values are off by the share ``change``."""
    return Witness(party=party, errors={output: compare_tensors(EXPECTED * np.float64(1 + change), EXPECTED)})


def test_a_floor_is_the_worst_by_each_measure() -> None:
    """Of several errors it takes the largest differences, the smallest cosine and the smallest ratio."""
    near, far = witness(1e-6), witness(1e-5)
    bent = EXPECTED.copy()
    bent[0] = 0.0
    floors = noise_floors([near, far, Witness(party="silent", problem="too large")])
    assert floors["scores"].max_abs == far.errors["scores"].max_abs == pytest.approx(1e-5)
    assert floors["scores"].sqnr_db == pytest.approx(100, abs=0.1)
    bent_error = compare_tensors(bent, EXPECTED)
    assert NoiseFloor.of([near.errors["scores"], bent_error]).cosine == bent_error.cosine < 0.999


def test_a_nan_on_one_side_is_no_small_difference() -> None:
    """An element that is NaN on one side only takes the ratio to minus infinity."""
    actual = EXPECTED.copy()
    actual[3] = np.nan
    assert NoiseFloor.of([compare_tensors(actual, EXPECTED)]).sqnr_db == -math.inf


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(1e-6, [], id="they agree"),
        pytest.param(1e-3, ["output 'scores': the reference and somebody disagree: "], id="FP32 does not explain it"),
    ],
)
def test_references_that_disagree_are_named(change: float, said: list[str]) -> None:
    """Below 80 dB the sentence names the output and both parties; above there is none."""
    found = doubts("the reference", [witness(change)], STRICT)
    assert [sentence[: len(start)] for sentence, start in zip(found, said, strict=True)] == said


def test_a_tolerance_must_stand_above_the_noise() -> None:
    """A limit that equally good computations do not keep is told with its precision, its value and both parties."""
    limits = {"fp32": [Tolerance(sqnr_db=80.0)], "fp16": [Tolerance(max_abs=1e-7)]}
    (sentence,) = doubts("the reference", [witness(1e-6)], limits)
    assert sentence.startswith("output 'scores': its tolerance in fp16 is below the noise of its own reference")
    assert "max_abs" in sentence
    assert "1e-07" in sentence
    assert "between the reference and somebody" in sentence


def test_a_reference_of_nan_is_doubted_once() -> None:
    """NaN on both sides agrees, and vouches for nothing, however many witnesses there are."""
    nowhere = np.full(4, np.nan, np.float32)
    errors = {"scores": compare_tensors(nowhere, nowhere)}
    found = doubts("the reference", [Witness(party="a", errors=errors), Witness(party="b", errors=errors)], STRICT)
    assert found == ["output 'scores': the reference itself gives NaN in 4 of 4 elements; feed the model other inputs"]


@pytest.mark.parametrize(
    ("tolerance", "broken"),
    [
        pytest.param(Tolerance(sqnr_db=90, max_abs=1e-4), (), id="keeps all"),
        pytest.param(Tolerance(sqnr_db=110, max_abs=1e-4), ("sqnr_db",), id="a ratio too small"),
        pytest.param(Tolerance(cosine=1.0, max_abs=1e-6), ("max_abs",), id="a difference too large"),
    ],
)
def test_a_floor_breaks_limits_on_their_own_side(tolerance: Tolerance, broken: tuple[str, ...]) -> None:
    """Differences break a limit from above, cosine and ratio from below."""
    floor = NoiseFloor(max_abs=1e-5, mean_abs=1e-6, rmse=1e-6, max_rel=1e-5, cosine=1.0, sqnr_db=100.0)
    assert floor.breaks(tolerance) == broken


def test_a_witness_survives_json() -> None:
    """A witness, that of equal bits included, is the same after a way through strict JSON."""
    same = Witness(party="a", errors={"scores": compare_tensors(EXPECTED, EXPECTED)}, problem="")
    assert Witness.from_json(json.loads(json.dumps(same.to_json(), allow_nan=False))) == same
