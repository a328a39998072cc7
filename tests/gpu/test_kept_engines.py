"""Plans that are used again in a later session, and those that no longer can be; skipped where there is no GPU."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest

from harness.cases import FP16, FP32
from harness.engines import EngineStore
from harness.measurement.devices import present_gpus
from harness.workers.subject import Subject
from tests.engines.building import engine_file, replace_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.cases import Precision
    from harness.history.records import EngineRecord
    from harness.session import CaseRun
    from harness.workbench import Workbench
    from tests.conftest import StartCase

pytestmark = pytest.mark.skipif(
    not present_gpus() or importlib.util.find_spec("tensorrt") is None,
    reason="needs an NVIDIA GPU, and TensorRT in this interpreter",
)

OTHER_PYTHON = os.environ.get("OTHER_TENSORRT_PYTHON", "")


@pytest.fixture
def start(start_case: StartCase) -> Callable[..., CaseRun]:
    """Return a function that starts one case of a tiny model on the GPU, with the default way to come by engines."""

    def case_run(precision: Precision = FP32, *, engines: str = "auto", python: str = "") -> CaseRun:
        subject = Subject("other", "tensorrt", python) if python else Subject("tensorrt", "tensorrt")
        settings = {"engines": engines, "build_options": ("optimization_level=1",), "case_timeout": 300.0}
        return start_case(precision, subject=subject, settings=settings)

    return case_run


def engine_and_metrics(run: CaseRun) -> tuple[EngineRecord, set[str]]:
    """Return the record of a case's engine, and what was measured of the case."""
    (trial,) = run.records()
    assert trial.engine is not None
    return trial.engine, {measurement.metric for measurement in trial.measurements}


@pytest.mark.parametrize("precision", [FP32, FP16], ids=lambda p: p.name)
def test_a_plan_is_used_again_and_is_as_good_as_built(start: Callable[..., CaseRun], precision: Precision) -> None:
    """By default TensorRT builds once; the second case passes every stage with the same plan, whose log it has too."""
    first, second = start(precision), start(precision)
    first.check("build")
    for stage in ("build", "precision", "outputs", "layers", "latency"):
        second.check(stage)
    (built, of_first), (reused, of_second) = engine_and_metrics(first), engine_and_metrics(second)
    assert "build_seconds" in of_first
    assert "build_seconds" not in of_second
    assert (reused.fingerprint, reused.build_seconds) == (built.fingerprint, built.build_seconds)
    assert reused.log == built.log != ""


def test_a_plan_is_rebuilt_when_it_is_asked_for(start: Callable[..., CaseRun]) -> None:
    """And then it is the new one that is kept."""
    first, second, third = start(), start(engines="rebuild"), start()
    for run in (first, second, third):
        run.check("build")
    assert "build_seconds" in engine_and_metrics(second)[1]
    assert engine_and_metrics(third)[0].build_seconds == engine_and_metrics(second)[0].build_seconds


def test_a_plan_that_was_cut_off_is_built_anew(
    start: Callable[..., CaseRun], workbench: Workbench, tmp_path: Path
) -> None:
    """TensorRT's own reason is among the warnings, and the case passes."""
    start().check("build")
    store = EngineStore.below(workbench.cache)
    (kept,) = store.list()
    replace_content(store, kept, engine_file(tmp_path, kept.path.read_bytes()[:-500]))
    run = start()
    run.check("outputs")
    engine, metrics = engine_and_metrics(run)
    assert "build_seconds" in metrics
    assert "no longer loads (" in engine.warnings[0]


@pytest.mark.skipif(not OTHER_PYTHON, reason="OTHER_TENSORRT_PYTHON names no interpreter with another TensorRT")
def test_a_plan_of_another_tensorrt_is_not_taken_and_would_be_built_anew(
    start: Callable[..., CaseRun], workbench: Workbench, tmp_path: Path
) -> None:
    """Each version keeps its own; where one stands in the place of the other all the same, it is refused."""
    foreign = start(python=OTHER_PYTHON)
    foreign.check("build")
    run = start()
    run.check("build")
    assert "build_seconds" in engine_and_metrics(run)[1]
    store = EngineStore.below(workbench.cache)
    ours, theirs = sorted(store.list(), key=lambda engine: engine.built_at, reverse=True)
    assert ours.parts["version"] != theirs.parts["version"]
    replace_content(store, ours, engine_file(tmp_path, theirs.path.read_bytes()))
    mended = start()
    mended.check("outputs")
    assert "no longer loads (" in engine_and_metrics(mended)[0].warnings[0]
