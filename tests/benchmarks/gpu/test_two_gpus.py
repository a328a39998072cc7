from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.gpu.two_gpus import judged, looked_into
from tests.history.building import NOON, trial

ALONE = {"interrupted": False, "seconds": 90.0, "trials": 4}
SIDE_BY_SIDE = {
    "interrupted": False,
    "seconds": 50.0,
    "trials_by_device": {"GPU-1": 2, "GPU-2": 2},
    "overlaps_on_one_device": [],
}


def test_two_workers_on_two_gpus_that_save_time_pass() -> None:
    """All three demands are met, and by how much is told."""
    assert judged(ALONE, SIDE_BY_SIDE, 2) == {
        "own_gpu_each": True, "never_shared": True, "speedup": 1.8, "passed": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("alone", "side_by_side"),
    [
        pytest.param({}, {"trials_by_device": {"GPU-1": 4}}, id="both workers on one GPU"),
        pytest.param({}, {"trials_by_device": {"cpu": 4}}, id="no GPU at all"),
        pytest.param({}, {"overlaps_on_one_device": [["a", "b"]]}, id="two trials at once on one GPU"),
        pytest.param({}, {"seconds": 95.0}, id="no time was saved"),
        pytest.param({"interrupted": True}, {}, id="a session that was interrupted"),
        pytest.param({}, {"trials_by_device": {}}, id="nothing was measured"),
        pytest.param({"trials": 0}, {}, id="nothing was measured alone"),
    ],
)
def test_whatever_is_missing_is_no_pass(alone: dict[str, Any], side_by_side: dict[str, Any]) -> None:
    """Each demand that is not met, or was not tried, fails the check by itself."""
    assert not judged(ALONE | alone, SIDE_BY_SIDE | side_by_side, 2)["passed"]


def test_a_session_is_looked_into() -> None:
    """Trials are counted by GPU, overlaps named, phases added up."""
    trials = [
        replace(
            trial(1, model=model),
            conditions={
                "measured": [(NOON + timedelta(seconds=at)).isoformat() for at in (start, start + 10)],
                "gpu": {"device": device},
            },
            phases={"measure": 10.0},
        )
        for model, device, start in (("m", "GPU-1", 0), ("n", "GPU-2", 4), ("o", "GPU-1", 9))
    ]
    found = looked_into(trials)
    assert found["trials_by_device"] == {"GPU-1": 2, "GPU-2": 1}
    (overlap,) = found["overlaps_on_one_device"]
    assert [name[0] for name in overlap] == ["m", "o"]
    assert (found["seconds_side_by_side"], found["seconds_by_phase"]) == (10.0, {"measure": 30.0})
