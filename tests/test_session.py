from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.cases import (
    BF16,
    FP16,
    FP32,
    INT8,
    INVARIANCES,
    TF32,
    Calibration,
    Classification,
    Precision,
    Profile,
)
from harness.cases.target import TARGETS
from harness.errors import (
    CalibrationError,
    HarnessError,
    ModelError,
    ProfileError,
    RunFailed,
    Unsupported,
    WorkerCrashed,
    WorkerTimedOut,
)
from harness.graphs.save import graph_hash
from harness.history.decisions import Decision
from harness.history.engines import build_hash
from harness.history.rows import PastRun
from harness.pipeline import NotReached
from harness.session import STAGES, CaseRun, CheckFailed, NotJudged
from harness.spacing import Spacing
from tests import tiny

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.workbench import Workbench
    from tests.conftest import StartCase


def run_all(run: CaseRun) -> dict[str, str]:
    """Run every stage as a suite does and return the outcome of each."""
    for stage in STAGES:
        with contextlib.suppress(HarnessError, CheckFailed):  # the findings say how each stage ended
            run.check(stage)
    return {finding.stage: finding.outcome for finding in run.findings}


def message_of(run: CaseRun, stage: str) -> str:
    """Return what was noted about a stage."""
    return next(finding.message for finding in run.findings if finding.stage == stage)


def plant(run: CaseRun, change: Callable[[onnx.ModelProto], onnx.ModelProto], folder: Path) -> None:
    """Let the engine be built from a changed graph, while the reference stays that of the true one."""
    graph = run._pipeline.graph()
    model = change(onnx.load(graph["path"]))
    graph["path"], graph["hash"] = str(folder / "planted.onnx"), graph_hash(model)
    onnx.save(model, graph["path"])


def say_quality(run: CaseRun, monkeypatch: pytest.MonkeyPatch, *qualities: str) -> list[str]:
    """Let the next trials be of these qualities, whatever else this machine does; return what is left of them."""
    left = list(qualities)
    another_trial = run._pipeline.another_trial

    def said(engine: str = "") -> dict[str, Any]:
        return {**another_trial(engine), "quality": left.pop(0)}

    monkeypatch.setattr(run._pipeline, "another_trial", said)
    return left


@pytest.mark.parametrize("precision", [FP32, FP16, BF16, INT8], ids=lambda p: p.name)
def test_a_sound_engine_passes_every_stage(start_case: StartCase, precision: Precision) -> None:
    """A true engine passes all stages that can judge it, in every precision that a CPU runs."""
    task = Classification(source="tests.tiny:labelled", output="scores", batch=4, kept=0.9)
    run = start_case(precision, task=task)
    outcomes = run_all(run)
    assert [f.message for f in run.findings if f.outcome == "failed"] == []
    assert outcomes == dict.fromkeys(STAGES, "passed") | {"regression": "skipped"}
    assert "insufficient" in message_of(run, "regression")


def test_a_trial_records_everything(start_case: StartCase) -> None:
    """The record of a case holds its engine, every compared tensor, every metric and where the time went."""
    run = start_case(FP16)
    run_all(run)
    (trial,) = run.records()
    assert trial.outcome == "ok"
    assert trial.engine is not None
    assert trial.engine.bytes > 0
    assert trial.engine.layers > 0
    assert trial.graph is not None
    assert {"Conv", "Relu", "Cast"} <= {node.operator for node in trial.graph.nodes}
    metrics = {(m.metric, m.point) for m in trial.measurements}
    assert {("latency_host", "batch=1"), ("throughput", "batch=1"), ("build_seconds", ""), ("host_memory_peak", ""),
            ("engine_bytes", ""), ("load_seconds", ""), ("output_sqnr_db", "batch=1")} <= metrics  # fmt: skip
    assert {e.tensor for e in trial.tensor_errors if e.scope == "layers"} >= {"conv1", "relu1", "conv2", "flat"}
    assert {e.tensor for e in trial.tensor_errors if e.scope == "outputs"} == {"scores"}
    assert trial.phases["measure"] > 0
    assert trial.subject.runtime == "onnxruntime"
    samples = next(m.samples for m in trial.measurements if m.metric == "latency_host")
    assert samples is not None
    assert samples.dtype == np.float32
    assert len(samples) >= 9


def test_an_engine_is_told_layer_by_layer(start_case: StartCase) -> None:
    """Each layer has its type, and its time from a profile at the one point that a quick session runs."""
    run = start_case()
    run_all(run)
    (trial,) = run.records()
    assert trial.engine is not None
    layers = trial.engine.layer_list
    assert len(layers) == trial.engine.layers
    assert [layer.compute_type for layer in layers if layer.compute_type] == ["float32"] * 3
    assert all(layer.milliseconds is not None and layer.milliseconds >= 0 for layer in layers)
    assert trial.engine.time_shares == {"float32": 1.0}
    assert trial.conditions["layer_times"] == {"point": "batch=1"}
    assert trial.conditions["instrumented_difference"] < 1e-5
    assert trial.conditions["multiply_adds"] == {"batch=1": 64 * 16 * 9 * (3 + 16) + 160}
    values = {m.metric: m.value for m in trial.measurements}
    assert values["weight_bytes"] == 4 * (16 * 3 * 9 + 16 * 16 * 9 + 10 * 16)
    assert "roofline_distance" not in values


def test_layers_are_timed_at_the_point_that_is_tuned_for(start_case: StartCase) -> None:
    """Of the points that are run, the profile is taken at the optimum's, and the conditions say so."""
    run = start_case(profile=Profile({"batch": (1, 2, 8)}))
    run._pipeline._points = run.case.profile.points
    run.check("latency")
    assert run.records()[0].conditions["layer_times"] == {"point": "batch=2"}


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


def test_on_a_known_board_a_trial_tells_its_distance_from_the_roofline(
    start_case: StartCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each point's GPU latency is set against what the board needs at least for the graph's work at that point."""
    target = TARGETS["t4"]
    run = start_case(surroundings={"target": target, "board": target.boards[0]})
    another_trial = run._pipeline.another_trial

    def on_gpu(engine: str = "") -> dict[str, Any]:
        trial = another_trial(engine)
        for modes in trial["samples"].values():
            modes["graph"] = [0.5, 0.5, 0.5]  # milliseconds; a CPU has no graph to replay
        return trial

    monkeypatch.setattr(run._pipeline, "another_trial", on_gpu)
    run.check("latency")
    (trial,) = run.records()
    (measured,) = [m for m in trial.measurements if m.metric == "roofline_distance"]
    operations = 2 * (64 * 16 * 9 * (3 + 16) + 160)
    assert measured.point == "batch=1"
    assert measured.value == pytest.approx(0.5e-3 / (operations / 8.1e12))
    assert trial.conditions["roofline"]["board"] == "T4"
    assert trial.conditions["roofline"]["batch=1"]["bound"] == "compute"


def test_every_point_of_a_profile_is_compared_and_timed(start_case: StartCase, workbench: Workbench) -> None:
    """At the normal pace, outputs and latencies exist for each point, off-optimum ones included."""
    run = start_case(profile=Profile({"batch": (1, 2, 8)}, [{"batch": 1}, {"batch": 5}]))
    run._pipeline._points = run.case.profile.points
    run_all(run)
    points = {m.point for m in run.records()[0].measurements if m.metric in ("latency_host", "output_cosine")}
    assert points == {"batch=1", "batch=5"}


def test_a_perturbed_layer_is_named(start_case: StartCase, tmp_path: Path) -> None:
    """When one layer's weights are wrong, outputs fail, and the first layer named is that one."""
    run = start_case(FP16)
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w2"), tmp_path)
    outcomes = run_all(run)
    assert outcomes["outputs"] == outcomes["layers"] == "failed"
    first = next(line for line in message_of(run, "layers").splitlines() if "first:" in line)
    assert "'conv2'" in first
    assert "'conv1'" not in first
    assert "reproduce: pytest suites/ --models convnet --precisions fp16" in message_of(run, "layers")


def test_layers_that_fail_say_who_makes_the_error_and_why(start_case: StartCase, tmp_path: Path) -> None:
    """Below the first layer stand the one that makes most of the error, why, and the command for the rest."""
    run = start_case(FP16)
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w2"), tmp_path)
    with pytest.raises(CheckFailed):
        run.check("layers")
    *_, most, why, further, _ = message_of(run, "layers").splitlines()
    assert "most of it is made by 'conv2' (Conv, position 3): makes -6.0 dB, is handed -" in most
    assert "why: " in why
    assert further.strip() == "every layer: trt-harness layers convnet-fp16-batch1x2x4"
    (trial,) = run.records()
    analyses = {error.tensor: error.analysis for error in trial.tensor_errors if error.scope == "layers"}
    assert analyses["conv2"]["made"] == pytest.approx(0.5, rel=0.01)
    assert analyses["relu1"]["made"] < 0.01
    assert len(analyses["conv2"]["reference"]["histogram"]) == 64


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


def test_layers_of_a_batch_are_compared_row_by_row(start_case: StartCase) -> None:
    """Where the smallest point has several rows, the errors are still of the whole batch, and its layers pass."""
    run = start_case(profile=Profile({"batch": (3, 3, 4)}))
    run.check("layers")
    errors = {error.tensor: error.errors for error in run.records()[0].tensor_errors}
    assert errors["conv1"]["shape"] == [3, 16, 8, 8]


def test_nan_is_caught(start_case: StartCase, tmp_path: Path) -> None:
    """An engine that returns NaN fails its outputs and its layers, however wide the tolerance."""
    run = start_case()
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w3", factor=float("nan")), tmp_path)
    outcomes = run_all(run)
    assert outcomes["outputs"] == "failed"
    assert "NaN or Inf on one side only in 10 elements" in message_of(run, "outputs")


def test_a_reference_of_nan_vouches_for_nothing(start_case: StartCase) -> None:
    """Where the FP32 graph itself gives NaN, equal NaN from the engine is a failure and not a pass."""
    run = start_case(source="tests.tiny:convnet_of_nan")
    with pytest.raises(CheckFailed, match="the reference itself is NaN in 10 of 10 elements"):
        run.check("outputs")


def test_an_fp16_graph_that_is_fp32_throughout_is_caught(start_case: StartCase) -> None:
    """A precision that kept every node in FP32 passes every tolerance, and fails the audit."""
    everything = Precision("fp16", keep_fp32=("*",), name="fp16-kept")
    run = start_case(everything)
    outcomes = run_all(run)
    assert outcomes["outputs"] == "passed"
    assert outcomes["precision"] == "failed"
    assert "0% of the computing layers of the graph are float16" in message_of(run, "precision")


def test_a_slower_engine_is_caught(start_case: StartCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine with injected work is screened, confirmed in fresh processes and called regressed."""
    baseline = [start_case() for _ in range(8)]
    for run in baseline:
        run.check("latency")
    values = [np.median(run.latency_samples()["batch=1"]) for run in baseline]

    def latencies(_: object, metric: str, point: str, __: str) -> list[float]:
        return [float(v) for v in values] if (metric, point) == ("latency_host", "batch=1") else []

    known = [record for run in baseline for record in run.records()]
    engines = [record.engine for record in known if record.engine is not None]
    past = [
        PastRun(f"s{i}", 0, float(value), build_hash(engine), engine.fingerprint)
        for i, (value, engine) in enumerate(zip(values, engines, strict=True))
    ]
    layers = {build_hash(engine): engine.layer_list for engine in engines}
    slow = start_case(baseline=latencies, surroundings={"past_runs": lambda *_: past, "layers_of": layers.__getitem__})
    plant(slow, lambda model: tiny.with_extra_work(model, "scores"), tmp_path)
    say_quality(slow, monkeypatch, *["ok"] * 5)
    with pytest.raises(
        CheckFailed, match=r"regressed\n  latency, host to host.*slower by .* confirmed by 5 of 5 trials"
    ):
        slow.check("regression")
    verdict = next(r.verdict for r in slow.verdicts() if r.metric == "latency_host")
    assert verdict.status == "regressed"
    assert verdict.k == 5
    assert len(slow.records()) == 5
    record = next(r for r in slow.verdicts() if r.metric == "latency_host")
    assert record.cause == "other tactics"
    added = [layer for layer in record.cause_details["layers"] if "new" in layer["changed"]]
    assert len(added) >= 8  # the matrix products
    assert added[0]["milliseconds"][1] > 0


@pytest.mark.parametrize(
    ("qualities", "word", "said"),
    [
        pytest.param(["ok", "contended", "ok", "ok", "ok", "ok"], ("regressed", 5), "by 5 of 5", id="repeated"),
        pytest.param(
            ["ok", "contended", "contended", "throttled", "contended", "ok", "ok"], ("regressed", 3), "by 3 of 3",
            id="left out",
        ),
        pytest.param(
            ["ok", *["contended"] * 6, "ok"], ("inconclusive", 1), "of 5 trials 2 could be used (3 contended)",
            id="too few",
        ),
    ],
)  # fmt: skip
def test_spoilt_confirmations_decide_nothing(
    start_case: StartCase,
    monkeypatch: pytest.MonkeyPatch,
    qualities: list[str],
    word: tuple[str, int],
    said: str,
) -> None:
    """A confirmation on a busy machine is repeated once, then left out; of fewer than three trials nothing follows."""

    def was_faster(_: object, metric: str, point: str, __: str) -> list[float]:
        return [2e-3 * (1 + i / 1000) for i in range(8)] if (metric, point) == ("latency_host", "batch=1") else []

    run = start_case(baseline=was_faster)
    left = say_quality(run, monkeypatch, *qualities)
    verdict = next(r.verdict for r in run.verdicts() if r.metric == "latency_host")
    assert ((verdict.status, verdict.k), left) == (word, [])
    assert said in verdict.reason
    run.check("latency")
    assert len(run.records()) == 5


@pytest.mark.parametrize(
    ("metric", "past", "waits"),
    [pytest.param("latency_host", 2e-3, 4, id="a time"), pytest.param("engine_bytes", 1000.0, 0, id="a size")],
)
def test_confirmations_of_a_time_are_spaced(
    start_case: StartCase, monkeypatch: pytest.MonkeyPatch, metric: str, past: float, waits: int
) -> None:
    """Before each trial that confirms a latency there is a pause, which its conditions tell; a size needs none."""
    slept: list[float] = []

    def was_less(_: object, asked: str, point: str, __: str) -> list[float]:
        return (
            [past * (1 + i / 1000) for i in range(8)] if (asked, point) in ((metric, "batch=1"), (metric, "")) else []
        )

    run = start_case(baseline=was_less, surroundings={"spacing": Spacing(5.0, sleep=slept.append)})
    say_quality(run, monkeypatch, *["ok"] * 5)
    run.verdicts()
    run.check("latency")
    assert slept == [5.0] * waits
    assert [record.conditions["waited_seconds"] for record in run.records()[1:]] == (slept or [0.0] * 4)


def test_a_vanished_value_is_no_pass(start_case: StartCase) -> None:
    """A baseline of other size makes an exact metric regress, and one that is too short is said to be so."""

    def engine_was_smaller(_: object, metric: str, point: str, __: str) -> list[float]:
        return [1000.0] * 8 if metric == "engine_bytes" else [1.0] * 3

    run = start_case(baseline=engine_was_smaller)
    with pytest.raises(CheckFailed, match=r"regressed\n  engine size"):
        run.check("regression")
    others = {r.verdict.status for r in run.verdicts() if r.metric != "engine_bytes"}
    assert others == {"insufficient"}


def test_a_quarantined_regression_neither_fails_nor_passes(start_case: StartCase) -> None:
    """The verdict has a word of its own, and the skip says who put it off, until when and why."""
    held = Decision(
        action="quarantine",
        case="*",
        reason="a known one",
        author="Ada",
        created_at=datetime(2031, 5, 1, tzinfo=timezone.utc),
        until=datetime(2031, 6, 1, tzinfo=timezone.utc),
    )

    def engine_was_smaller(_: object, metric: str, *__: str) -> list[float]:
        return [1000.0] * 8 if metric == "engine_bytes" else []

    def quarantine(_: object, metric: str) -> Decision | None:
        return held if metric == "engine_bytes" else None

    run = start_case(baseline=engine_was_smaller, surroundings={"quarantine": quarantine})
    told = r"^quarantined: engine size: .*up to 2031-05-31 \(Ada, 2031-05-01: a known one\)"
    with pytest.raises(NotJudged, match=told):
        run.check("regression")
    statuses = {record.metric: record.verdict.status for record in run.verdicts()}
    assert (statuses["engine_bytes"], statuses["host_memory_peak"]) == ("quarantined", "insufficient")


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


def test_what_invariances_hold_and_which_are_left_out_is_said(start_case: StartCase) -> None:
    """A pass names what holds, what was recorded, and why the rest was not asked; the difference of runs is kept."""
    run = start_case(profile=Profile({"batch": 2}))
    run.check("invariance")
    message = message_of(run, "invariance")
    assert message.startswith("holds: contexts, zero, huge, nan; recorded repeats (2 more runs: ")
    assert "left out rows (the profile has no batch axis that takes both 1 and more)" in message
    assert "left out padding (the model declares no padding)" in message
    recorded = {(m.metric, m.point) for m in run.records()[0].measurements}
    assert ("run_to_run_difference", "batch=2") in recorded


def test_nothing_to_judge_is_no_pass(start_case: StartCase) -> None:
    """A model that is exempt from everything is skipped with its reasons."""
    exempt = {name: "not today" for name in INVARIANCES if name != "repeats"}
    with pytest.raises(NotJudged, match=r"no invariance could be judged: holds: none; recorded repeats .*not today"):
        start_case(exempt=exempt).check("invariance")


def test_nan_that_becomes_a_number_is_caught(start_case: StartCase, tmp_path: Path) -> None:
    """An engine that hides NaN fails by itself; its graph is not what the oracle is asked of."""

    def hide(model: onnx.ModelProto) -> onnx.ModelProto:
        head = model.graph.node[-1]
        head.output[0] = "raw"
        model.graph.node.extend(
            [
                onnx.helper.make_node("IsNaN", ["raw"], ["hidden"]),
                onnx.helper.make_node("Where", ["hidden", "zero", "raw"], ["scores"]),
            ]
        )
        model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
        return model

    run = start_case()
    true_graph = dict(run._pipeline.graph())
    plant(run, hide, tmp_path)
    run.check("build")
    run._pipeline.graph().update(true_graph)
    with pytest.raises(
        CheckFailed, match=r"nan: output 'scores': 0 came out where FP32 has nan, at \[0, 0\]"
    ) as failure:
        run.check("invariance")
    assert "reproduce: pytest suites/ --models convnet" in str(failure.value)


def test_profiles_of_one_model_are_held_against_each_other(start_case: StartCase) -> None:
    """The second case of a model in a session tells how far it is from the first at a point that both have."""
    profiles = (Profile({"batch": (1, 2, 4)}), Profile({"batch": (2, 3, 8)}))
    runs = [
        start_case(profile=profiles[0], profiles=profiles),
        start_case(profile=profiles[1], profiles=profiles[::-1]),
    ]
    for run in runs:
        run.check("invariance")
    assert "no engine of another profile was there yet: batch2x3x8" in message_of(runs[0], "invariance")
    assert "recorded profiles (against batch1x2x4: " in message_of(runs[1], "invariance")
    (difference,) = [m.value for m in runs[1].records()[0].measurements if m.metric == "profile_difference"]
    assert difference < 1e-5


def test_rows_that_depend_on_their_neighbours_are_caught(start_case: StartCase, tmp_path: Path) -> None:
    """A graph that mixes the rows of a batch fails invariance."""

    def mix(model: onnx.ModelProto) -> onnx.ModelProto:
        head = model.graph.node[-1]
        head.output[0] = "unmixed"
        model.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axis0"))
        model.graph.node.extend(
            [
                onnx.helper.make_node("ReduceSum", ["unmixed", "axis0"], ["summed"], keepdims=1),
                onnx.helper.make_node("Add", ["unmixed", "summed"], ["scores"]),
            ]
        )
        return model

    run = start_case()
    plant(run, mix, tmp_path)
    with pytest.raises(CheckFailed, match="differs from the same sample run alone"):
        run.check("invariance")


def test_a_lost_score_fails_the_task(start_case: StartCase, tmp_path: Path) -> None:
    """An engine that classifies worse than the FP32 graph fails with both scores and the flips."""
    task = Classification(source="tests.tiny:labelled", output="scores", batch=4)
    run = start_case(task=task)
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w3", factor=-1.0), tmp_path)
    with pytest.raises(CheckFailed, match="lost"):
        run.check("task")
