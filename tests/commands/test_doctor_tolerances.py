from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cases import Tolerance
from harness.commands.doctor import Diagnosis, _tolerances
from harness.commands.doctor_text import _tolerances as tolerances_line
from harness.commands.doctor_tolerances import examine_tolerances
from harness.history.store import History
from harness.settings import Settings
from harness.tolerances.readings import store_reading
from tests.history.building import remember, trial
from tests.tolerances.building import floor, model, reading

if TYPE_CHECKING:
    from pathlib import Path

NET = model(tolerances={"int8": (Tolerance(sqnr_db=10.0),)})


def test_what_was_never_measured_names_the_command(tmp_path: Path) -> None:
    """Without a reading there is no problem, but the command that makes one."""
    facts, warnings = examine_tolerances([NET], tmp_path, None)
    assert warnings == []
    assert facts["unmeasured"] == ["net"]
    assert tolerances_line(facts) == "their floors were never measured: trt-harness tolerances --check"


def test_a_tolerance_below_its_floor_is_a_problem(tmp_path: Path) -> None:
    """Sound engines fail it, so it is told with the floor and the way out."""
    store_reading(tmp_path, reading(int8=9.0))
    facts, (warning,) = examine_tolerances([NET], tmp_path, None)
    assert facts["measured"] == ["net"]
    assert "net in int8 for output 'y' is below its floor of 9.0 dB" in warning
    assert "trt-harness tolerances --models net" in warning


def test_a_tolerance_that_lets_faults_pass_is_a_problem(tmp_path: Path) -> None:
    """What a closer tolerance would have noticed is counted and named; what none could have noticed is not."""
    faults = {"a sign flipped": 14.0, "a bias scaled": 5.0, "channels exchanged": 40.0}
    store_reading(tmp_path, reading(int8=30.0, faults=faults))
    facts, (warning,) = examine_tolerances([NET], tmp_path, None)
    assert facts["checked"] == ["net"]
    assert "so wide that 1 of 3 planted faults pass (a sign flipped)" in warning
    assert tolerances_line(facts) == "floors measured of 1 models, faults planted in 1"


def test_a_reading_of_another_version_says_nothing(tmp_path: Path) -> None:
    """A model whose meaning changed by hand has to be measured again."""
    store_reading(tmp_path, reading(int8=9.0))
    facts, warnings = examine_tolerances([replace(NET, version=2)], tmp_path, None)
    assert (facts["measured"], facts["unmeasured"], warnings) == ([], ["net"], [])


def noisy_trial(noise: float) -> Any:
    """Return a trial whose reference has a noise of so many dB."""
    floors = {"batch=1": {"y": vars(floor(noise))}}
    return trial(
        1, model="net", case_id="net-int8-batch1x2x4", precision="int8", conditions={"reference_noise": floors}
    )


def test_the_noise_that_the_history_has_is_held_against_tolerances(tmp_path: Path) -> None:
    """A newest trial whose reference is less sure of itself than FP32 is allowed to be wrong is told."""
    with History.open(tmp_path / "history.db") as history:
        remember(history, noisy_trial(70.0))
        facts, (warning,) = examine_tolerances([NET], tmp_path, history.queries)
        assert examine_tolerances([replace(NET, version=2)], tmp_path, history.queries)[1] == []
    assert facts["reference_noise"] == 1
    assert "the tolerance of net in fp32 for output 'y' is below the noise of its own reference at batch=1" in warning


def test_noise_below_every_tolerance_is_no_problem(tmp_path: Path) -> None:
    """A reference that is sure of itself is counted and not spoken of."""
    with History.open(tmp_path / "history.db") as history:
        remember(history, noisy_trial(120.0))
        facts, warnings = examine_tolerances([NET], tmp_path, history.queries)
    assert (facts["reference_noise"], warnings) == (1, [])


def test_a_doctor_without_a_catalogue_does_not_look(tmp_path: Path) -> None:
    """What keeps it from looking is told elsewhere already."""
    diagnosis = Diagnosis()
    _tolerances(diagnosis, Settings(catalogue="nowhere:CATALOGUE"), tmp_path)
    assert diagnosis.problems == []
    assert tolerances_line(diagnosis.facts["tolerances"]) == "not looked at: see below"
