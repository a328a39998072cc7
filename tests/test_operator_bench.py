from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.history.decisions import Decision
from harness.operator_bench import OperatorBench
from harness.operators.case_files import save_case
from harness.operators.library import OperatorLibrary
from harness.settings import Settings
from harness.surroundings import Surroundings
from harness.workers.subject import Subject
from tests.conftest import ENVIRONMENT
from tests.operators.small_library import HANGING, PASSING, REFUSED, WRONG, write_small_library

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.workbench import Workbench

SUBJECT = Subject("onnxruntime")
NOW = datetime.now(timezone.utc)
QUARANTINE = Decision(
    action="quarantine", case="*", reason="known", author="Ada", created_at=NOW, until=NOW + timedelta(days=1)
)


@pytest.fixture
def make_bench(workbench: Workbench) -> Callable[..., OperatorBench]:
    """Return a function that makes a bench over the small library, with real workers."""

    def make(*, held: int = 0, timeout: float = 60.0, **around: Any) -> OperatorBench:
        write_small_library(workbench.cache, hanging=True)
        settings = Settings(case_timeout=timeout)
        surroundings = Surroundings("0123456789ab", settings, ENVIRONMENT, workbench, lambda *_: [1.0] * held, **around)
        return OperatorBench(surroundings, OperatorLibrary.below(workbench.cache))

    return make


def test_what_passes_is_recorded_with_how_much_was_allowed(make_bench: Callable[..., OperatorBench]) -> None:
    """The record has the case under its own name, both metrics, and what the case is of."""
    trial = make_bench().run(PASSING, "fp16", SUBJECT)
    assert (trial.case_id, trial.model, trial.precision, trial.profile) == (
        "operators-fp16-relu", "operators", "fp16", "relu"
    )  # fmt: skip
    assert (trial.outcome, trial.message) == ("ok", "")
    assert {m.metric: m.value for m in trial.measurements} == {"operator_passes": 1.0, "operator_error": 0.0}
    assert (trial.conditions["operator"], trial.conditions["opset"]) == ("Relu", 17)
    assert [(f.stage, f.outcome) for f in trial.findings] == [("operator", "passed")]
    assert trial.subject.version


def test_what_is_wrong_or_refused_says_so(make_bench: Callable[..., OperatorBench]) -> None:
    """A wrong output fails, a refusal is a skip with the runtime's reason; neither is a regression by itself."""
    bench = make_bench()
    wrong, refused = bench.run(WRONG, "fp32", SUBJECT), bench.run(REFUSED, "fp32", SUBJECT)
    assert (wrong.outcome, wrong.findings[0].outcome, wrong.verdicts) == ("failed", "failed", ())
    assert wrong.tensor_errors[0].errors["max_abs"] == 1.0
    assert (refused.outcome, refused.findings[0].outcome) == ("unsupported", "skipped")
    assert refused.findings[0].message.startswith("unsupported: onnxruntime")


@pytest.mark.parametrize("case", [WRONG, REFUSED], ids=["wrong now", "refused now"])
def test_what_passed_before_and_does_not_now_is_a_regression(
    make_bench: Callable[..., OperatorBench], case: Any
) -> None:
    """One good run is baseline enough, and a refusal is as bad as a wrong output."""
    trial = make_bench(held=1).run(case, "fp32", SUBJECT)
    (verdict,) = trial.verdicts
    assert (verdict.metric, verdict.verdict.status) == ("operator_passes", "regressed")
    assert trial.findings[-1].stage == "regression"
    assert trial.findings[-1].message.startswith("regressed: it held in 1 earlier run and does not hold now: ")


def test_a_quarantine_excuses_what_does_not_pass(make_bench: Callable[..., OperatorBench]) -> None:
    """It is skipped with who said so, and its verdict is no regression."""
    trial = make_bench(held=1, quarantine=lambda *_: QUARANTINE).run(WRONG, "fp32", SUBJECT)
    assert [(f.stage, f.outcome) for f in trial.findings] == [("operator", "skipped")]
    assert trial.findings[0].message.startswith("quarantined up to ")
    assert trial.verdicts[0].verdict.status == "quarantined"


def kill_workers(bench: Workbench, monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Let the next workers that are asked for an operator die of a segmentation fault; return how many are left."""
    left = [times]
    builder = bench.builder

    def dying(subject: Subject) -> Any:
        worker = builder(subject)
        call = worker.call

        def ask(method: str, **arguments: Any) -> Any:
            if method == "operator" and left[0]:
                left[0] -= 1
                os.kill(worker.pid, signal.SIGSEGV)
            return call(method, **arguments)

        monkeypatch.setattr(worker, "call", ask)
        return worker

    monkeypatch.setattr(bench, "builder", dying)
    return left


def test_a_crash_costs_its_case_and_no_other(
    make_bench: Callable[..., OperatorBench], workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record has the signal, and the next case runs in a worker of its own."""
    bench = make_bench()
    bench.run(PASSING, "fp32", SUBJECT)
    kill_workers(workbench, monkeypatch, times=2)
    crashed = bench.run(PASSING, "fp32", SUBJECT)
    assert (crashed.outcome, crashed.findings[0].outcome) == ("crashed", "failed")
    assert "signal 11 (SIGSEGV)" in crashed.message
    assert bench.run(PASSING, "fp32", SUBJECT).outcome == "ok"


def test_a_worker_that_an_earlier_case_broke_is_no_crash(
    make_bench: Callable[..., OperatorBench], workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case is tried once more in a fresh worker, and what that says counts."""
    left = kill_workers(workbench, monkeypatch, times=1)
    trial = make_bench().run(PASSING, "fp32", SUBJECT)
    assert (trial.outcome, left) == ("ok", [0])
    assert "SIGSEGV" in trial.conditions["retried_after"]


def test_a_hang_costs_its_case_and_no_other(make_bench: Callable[..., OperatorBench]) -> None:
    """After the deadline its worker is killed; there is no second try."""
    bench = make_bench(timeout=2.0)
    bench.run(PASSING, "fp32", SUBJECT)
    hanging = bench.run(HANGING, "fp32", SUBJECT)
    assert hanging.outcome == "timed_out"
    assert hanging.message.startswith("it did not end within 2 s, and its worker was killed")
    assert bench.run(PASSING, "fp32", SUBJECT).outcome == "ok"


def test_a_precision_that_the_runtime_lacks_is_unsupported(make_bench: Callable[..., OperatorBench]) -> None:
    """The runtime's own sentence is the reason, and nothing is built."""
    trial = make_bench().run(PASSING, "tf32", SUBJECT)
    assert trial.outcome == "unsupported"
    assert "TF32" in trial.message


def test_a_subject_that_cannot_run_fails_every_case_with_the_reason(make_bench: Callable[..., OperatorBench]) -> None:
    """As where TensorRT is not installed."""
    trial = make_bench().run(PASSING, "fp32", Subject("trt", runtime="tensorrt"))
    assert (trial.outcome, trial.subject.runtime) == ("failed", "tensorrt")
    assert "TensorRT is not installed" in trial.message


def test_inputs_that_may_steer_shapes_are_told_to_tensorrt(make_bench: Callable[..., OperatorBench]) -> None:
    """Its builder must know their values; others are not told, and other runtimes nothing."""
    bench = make_bench()
    tensors = {"shape": np.int64([2, 3]), "axis": np.int32(1), "x": np.zeros(2, np.float32), "m": np.eye(2, dtype=int)}
    save_case(bench._library.tensors(PASSING), tensors, {})
    options = bench._options_for(PASSING, Subject("trt", runtime="tensorrt"))
    assert options["shape_values"] == "shape=2,3/2,3/2,3;axis=1/1/1"
    assert str(options["timing_cache"]).endswith("operators/timing")
    assert bench._options_for(PASSING, SUBJECT) == {}
