"""Time by layer and distance from the roofline on a real GPU; skipped where there is none."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from harness.cases import FP16, Case, Model, Profile
from harness.measurement.devices import present_gpus
from harness.session import CaseRun
from harness.settings import Settings
from harness.surroundings import Surroundings
from harness.workers.subject import Subject
from tests.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from harness.history.records import TrialRecord
    from harness.workbench import Workbench

pytestmark = pytest.mark.skipif(
    not present_gpus() or importlib.util.find_spec("tensorrt") is None,
    reason="needs an NVIDIA GPU, and TensorRT in this interpreter",
)


@pytest.fixture
def trial(workbench: Workbench) -> TrialRecord:
    """Return the trial of a tiny FP16 engine, its layers compared and timed."""
    model = Model(
        name="convnet",
        source="tests.tiny:convnet",
        profiles=(Profile({"batch": (1, 2, 4)}),),
        precisions=(FP16,),
    )
    around = Surroundings(
        "0123456789ab",
        Settings(pace="quick", build_options=("optimization_level=1",), engines="rebuild"),
        ENVIRONMENT,
        workbench,
        lambda *_: (),
        board=present_gpus()[0].board,
    )
    run = CaseRun(Case(model, FP16, model.profiles[0]), Subject("tensorrt", "tensorrt"), around)
    for stage in ("layers", "latency"):
        run.check(stage)
    return run.records()[0]


def test_the_profiler_and_the_inspector_speak_of_the_same_layers(trial: TrialRecord) -> None:
    """Each layer that computes has a time, so that none of it is lost between two spellings of a name."""
    assert trial.engine is not None
    computing = [layer for layer in trial.engine.layer_list if layer.compute_type]
    assert computing
    assert [layer.name for layer in computing if layer.milliseconds is None] == []
    assert sum(trial.engine.time_shares.values()) == pytest.approx(1.0)
    assert trial.conditions["layer_times"] == {"point": "batch=1"}


def test_no_run_is_faster_than_its_roofline(trial: TrialRecord) -> None:
    """The distance is there for a board that is known, and above 1."""
    if present_gpus()[0].board is None:
        pytest.skip(f"no data sheet of {present_gpus()[0].name} is known")
    distances = [m.value for m in trial.measurements if m.metric == "roofline_distance"]
    assert len(distances) == 1
    assert distances[0] > 1


def test_what_exposing_layers_changed_is_told(trial: TrialRecord) -> None:
    """The final outputs of the instrumented engine are held against the plain one's."""
    assert 0 <= trial.conditions["instrumented_difference"] < 0.1
