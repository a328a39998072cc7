from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cases import FP16, FP32, INT8, TF32, Profile
from harness.errors import ProfileError
from harness.tolerances.measure import measure
from tests.tolerances.building import model

if TYPE_CHECKING:
    from pathlib import Path


def test_each_precision_is_measured_against_the_fp32_graph(tmp_path: Path) -> None:
    """Noise is least, FP16 rounds less than INT8, and every point of every profile is run."""
    profiles = (Profile({"batch": (1, 2, 4)}), Profile({"batch": 1}))
    found = measure(model(profiles=profiles), [FP32, FP16, INT8], tmp_path, seeds=2)
    ratios = {name: floors["scores"].sqnr_db for name, floors in found.rounding.items()}
    assert ratios["fp32"] == found.noise["scores"].sqnr_db > 110
    assert 110 > ratios["fp16"] > 50 > ratios["int8"] > 15
    assert found.points == ("batch=1", "batch=2", "batch=4")
    assert (found.seeds, found.faults) == (2, ())


def test_more_inputs_find_the_worse_ones(tmp_path: Path) -> None:
    """The floor of more seeds is nowhere above that of fewer, since it is the worst of all."""
    one, many = (measure(model(), [INT8], tmp_path, seeds=seeds).rounding["int8"]["scores"] for seeds in (1, 4))
    assert many.sqnr_db < one.sqnr_db
    assert many.max_abs >= one.max_abs


def test_what_a_cpu_cannot_round_is_said(tmp_path: Path) -> None:
    """A recipe that leaves the graph alone has no oracle, and is listed with the reason."""
    found = measure(model(precisions=(TF32, FP16)), [TF32, FP16], tmp_path, seeds=1)
    assert set(found.rounding) == {"fp16"}
    assert "does not round to TF32" in found.unmeasured["tf32"]


def test_faults_are_measured_on_the_fp32_graph(tmp_path: Path) -> None:
    """Each fault that was planted has an error for each output, far above the reference's noise."""
    steps: list[str] = []
    found = measure(model(), [FP32], tmp_path, seeds=1, faults=3, on_step=steps.append)
    assert len(found.faults) == 3
    assert all(fault.errors["scores"].sqnr_db < 60 for fault in found.faults)
    assert [step for step in steps if "channels" in step or "signs" in step]


def test_faults_are_seen_on_the_first_inputs_of_each_point(tmp_path: Path) -> None:
    """However many sets of inputs there are, a fault is held against what belongs to the one that it runs on."""
    one, two = (measure(model(), [FP32], tmp_path, seeds=seeds, faults=2).faults for seeds in (1, 2))
    assert one == two


def test_a_profile_that_does_not_fit_the_graph_is_refused(tmp_path: Path) -> None:
    """A free dimension without a size is told before anything is measured."""
    with pytest.raises(ProfileError, match="no range for its free dimension 'batch'"):
        measure(model(profiles=(Profile(),)), [FP32], tmp_path, seeds=1)
