from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from harness.cases import INT8, TF32, Calibration, Profile
from harness.errors import (
    CalibrationError,
    ModelError,
    ProfileError,
    RunFailed,
    Unsupported,
    WorkerCrashed,
    WorkerTimedOut,
)
from harness.session import CheckFailed
from harness.steps import NotReached
from tests import tiny
from tests.case_runs import message_of, plant, run_all

if TYPE_CHECKING:
    import onnx

    from harness.workbench import Workbench
    from tests.conftest import StartCase


def test_tf32_on_a_cpu_is_skipped_with_its_reason(start_case: StartCase) -> None:
    """A pair that the target cannot run is unsupported at every stage, never passed."""
    run = start_case(TF32)
    with pytest.raises(Unsupported, match="tensor cores"):
        run.check("build")
    assert set(run_all(run).values()) == {"skipped"}
    assert run.records()[0].outcome == "unsupported"


def test_one_broken_build_is_one_failure(start_case: StartCase, tmp_path: Path) -> None:
    """Stages behind a failed build are skipped and say so; the record has the runtime's own words."""

    def cut(model: onnx.ModelProto) -> onnx.ModelProto:
        model.graph.node[0].input[1] = "nowhere"
        return model

    run = start_case()
    plant(run, cut, tmp_path)
    outcomes = run_all(run)
    assert outcomes.pop("build") == "failed"
    assert outcomes.pop("reference") == "passed"  # it needs no engine
    assert set(outcomes.values()) == {"skipped"}
    assert "not run, because build failed" in message_of(run, "outputs")
    assert "nowhere" in run.records()[0].message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=["killed outright", "segmentation fault"])
def test_the_case_after_a_crash_runs(start_case: StartCase, workbench: Workbench, number: signal.Signals) -> None:
    """The case whose worker dies fails with the signal, and the next one gets a new worker and passes."""
    endless = start_case(source="tests.tiny:endless", name="endless", profile=Profile(), batch_axis=None)
    endless.check("build")
    # The reference of a graph that does not end cannot be computed either: its worker is the one that dies.
    reference = workbench.reference()
    timer = threading.Timer(1.0, os.kill, (reference.pid, number))
    timer.start()
    with pytest.raises(WorkerCrashed, match=number.name):
        endless.check("outputs")
    timer.join()
    with pytest.raises(NotReached, match="reference failed"):
        endless.check("latency")
    assert endless.records()[0].outcome == "crashed"
    assert number.name in endless.records()[0].message
    following = start_case()
    following.check("outputs")


def test_a_hang_ends_at_the_deadline_and_the_next_case_runs(start_case: StartCase) -> None:
    """A case that hangs fails with its deadline, and the next one passes."""
    endless = start_case(
        source="tests.tiny:endless", name="endless", profile=Profile(), batch_axis=None, case_timeout=3.0
    )
    started = time.monotonic()
    with pytest.raises(WorkerTimedOut, match="within 3 s"):
        endless.check("outputs")
    assert time.monotonic() - started < 30
    assert endless.records()[0].outcome == "timed_out"
    start_case().check("outputs")


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        ({"source": Path("/nowhere/model.onnx")}, ModelError, "there is no file '/nowhere/model.onnx'"),
        ({"profile": Profile()}, ProfileError, "free dimension 'batch'"),
        ({"profile": Profile({"bacth": (1, 2, 4)})}, ProfileError, "Did you mean 'batch'"),
        ({"feeds": {"imgae": None}}, ModelError, "Did you mean 'image'"),
    ],
    ids=["no such file", "free dimension without a range", "misspelt axis", "misspelt input"],
)
def test_a_model_that_contradicts_its_graph_is_refused(
    start_case: StartCase, model: dict[str, object], error: type[Exception], text: str
) -> None:
    """What the record says and the graph does not have ends in one clear error that names both."""
    from harness.cases import Normal

    if "feeds" in model:
        model = {"feeds": {"imgae": Normal()}}
    with pytest.raises(error, match=text):
        start_case(**model).check("build")


def test_calibration_of_the_wrong_shape_is_refused(start_case: StartCase) -> None:
    """A calibration set that does not fit the graph is named with both shapes."""
    run = start_case(INT8, calibration=Calibration(source="tests.tiny:broken_calibration"))
    with pytest.raises(CalibrationError, match=r"'image'.*9.*9"):
        run.check("build")


def test_a_profile_that_fails_costs_no_trial(start_case: StartCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profiler that kills its worker leaves a note among the conditions, and layers without times."""
    run = start_case()
    ask, bench = run._pipeline._ask_builder, run._pipeline._bench

    def killed(phase: str, method: str, **params: object) -> dict[str, object]:
        if method != "profile":
            return ask(phase, method, **params)
        worker = bench.builder(run.subject)
        os.kill(worker.pid, signal.SIGKILL)
        with monkeypatch.context() as patched:
            # Else it may be found dead in time, and another one be asked.
            patched.setattr(bench, "builder", lambda _: worker)
            return ask(phase, method, **params)

    monkeypatch.setattr(run._pipeline, "_ask_builder", killed)
    assert run_all(run)["latency"] == "passed"
    (trial,) = run.records()
    assert trial.conditions["layer_times"]["point"] == "batch=1"
    assert "SIGKILL" in trial.conditions["layer_times"]["failed"]
    assert trial.engine is not None
    assert {layer.milliseconds for layer in trial.engine.layer_list} == {None}
    assert any(m.metric == "latency_host" for m in trial.measurements)


def test_layers_that_cannot_be_run_alone_fail_all_the_same(
    start_case: StartCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the analysis breaks down the comparison's answer stands, and the message says what is missing."""
    run = start_case()
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w2"), tmp_path)

    def refused() -> NoReturn:
        raise RunFailed("no layer runs alone\nhere")

    monkeypatch.setattr(run._pipeline, "layer_origins", refused)
    with pytest.raises(CheckFailed, match=r"first: 'conv2'[\s\S]*cannot be told: no layer runs alone\n"):
        run.check("layers")
