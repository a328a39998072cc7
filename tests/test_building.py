from __future__ import annotations

import os
import signal
import sqlite3
import threading
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from harness.building import KeptEngine, keeps_engines
from harness.cases import FP16, Profile
from harness.engines import EngineStore
from harness.errors import BuildFailed, ConfigurationError, RunFailed
from harness.history.records import EngineRecord, SessionRecord
from harness.history.store import History
from harness.workbench import Phases, Workbench
from tests.conftest import ROOT
from tests.engines.building import KEY, engine_file, replace_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.session import CaseRun
    from tests.conftest import StartCase

REUSE = {"engines": "reuse"}


@pytest.fixture
def new_session(tmp_path: Path) -> Iterator[Callable[[], Workbench]]:
    """Return a function that makes the workbench of one more session: workers of its own, the cache shared by all."""
    benches: list[Workbench] = []

    def bench() -> Workbench:
        benches.append(Workbench(tmp_path / f"session{len(benches)}", tmp_path / "cache", [ROOT]))
        return benches[-1]

    yield bench
    for opened in benches:
        opened.close()


def build(run: CaseRun) -> CaseRun:
    """Run the stage that builds."""
    run.check("build")
    return run


def was_reused(run: CaseRun) -> bool:
    """Tell whether a case that was built did not build its engine, by what it measured."""
    (trial,) = run.records()
    metrics = {measurement.metric for measurement in trial.measurements}
    assert "engine_bytes" in metrics
    return "build_seconds" not in metrics


def engine_of(run: CaseRun) -> EngineRecord:
    """Return the record of a case's engine."""
    engine = run.records()[0].engine
    assert engine is not None
    return engine


@pytest.mark.parametrize(
    ("use", "slow_builds", "kept"),
    [("auto", True, True), ("auto", False, False), ("reuse", False, True), ("rebuild", False, True)],
)
def test_engines_are_kept_where_it_is_worth_it_or_asked_for(use: str, slow_builds: bool, kept: bool) -> None:
    """By default only those of runtimes whose builds are slow."""
    assert keeps_engines(use, slow_builds=slow_builds) is kept


def rows_of_engines(database: Path, *runs: CaseRun) -> int:
    """Store what cases left behind and return how many engines the history tells apart."""
    with History.open(database) as history:
        history.start_session(SessionRecord(id="0123456789ab", started_at=datetime.now(timezone.utc), command="pytest"))
        for run in runs:
            for trial in run.records():
                history.add_trial(trial)
    with closing(sqlite3.connect(database)) as connection:
        count: int = connection.execute("SELECT count(DISTINCT engine_id) FROM trial").fetchone()[0]
    return count


def test_a_second_session_takes_the_engine_of_the_first(
    start_case: StartCase, new_session: Callable[[], Workbench], tmp_path: Path
) -> None:
    """It builds nothing, says where the engine is from, shares its row in the history, and passes every check of it."""
    first = build(start_case(FP16, settings=REUSE, bench=new_session()))
    second = start_case(FP16, settings=REUSE, bench=new_session())
    for stage in ("build", "precision", "outputs", "layers", "invariance", "latency"):
        second.check(stage)
    assert (was_reused(first), was_reused(second)) == (False, True)
    assert rows_of_engines(tmp_path / "history.db", first, second) == 1
    assert first.findings[0].message == ""
    assert second.findings[0].message.startswith("the engine built on ")
    assert Path(first._pipeline._engine).read_bytes() == Path(second._pipeline._engine).read_bytes()


def test_by_default_a_runtime_that_builds_fast_keeps_nothing(start_case: StartCase, workbench: Workbench) -> None:
    """A build of onnxruntime's costs less than the care for its engine."""
    build(start_case())
    assert not was_reused(build(start_case()))
    assert EngineStore.below(workbench.cache).list() == ()


def test_rebuilding_takes_the_place_of_what_was_kept(start_case: StartCase, workbench: Workbench) -> None:
    """The engine is built although one is kept, and from then on the new one is."""
    store = EngineStore.below(workbench.cache)
    build(start_case(settings=REUSE))
    (before,) = store.list()
    rebuilt = build(start_case(settings={"engines": "rebuild"}))
    (after,) = store.list()
    assert not was_reused(rebuilt)
    assert after.key == before.key
    assert after.facts.seconds == engine_of(rebuilt).build_seconds != before.facts.seconds


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"precision": FP16}, id="another precision"),
        pytest.param({"profile": Profile({"batch": (1, 2, 8)})}, id="another range"),
        pytest.param({"settings": {**REUSE, "build_options": ("optimization=basic",)}}, id="another build option"),
        pytest.param({"source": "tests.tiny:convnet_of_nan"}, id="another weight"),
    ],
)
def test_what_would_build_another_engine_is_not_reused(start_case: StartCase, change: dict[str, Any]) -> None:
    """A kept engine never stands for one that would come out otherwise."""
    build(start_case(settings=REUSE))
    assert not was_reused(build(start_case(**{"settings": REUSE, **change})))
    assert was_reused(build(start_case(settings=REUSE)))


def test_another_version_of_the_runtime_does_not_reuse(start_case: StartCase) -> None:
    """An upgrade must be measured and not hidden."""
    build(start_case(settings=REUSE))
    upgraded = start_case(settings=REUSE)
    upgraded._pipeline.versions()["version"] += ".1"
    assert not was_reused(build(upgraded))


def test_a_default_that_is_spelt_out_is_the_same_option(start_case: StartCase) -> None:
    """The options in force count, and not which of them were given."""
    build(start_case(settings=REUSE))
    spelt_out = {**REUSE, "build_options": ("optimization=all",)}
    assert was_reused(build(start_case(settings=spelt_out)))


def test_a_kept_engine_that_is_damaged_is_built_anew_and_told_of(start_case: StartCase, workbench: Workbench) -> None:
    """A file that no longer holds what was stored costs a build, and neither the case nor the next session."""
    store = EngineStore.below(workbench.cache)
    build(start_case(settings=REUSE))
    (kept,) = store.list()
    kept.path.write_bytes(kept.path.read_bytes()[:-100])
    mended = build(start_case(settings=REUSE))
    assert not was_reused(mended)
    assert "is damaged (its file of" in engine_of(mended).warnings[0]
    assert "is damaged" in mended.findings[0].message
    assert was_reused(build(start_case(settings=REUSE)))


def test_a_kept_engine_that_no_longer_loads_is_built_anew_and_told_of(
    start_case: StartCase, workbench: Workbench, tmp_path: Path
) -> None:
    """The runtime's own reason is a warning of the new engine, and the store notes it."""
    store = EngineStore.below(workbench.cache)
    build(start_case(settings=REUSE))
    (kept,) = store.list()
    replace_content(store, kept, engine_file(tmp_path, b"no engine" * 100))
    mended = start_case(settings=REUSE)
    mended.check("outputs")
    assert not was_reused(mended)
    assert "no longer loads (onnxruntime" in engine_of(mended).warnings[0]
    assert "built anew" in engine_of(mended).warnings[0]
    assert "onnxruntime" in store.discarded()[0].why
    assert was_reused(build(start_case(settings=REUSE)))


def test_a_worker_that_dies_of_a_kept_engine_is_replaced_and_the_engine_built_anew(
    start_case: StartCase, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runtime that crashes on an old plan costs a build as well."""
    build(start_case(settings=REUSE))
    mended = start_case(settings=REUSE)
    worker = workbench.builder(mended.subject)
    call = worker.call

    def dying(method: str, **more: Any) -> Any:
        if method == "adopt":
            os.kill(worker.pid, signal.SIGSEGV)
        return call(method, **more)

    monkeypatch.setattr(worker, "call", dying)
    mended.check("outputs")
    assert not was_reused(mended)
    assert "SIGSEGV" in engine_of(mended).warnings[0]


def test_an_engine_that_fails_to_build_is_not_kept(start_case: StartCase, workbench: Workbench, tmp_path: Path) -> None:
    """A failure is found again by trying again."""
    run = start_case(settings=REUSE)
    graph = run._pipeline.graph()
    model = onnx.load(graph["path"])
    model.graph.node[0].input[1] = "nowhere"
    graph["path"] = str(tmp_path / "cut.onnx")
    onnx.save(model, graph["path"])
    with pytest.raises(BuildFailed, match="nowhere"):
        run.check("build")
    assert EngineStore.below(workbench.cache).list() == ()


def test_further_builds_are_never_taken_from_the_store(start_case: StartCase) -> None:
    """They are there to tell how much builds differ, so each of them is one."""
    settings = {**REUSE, "builds": 2}
    start_case(settings=settings).check("latency")
    again = start_case(settings=settings)
    again.check("latency")
    first, further = (trial.engine for trial in again.records())
    assert was_first_reused(again)
    assert first is not None
    assert further is not None
    assert first.build_seconds != further.build_seconds


def was_first_reused(run: CaseRun) -> bool:
    """Tell whether the first of several builds was not one."""
    return all(measurement.metric != "build_seconds" for measurement in run.records()[0].measurements)


def test_two_sessions_at_once_do_not_disturb_each_other(
    start_case: StartCase, new_session: Callable[[], Workbench]
) -> None:
    """Both build, both keep, whichever comes last stays, and each works with an engine that is whole."""
    runs = [start_case(settings=REUSE, bench=new_session(), case_timeout=120.0) for _ in range(2)]
    threads = [threading.Thread(target=run.check, args=("outputs",)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[finding.outcome for finding in run.findings] for run in runs] == [["passed"], ["passed"]]
    assert was_reused(build(start_case(settings=REUSE, bench=new_session())))


def test_a_session_outlives_the_pruning_of_the_store(start_case: StartCase, workbench: Workbench) -> None:
    """What a session works with is a copy."""
    build(start_case(settings=REUSE))
    run = build(start_case(settings=REUSE))
    EngineStore.below(workbench.cache).prune(keep_last=0)
    run.check("latency")
    assert was_reused(run)


def test_a_store_that_cannot_be_written_to_costs_no_case(tmp_path: Path) -> None:
    """The engine is there all the same, and what became of the store is one of its warnings."""
    (tmp_path / "engines").write_text("no folder")
    engine = tmp_path / "case.engine"
    answer = kept_engine(EngineStore(tmp_path / "engines"), engine).build(lambda: built(engine))
    assert (answer["reused"], answer["fingerprint"]) == (False, "ab")
    assert "could not be kept for other sessions" in answer["warnings"][-1]
    assert answer["remark"] == answer["warnings"][-1]


def test_plugins_that_are_missing_are_no_reason_to_discard(tmp_path: Path) -> None:
    """A setting that is wrong is told of as such, and the engine stays."""
    store, engine = EngineStore(tmp_path / "engines"), tmp_path / "case.engine"
    kept_engine(store, engine).build(lambda: built(engine))

    def refuse() -> dict[str, Any]:
        raise ConfigurationError("the plugin library does not load")

    with pytest.raises(ConfigurationError, match="plugin library"):
        kept_engine(store, engine).take_or_build(refuse, lambda: built(engine))
    assert len(store.list()) == 1


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    """A page of a runtime's own words does not become a page of warnings."""
    store, engine = EngineStore(tmp_path / "engines"), tmp_path / "case.engine"
    kept_engine(store, engine).build(lambda: built(engine))

    def refuse() -> dict[str, Any]:
        raise RunFailed("no " * 1000)

    answer = kept_engine(store, engine).take_or_build(refuse, lambda: built(engine))
    assert len(answer["warnings"][0]) < 400
    assert answer["warnings"][1:] == ["slow"]


def test_what_an_older_harness_did_not_note_is_looked_up(tmp_path: Path) -> None:
    """What the store has of a build goes before what is found in its engine now, which fills in the rest."""
    store, engine = EngineStore(tmp_path / "engines"), tmp_path / "case.engine"
    kept_engine(store, engine).build(lambda: built(engine))
    found = {"fingerprint": "of a newer inspector", "provider": "now", "layer_times": [1.0]}
    answer = kept_engine(store, engine).take_or_build(lambda: found, lambda: built(engine))
    assert answer["reused"]
    assert (answer["fingerprint"], answer["provider"], answer["layer_times"]) == ("ab", "CPU", [1.0])
    assert answer["log"] == "INFO: built"


def kept_engine(store: EngineStore, engine: Path) -> KeptEngine:
    """Return the engine of a fixed key."""
    return KeptEngine(store, KEY, "m-fp16-static", str(engine), Phases())


def built(engine: Path) -> dict[str, Any]:
    """Leave an engine and return the answer of a worker that built it."""
    engine.write_bytes(np.arange(8, dtype=np.uint8).tobytes())
    return {
        "seconds": 1.5, "bytes": 8, "options": {}, "warnings": ["slow"], "warning_kinds": {"other": 1},
        "log": "INFO: built", "fingerprint": "ab", "type_shares": {}, "layers": 3, "computing": [], "provider": "CPU",
    }  # fmt: skip
