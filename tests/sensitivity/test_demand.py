from __future__ import annotations

import math

import numpy as np
import pytest

from harness.accuracy import compare_tensors
from harness.cases import Tolerance
from harness.sensitivity.demand import excess_of

EXPECTED = np.array([3.0, 4.0])
ERROR = compare_tensors(np.array([3.0, 4.5]), EXPECTED)  # noise power 0.25 in 25: 20 dB


@pytest.mark.parametrize(
    ("tolerance", "excess"),
    [
        pytest.param(Tolerance(sqnr_db=20.0), 1.0, id="a ratio of signal to error at its limit"),
        pytest.param(Tolerance(sqnr_db=30.0), 10.0, id="ten decibels short is ten times the error's power"),
        pytest.param(Tolerance(max_abs=0.25), 2.0, id="an absolute error twice its limit"),
        pytest.param(Tolerance(cosine=0.99), (1 - ERROR.cosine) / 0.01, id="a cosine by its distance from one"),
        pytest.param(Tolerance(max_abs=0.25, sqnr_db=30.0), 10.0, id="the worst of two limits"),
        pytest.param(Tolerance(max_abs=0.0), math.inf, id="a limit of zero is out of reach"),
        pytest.param(Tolerance(tensors="other", max_abs=0.1), 0.0, id="a tolerance for another output"),
        pytest.param(Tolerance(scope="layers", max_abs=0.1), 0.0, id="a tolerance for layers"),
    ],
)
def test_an_excess_counts_multiples_of_what_is_allowed(tolerance: Tolerance, excess: float) -> None:
    """Each kind of limit is turned into one number, which is 1 at the limit."""
    assert excess_of({"y": ERROR}, [tolerance]) == pytest.approx(excess)


def test_the_worst_output_counts() -> None:
    """One exact output does not excuse another."""
    exact = compare_tensors(EXPECTED, EXPECTED)
    assert excess_of({"x": exact, "y": ERROR}, [Tolerance(max_abs=0.25)]) == pytest.approx(2.0)


def test_nan_on_one_side_is_hopeless() -> None:
    """An output that overflowed is infinitely far off, whatever its other elements are."""
    overflowed = compare_tensors(np.array([3.0, np.inf]), EXPECTED)
    assert excess_of({"y": overflowed}, [Tolerance(max_abs=1e9)]) == math.inf


def test_an_exact_output_meets_a_limit_of_zero() -> None:
    """Nothing measured of nothing allowed is no excess."""
    assert excess_of({"y": compare_tensors(EXPECTED, EXPECTED)}, [Tolerance(max_abs=0.0, cosine=1.0)]) == 0.0
