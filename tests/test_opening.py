from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cases import FP32, Case, Model, Profile
from harness.cases.target import TARGETS, Choice, Target
from harness.errors import ConfigurationError, HistoryError, TargetError
from harness.history.records import MeasurementRecord
from harness.measurement.devices import Gpu
from harness.opening import (
    check_folders,
    check_writable,
    database_url,
    gpu_of,
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
        pytest.param("a/b.db", "/top/a/b.db", id="a path lies below the root"),
        pytest.param("/a/b.db", "/a/b.db", id="an absolute path stays"),
        pytest.param("sqlite:///a.db", "sqlite:///a.db", id="a URL stays"),
    ],
)
def test_paths_are_meant_from_the_root(text: str, url: str) -> None:
    """Only relative paths depend on the folder that a session is run in."""
    assert database_url(text, Path("/top")) == url


def test_a_folder_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    """The check leaves nothing behind: neither a file nor the folder that is to be made."""
    check_writable(tmp_path, "report")
    check_writable(tmp_path / "build" / "report", "report")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where a folder must be, above it, or a link to nowhere: the error names folder, reason and setting."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder in ("file", "file/below/it", "link"):
        with pytest.raises(ConfigurationError, match=f"the cache folder '.*{folder}'.* cannot be written to.*_CACHE"):
            check_writable(tmp_path / folder, "cache")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder that even root cannot write to is a Linux matter")
def test_what_permissions_do_not_tell_is_found_by_trying() -> None:
    """A file system that takes no files is refused, whoever asks."""
    with pytest.raises(ConfigurationError, match="the report folder '/proc/report'"):
        check_writable(Path("/proc/report"), "report")


@pytest.mark.parametrize("setting", ["cache", "report"])
def test_both_folders_of_a_session_are_checked(tmp_path: Path, setting: str) -> None:
    """Neither is found out about after the work is done; a report that is not wanted needs no folder."""
    (tmp_path / "file").write_text("")
    wrong: dict[str, Any] = {setting: "file"}
    with pytest.raises(ConfigurationError, match=f"the {setting} folder"):
        check_folders(Settings(**wrong), tmp_path)
    check_folders(Settings(report=""), tmp_path)


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
    gpu = Gpu(index=0, name="NVIDIA H200", uuid="GPU-1", driver="580.1")
    monkeypatch.setattr("harness.opening.present_gpus", lambda: (gpu,))
    with pytest.raises(TargetError, match="NVIDIA H200"):
        target_of(Settings(gpu="t4"))
    monkeypatch.setattr("harness.opening.present_gpus", lambda: pytest.fail("looked for GPUs"))
    assert target_of(Settings(gpu="cpu")).target.name == "cpu"


@pytest.mark.parametrize(
    ("target", "worker", "uuid"),
    [
        pytest.param("h200", "gw0", "GPU-1", id="the first of its kind"),
        pytest.param("h200", "gw1", "GPU-3", id="the second of its kind"),
        pytest.param("t4", "gw1", "GPU-0", id="the only one of its kind, for everybody"),
        pytest.param("gpu", "gw1", "GPU-0", id="the first one's kind, where it is not known"),
    ],
)
def test_only_gpus_of_the_target_are_used(monkeypatch: pytest.MonkeyPatch, target: str, worker: str, uuid: str) -> None:
    """On a machine with GPUs of several kinds no process gets one that was not asked for."""
    first = "NVIDIA Z9" if target == "gpu" else "Tesla T4"
    names = (first, "NVIDIA H200", "NVIDIA L4", "NVIDIA H200")
    gpus = tuple(Gpu(index=i, name=name, uuid=f"GPU-{i}", driver="580.1") for i, name in enumerate(names))
    monkeypatch.setattr("harness.opening.present_gpus", lambda: gpus)
    chosen = gpu_of(Choice(TARGETS.get(target, Target(name="gpu", title=first)), ""), worker)
    assert chosen is not None
    assert chosen.uuid == uuid


def test_a_baseline_is_of_this_machine_and_of_other_sessions(tmp_path: Path) -> None:
    """Runs of a session itself, and those on other machines, are no part of its baseline."""
    model = Model(name="squeezenet", source="a:b", profiles=(Profile({"batch": (1, 4, 16)}),), precisions=(FP32,))
    case = Case(model, FP32, model.profiles[0])
    here: dict[str, Any] = {"case_id": case.id, "case_hash": case.hash, "environment": this_environment()}
    with open_for_writing("history.db", tmp_path) as history:
        remember(
            history, trial(1, value=1.0, **here), trial(2, value=2.0, case_id=case.id), trial(3, value=3.0, **here)
        )
        around = surroundings_of(session(3).id, Settings(pace="quick"), tmp_path, history)
        assert list(around.baseline(case, "latency_host", "batch4", "onnxruntime")) == [1.0]
        other_pace = surroundings_of(session(3).id, Settings(pace="full"), tmp_path, history)
        assert list(other_pace.baseline(case, "latency_host", "batch4", "onnxruntime")) == []
        around.workbench.close()
    without = surroundings_of(session(3).id, Settings(), tmp_path, None)
    assert list(without.baseline(case, "latency_host", "batch4", "onnxruntime")) == []
    without.workbench.close()


def test_only_what_a_clock_measures_needs_a_quiet_machine(tmp_path: Path) -> None:
    """A contended run is no baseline for a latency, and as good as any for an engine's size."""
    model = Model(name="squeezenet", source="a:b", profiles=(Profile({"batch": (1, 4, 16)}),), precisions=(FP32,))
    case = Case(model, FP32, model.profiles[0])
    both = (
        MeasurementRecord(metric="latency_host", point="batch4", value=3.0),
        MeasurementRecord(metric="engine_bytes", point="", value=500.0),
    )
    with open_for_writing("history.db", tmp_path) as history:
        busy = trial(1, case_id=case.id, environment=this_environment(), quality="contended", measurements=both)
        remember(history, busy)
        around = surroundings_of(session(2).id, Settings(pace="quick"), tmp_path, history)
        assert list(around.baseline(case, "latency_host", "batch4", "onnxruntime")) == []
        assert list(around.baseline(case, "engine_bytes", "", "onnxruntime")) == [500.0]
        around.workbench.close()
