from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cases import FP32, Case, Model, Profile
from harness.errors import HistoryError, TargetError
from harness.opening import (
    database_url,
    open_for_reading,
    open_for_writing,
    surroundings_of,
    target_of,
    this_environment,
)
from harness.settings import Settings
from tests.history.building import remember, session, trial


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("a/b.db", "/root/a/b.db", id="a path lies below the root"),
        pytest.param("/a/b.db", "/a/b.db", id="an absolute path stays"),
        pytest.param("sqlite:///a.db", "sqlite:///a.db", id="a URL stays"),
    ],
)
def test_paths_are_meant_from_the_root(text: str, url: str) -> None:
    """Only relative paths depend on the folder that a session is run in."""
    assert database_url(text, Path("/root")) == url


def test_before_the_first_session_there_is_nothing_to_read(tmp_path: Path) -> None:
    """A reader gets None rather than an empty history, and makes no file."""
    assert open_for_reading("history.db", tmp_path) is None
    assert not list(tmp_path.iterdir())
    open_for_writing("history.db", tmp_path).close()
    history = open_for_reading("history.db", tmp_path)
    assert history is not None
    with history, pytest.raises(HistoryError):
        history.start_session(session(1))


def test_a_target_that_is_not_present_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What --gpu names must be there; the CPU always is, and no GPU is looked for when it was asked for."""
    monkeypatch.setattr("harness.opening.present_gpus", lambda: ("NVIDIA H200",))
    with pytest.raises(TargetError, match="NVIDIA H200"):
        target_of(Settings(gpu="t4"))
    monkeypatch.setattr("harness.opening.present_gpus", lambda: pytest.fail("looked for GPUs"))
    assert target_of(Settings(gpu="cpu")).target.name == "cpu"


def test_a_baseline_is_of_this_machine_and_of_other_sessions(tmp_path: Path) -> None:
    """Runs of a session itself, and those on other machines, are no part of its baseline."""
    model = Model(name="squeezenet", source="a:b", profiles=(Profile({"batch": (1, 4, 16)}),), precisions=(FP32,))
    case = Case(model, FP32, model.profiles[0])
    here: dict[str, Any] = {"case_id": case.id, "case_hash": case.hash, "environment": this_environment()}
    with open_for_writing("history.db", tmp_path) as history:
        remember(
            history, trial(1, value=1.0, **here), trial(2, value=2.0, case_id=case.id), trial(3, value=3.0, **here)
        )
        around = surroundings_of(session(3).id, Settings(), tmp_path, history)
        assert list(around.baseline(case, "latency_host", "batch4")) == [1.0]
        around.workbench.close()
    without = surroundings_of(session(3).id, Settings(), tmp_path, None)
    assert list(without.baseline(case, "latency_host", "batch4")) == []
    without.workbench.close()
