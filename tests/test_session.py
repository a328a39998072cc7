from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cases import BF16, FP16, FP32, INT8, Classification, Precision, Profile
from harness.cases.target import TARGETS
from harness.session import STAGES, CheckFailed
from tests import tiny
from tests.case_runs import message_of, plant, run_all

if TYPE_CHECKING:
    from pathlib import Path

    from harness.workbench import Workbench
    from tests.conftest import StartCase


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


def test_a_lost_score_fails_the_task(start_case: StartCase, tmp_path: Path) -> None:
    """An engine that classifies worse than the FP32 graph fails with both scores and the flips."""
    task = Classification(source="tests.tiny:labelled", output="scores", batch=4)
    run = start_case(task=task)
    plant(run, lambda model: tiny.with_perturbed_weight(model, "w3", factor=-1.0), tmp_path)
    with pytest.raises(CheckFailed, match="lost"):
        run.check("task")
