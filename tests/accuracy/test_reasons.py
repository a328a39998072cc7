from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.accuracy import LayerError, compare_tensors
from harness.accuracy.attribution import LayerOrigin
from harness.accuracy.ranges import FLOAT_RANGES, NumberRange, QuantisedRange, Spread, spread_of
from harness.accuracy.reasons import Evidence, reason

ONES = np.ones(4)
COARSE = QuantisedRange(name="int8", scale=0.03)


def origin(*, by_engine: bool = False) -> LayerOrigin:
    """Make an origin of some layer."""
    return LayerOrigin(
        layer=LayerError(0, "y", "Conv", compare_tensors(ONES, ONES)),
        accumulated=0.5,
        handed=0.0,
        added=0.01,
        explained=0.01,
        made=0.5,
        by_engine=by_engine,
    )


def evidence(values: np.ndarray = ONES, number_type: str = "float16", **more: Any) -> Evidence:
    """Make the evidence of a layer whose reference is ``values``."""
    spread = spread_of(values, FLOAT_RANGES[number_type])
    return Evidence(number_type=number_type, reference=spread, **{"quantised": {}, "weights": {}, **more})


def quantised(values: np.ndarray, fits: QuantisedRange) -> dict[str, tuple[QuantisedRange, Spread]]:
    """Make the entry of one tensor that is quantised."""
    held: NumberRange = fits
    return {"x": (fits, spread_of(values, held))}


@pytest.mark.parametrize(
    ("known", "words"),
    [
        pytest.param(
            evidence(np.array([1.0, 7e4, -1e5, 2.0])),
            "overflows float16: 2 of 4 values beyond 65504",
            id="values beyond the type",
        ),
        pytest.param(
            evidence(broken=3),
            "makes 3 of 4 values NaN or infinite, where its reference's range 1..1 fits float16",
            id="infinite inside",
        ),
        pytest.param(
            evidence(quantised=quantised(np.array([-31.0, 412.0, 1.0, 2.0]), COARSE)),
            "saturates: 50.00% of the values of 'x' at the int8 clamp, range -31..412 with scale 0.03",
            id="saturation",
        ),
        pytest.param(
            evidence(quantised=quantised(np.array([0.01, 0.01, 0.01, 3.0]), COARSE)),
            "rounds to zero: 75% of the values of 'x' are below half a step of int8, range 0.01..3 with scale 0.03",
            id="too coarse a scale",
        ),
        pytest.param(evidence(np.array([1e-9, 1.0])), "underflows float16: 1 of 2 values, RMS 0.707", id="underflow"),
        pytest.param(
            evidence(np.array([1e-6, 1e-6])), "is subnormal in float16: 2 of 2 values, RMS 1e-06", id="subnormals"
        ),
        pytest.param(
            evidence(weights={"w": spread_of(np.array([65504.0, 1.0]))}),
            "its weights 'w' are clamped at 65504",
            id="clamped weights",
        ),
        pytest.param(
            evidence(quantised=quantised(ONES, COARSE), weights={"w": spread_of(np.array([0.0, 0.0, 9.0]))}),
            "its weights 'w' are coarse: 67% are zero, range 0..9",
            id="coarse weights",
        ),
        pytest.param(evidence(), "it rounds: nothing overflows, saturates or underflows", id="rounding"),
        pytest.param(
            evidence(number_type="float32"),
            "its graph computes something else than the reference from the same inputs",
            id="another function",
        ),
    ],
)
def test_the_gravest_misfit_is_the_reason(known: Evidence, words: str) -> None:
    """Each kind of misfit has its sentence, with the counts and the range that show it."""
    assert reason(origin(), known) == words


def test_an_engine_that_is_blamed_needs_no_misfit() -> None:
    """What the engine computes otherwise than its graph is said to be so, with what the graph makes."""
    words = reason(origin(by_engine=True), evidence(np.array([7e4])))
    assert words.startswith("the engine computes it otherwise than its graph, of which a CPU makes -40.0 dB")


def test_counts_name_the_inputs_that_do_not_fit() -> None:
    """What is counted of the output stands beside what is counted of each quantised input; zeros are left out."""
    known = evidence(np.array([7e4, 1.0]), broken=1, quantised=quantised(np.array([412.0, 1.0]), COARSE))
    assert known.counts == {"overflow": 1, "broken": 1, "inputs": {"x": {"saturated": 1}}}
