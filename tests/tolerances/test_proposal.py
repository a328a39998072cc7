from __future__ import annotations

import math

import pytest

from harness.cases import FP16, FP32, INT8, Tolerance
from harness.tolerances.proposal import check_faults, propose
from harness.tolerances.spread import BuildSpread
from tests.tolerances.building import model, reading

NO_BUILDS: dict[str, BuildSpread] = {}


def allowing(**limits: float) -> dict[str, tuple[Tolerance, ...]]:
    """Return tolerances of a model in INT8."""
    return {"int8": (Tolerance(**limits),)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("allowed", "standing"),
    [
        pytest.param({"sqnr_db": 31.0}, "below its floor", id="asks for more than a sound engine reaches"),
        pytest.param({"sqnr_db": 10.0, "max_abs": 1e-6}, "below its floor", id="another measure does"),
        pytest.param({"sqnr_db": 27.0}, "too near its floor", id="within the margin"),
        pytest.param({"sqnr_db": 21.0}, "fits", id="about where it is proposed"),
        pytest.param({"sqnr_db": 12.0}, "wider than needed", id="far below"),
        pytest.param({"max_abs": 1.0}, "wider than needed", id="no ratio at all"),
    ],
)
def test_a_tolerance_stands_to_its_floor(allowed: dict[str, float], standing: str) -> None:
    """With a floor of 30 dB and a margin of 10, 20 dB are proposed, and what holds now is told by its distance."""
    (found,) = propose(model(tolerances=allowing(**allowed)), INT8, reading(int8=30.0), NO_BUILDS, margin_db=10)
    assert (found.floor_db, found.standing) == (30.0, standing)
    assert found.proposed is not None
    assert found.proposed.sqnr_db == 20.0
    assert found.changes is (standing != "fits")


def test_the_floor_is_lowered_by_what_builds_differ() -> None:
    """The spread between builds comes off the rounding."""
    (found,) = propose(model(), INT8, reading(int8=30.0), {"y": BuildSpread(3, 2.5, 31.0)}, margin_db=10)
    assert found.floor_db == 27.5
    assert found.proposed == Tolerance(tensors="y", sqnr_db=17.0)


def test_the_floor_is_no_higher_than_what_engines_reach() -> None:
    """Kernels that round more than the recipe says are sound, too: the worst of them counts."""
    (found,) = propose(model(), INT8, reading(int8=30.0), {"y": BuildSpread(1, None, 26.0)}, margin_db=10)
    assert found.floor_db == 26.0


def test_the_noise_of_the_reference_is_a_floor_too() -> None:
    """Where the reference is less sure than the recipe rounds, its noise counts."""
    (found,) = propose(model(), FP16, reading(40.0, fp16=60.0), NO_BUILDS, margin_db=10)
    assert found.floor_db == 40.0


def test_of_fp32_no_more_is_asked_than_rounding_explains() -> None:
    """However well two orders of summation agree here, a third may be as far as 80 dB."""
    (found,) = propose(model(), FP32, reading(125.0, fp32=125.0), NO_BUILDS, margin_db=10)
    assert found.proposed is not None
    assert (found.proposed.sqnr_db, found.standing) == (80.0, "fits")


def test_an_author_s_own_limits_are_kept() -> None:
    """A proposal takes over limits of other measures, but for the cosine, which follows from the ratio."""
    allowed = allowing(sqnr_db=5.0, max_abs=0.5, cosine=0.9)
    (found,) = propose(model(tolerances=allowed), INT8, reading(int8=30.0), NO_BUILDS, margin_db=10)
    assert found.proposed == Tolerance(tensors="y", max_abs=0.5, sqnr_db=20.0)


def test_nothing_is_proposed_where_nothing_differs() -> None:
    """Of an output that is equal to the last bit there is no floor to stay away from."""
    (found,) = propose(model(), FP16, reading(math.inf, fp16=math.inf), NO_BUILDS, margin_db=10)
    assert (found.proposed, found.standing, found.changes) == (None, "exact", False)


def test_faults_are_told_apart_by_who_would_notice_them() -> None:
    """A fault is noticed, passes where a closer tolerance would notice it, or is smaller than the rounding."""
    measured = reading(int8=30.0, faults={"large": 5.0, "middling": 15.0, "small": 25.0})
    wide = model(tolerances=allowing(sqnr_db=10.0))
    proposals = propose(wide, INT8, measured, NO_BUILDS, margin_db=10)
    check = check_faults(wide, INT8, measured, proposals)
    assert (check.noticed, check.passed, check.hidden) == (("large",), ("middling",), ("small",))
