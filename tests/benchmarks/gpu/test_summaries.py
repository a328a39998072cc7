from __future__ import annotations

from dataclasses import replace

from benchmarks.gpu.summaries import coverage, line_of, newest_of_each_case, summary_of
from harness.history.records import MeasurementRecord
from tests.history.building import NEW, full_trial, trial


def test_the_newest_first_trial_of_a_case_speaks_for_it() -> None:
    """A later session takes the place of an earlier one; confirmations and other subjects do not."""
    old, new, confirmation = trial(1), trial(2), replace(trial(2), index=1)
    other = replace(trial(1), subject=replace(NEW, name="trt85"))
    assert newest_of_each_case([old, other, new, confirmation]) == [new, other]


def test_a_summary_has_what_each_stage_said_and_what_the_engine_is() -> None:
    """Messages are those of stages that did not pass; latencies are by mode and point."""
    summary = summary_of(full_trial(3))
    assert summary["stages"] == {"build": "passed", "layers": "failed"}
    assert summary["messages"] == {"layers": "fire2/concat left its tolerance"}
    assert summary["latency_ms"] == {"host": {"batch4": 1.0}}
    assert summary["type_shares"] == {"fp16": 0.75, "fp32": 0.25}
    assert (summary["build_seconds"], summary["points"]) == (1.23, ["batch4"])
    assert set(summary["measurements"]) == {"engine_bytes", "output_sqnr_db"}


def test_a_case_without_an_engine_is_summed_up_all_the_same() -> None:
    """What never came about is empty, not left out."""
    summary = summary_of(replace(trial(1), measurements=(), outcome="crashed"))
    assert (summary["build_seconds"], summary["latency_ms"], summary["type_shares"]) == (None, {}, {})
    assert line_of(summary).endswith("build None s; no types; not timed")


def test_a_line_names_failures_and_cases_timed_at_one_point() -> None:
    """Both are what the reader of a matrix looks for."""
    line = line_of(summary_of(full_trial(3)))
    assert "1 passed, 0 skipped, FAILED layers; build 1.23 s; fp16 75% fp32 25%; host 1.0000 ms at batch4" in line
    assert line.endswith("ONE POINT ONLY")
    two = MeasurementRecord(metric="latency_host", point="batch8", value=2.0)
    record = full_trial(3)
    assert "ONE POINT" not in line_of(summary_of(replace(record, measurements=(*record.measurements, two))))


def test_coverage_counts_a_failed_stage_as_a_failed_case() -> None:
    """Cases are counted by subject, and those timed at a single point are named."""
    found = coverage([summary_of(full_trial(1)), summary_of(replace(trial(1), measurements=(), outcome="crashed"))])
    assert found["outcomes"] == {"onnxruntime": {"failed": 1, "crashed": 1}}
    assert found["timed_at_one_point"] == ["squeezenet-fp16-batch1x4x16@onnxruntime"]
