"""The judge of a case: baselines, engines and confirmations of one series at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.cases import metric_named
from harness.history.engines import build_hash
from harness.history.records import EngineRecord, LayerRecord
from harness.history.rows import PastRun
from harness.judging import Judge, MeasuredTrial, change_in_words
from tests.history.building import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.records import VerdictRecord

KEY = ("latency_graph", "batch=1")
STEADY = [1.0, 1.001, 0.999, 1.002, 0.998, 1.0005, 0.9995, 1.0015, 0.9985, 1.0]
TACTICS = (LayerRecord(position=0, name="conv", operator="Conv", compute_type="fp16", tactic="a", milliseconds=0.5),)
ENGINE = EngineRecord(fingerprint="f" * 64, bytes=10, build_seconds=1.0, layer_list=TACTICS)
REBUILT = replace(ENGINE, build_seconds=1.5)
OTHER = replace(
    ENGINE,
    build_seconds=1.7,
    fingerprint="9" * 64,
    layer_list=(replace(TACTICS[0], tactic="b", milliseconds=0.9),),
)


def past(engine: EngineRecord = ENGINE, values: Sequence[float] = STEADY, **changes: object) -> list[PastRun]:
    """Return runs of one engine, each in a session of its own."""
    return [
        PastRun(
            **{  # type: ignore[arg-type]
                "session_id": f"s{i}",
                "index": 0,
                "value": value,
                "build": build_hash(engine),
                "fingerprint": engine.fingerprint,
                **changes,
            }
        )
        for i, value in enumerate(values)
    ]


def measured(value: float, engine: EngineRecord | None = ENGINE, quality: str = "ok") -> MeasuredTrial:
    """Return a trial that measured one latency."""
    return MeasuredTrial(quality, engine, {KEY: value})


def judged(
    values: Sequence[float],
    engine: EngineRecord | None = ENGINE,
    *,
    runs: Sequence[PastRun] | None = None,
    builds: Sequence[MeasuredTrial] = (),
    qualities: Sequence[str] = (),
    baseline: Sequence[float] = STEADY,
) -> VerdictRecord:
    """Judge trials of one series: screened by the first, decided by all where there are more."""
    words = [*qualities, *["ok"] * (len(values) - len(qualities))]
    first, *later = (measured(value, engine, word) for value, word in zip(values, words, strict=True))
    judge = Judge(
        baseline=lambda *_: baseline,
        past_runs=lambda *_: past() if runs is None else runs,
        layers_of=lambda build: TACTICS if build == build_hash(ENGINE) else (),
        first=first,
        builds=builds,
    )
    screened = judge.screen(*KEY)
    return judge.decide(screened, later) if later else screened


@pytest.mark.parametrize(
    ("engine", "cause", "said"),
    [
        pytest.param(ENGINE, "same engine", "trials, same engine; ", id="the engine that was kept"),
        pytest.param(REBUILT, "rebuilt, same tactics", "trials, rebuilt, same tactics; ", id="a rebuild"),
        pytest.param(OTHER, "other tactics", "other tactics in 1 layer: conv (tactic, +0.4 ms); ", id="another engine"),
        pytest.param(None, "unknown", "cause unknown", id="no engine"),
    ],
)
def test_a_regression_names_its_cause(engine: EngineRecord | None, cause: str, said: str) -> None:
    """The sentence says how much slower, how sure, and whether it is the engine; the record has what it rests on."""
    record = judged([1.5, 1.51, 1.49, 1.5, 1.0], engine)
    assert (record.verdict.status, record.cause) == ("regressed", cause)
    assert record.verdict.reason.startswith("slower by 50 % [49")
    assert ", more than 2 %, confirmed by 4 of 5 trials" in record.verdict.reason
    assert said in record.verdict.reason
    assert "1.5 ms, the median of 5 trials, is 50 % above 1 ms" in record.verdict.reason
    assert record.cause_details["trials"] == {"behind": 4, "counted": 5, "left_out": 0}


def test_a_pass_names_no_cause() -> None:
    """Where nothing changed there is nothing to explain."""
    record = judged([1.0], OTHER, runs=past())
    assert (record.verdict.status, record.cause, record.cause_details) == ("pass", "", {})


def test_metrics_that_tactics_do_not_move_have_no_cause() -> None:
    """Accuracy regresses without a word about engines."""
    judge = Judge(
        baseline=lambda *_: [1.0] * 8,
        past_runs=lambda *_: past(),
        layers_of=lambda _: (),
        first=MeasuredTrial("ok", OTHER, {("output_cosine", "batch=1"): 0.5}),
    )
    record = judge.screen("output_cosine", "batch=1")
    assert (record.verdict.status, record.cause) == ("regressed", "")
    assert record.verdict.reason.startswith("lower by 0.5, more than 0.001; ")


def builds_apart(spread: float, *, tactics: int) -> list[PastRun]:
    """Return two runs of each of ten builds that differ by about ``spread`` and chose among so many tactics."""
    return [
        run
        for i in range(10)
        for run in past(
            replace(ENGINE, build_seconds=float(i), fingerprint=f"{i % tactics}" * 64),
            [(1.0 + spread * (i - 4.5) / 3) * again for again in (1.0, 1.0005)],
            session_id=f"b{i}",
        )
    ]


@pytest.mark.parametrize(
    ("spread", "tactics", "status"),
    [
        pytest.param(0.05, 3, "pass", id="builds lie far apart"),
        pytest.param(0.001, 3, "regressed", id="builds lie close together"),
        pytest.param(0.001, 1, "regressed", id="a builder that always chose the same"),
    ],
)
def test_a_rebuild_within_the_lottery_is_no_regression(spread: float, tactics: int, status: str) -> None:
    """A build of new tactics that is 6 % slower is news only where the lottery of builds does not explain it."""
    runs = builds_apart(spread, tactics=tactics)
    baseline = [run.value for run in runs[::2]]
    record = judged([1.06] * 5, replace(OTHER, fingerprint="a" * 64), runs=runs, baseline=baseline)
    assert record.verdict.status == status, record.verdict.reason
    assert ("that builds lie" in record.verdict.reason) is (tactics > 1)


def test_builds_of_the_same_tactics_are_told_apart_from_others() -> None:
    """A rebuild that chose the same is not excused by what builds of other tactics differ by."""
    runs = [*past(ENGINE, STEADY), *past(OTHER, [1.3, 1.301], session_id="s0")]
    assert judged([1.1] * 5, REBUILT, runs=runs).verdict.status == "regressed"
    third = replace(OTHER, fingerprint="7" * 64)
    assert judged([1.1] * 5, third, runs=runs).verdict.status == "pass"


def test_further_builds_of_the_session_widen_the_interval() -> None:
    """Against a kept engine, a rebuild is 10 % slower; three builds of today that differ by 10 % make that no news."""
    assert judged([1.1] * 5, REBUILT).verdict.status == "regressed"
    builds = [measured(value, replace(REBUILT, build_seconds=value)) for value in (1.0, 1.2)]
    record = judged([1.1] * 5, REBUILT, builds=builds)
    assert record.verdict.status == "pass"
    assert "that builds lie" in record.verdict.reason


def test_an_unknown_lottery_is_said() -> None:
    """Where the engine is another build and nothing tells how far builds lie apart, the sentence does."""
    assert "how far builds lie apart is not known" in judged([1.5] * 5, REBUILT).verdict.reason
    assert "how far builds lie apart is not known" not in judged([1.5] * 5, ENGINE).verdict.reason


def test_only_sessions_of_the_baseline_tell_of_the_lottery() -> None:
    """Runs of sessions that regressed lie far from the baseline and are no spread between builds."""
    regressed = past(OTHER, [3.0, 3.1], session_id="regressed")
    assert judged([1.5] * 5, REBUILT, runs=[*past(), *regressed]).verdict.status == "regressed"


def test_an_engine_that_is_not_the_baselines_is_met_by_values() -> None:
    """Runs are the baseline's by their values, so an engine that ran in other sessions only is another one."""
    elsewhere = past(REBUILT, [3.0], session_id="regressed")
    assert judged([1.5] * 5, REBUILT, runs=[*past(), *elsewhere]).cause == "rebuilt, same tactics"


@pytest.mark.parametrize(
    ("qualities", "status", "k"),
    [
        pytest.param(["ok", "contended", "throttled", "ok", "ok"], "regressed", 3, id="two spoilt"),
        pytest.param(["contended", "ok", "ok", "ok", "contended"], "regressed", 3, id="the first one spoilt"),
        pytest.param(["ok", "contended", "throttled", "contended", "ok"], "inconclusive", 1, id="two left"),
        pytest.param(["unstable"] * 5, "regressed", 5, id="a drift within the run spoils none"),
    ],
)
def test_spoilt_trials_do_not_decide(qualities: list[str], status: str, k: int) -> None:
    """Throttled and contended trials have no say; with fewer than three others nothing is decided."""
    verdict = judged([1.5] * 5, qualities=qualities).verdict
    assert (verdict.status, verdict.k) == (status, k)


def test_spoilt_trials_decide_on_what_no_clock_measures() -> None:
    """Memory is the same on a busy machine."""
    key = ("host_memory_peak", "")
    trials = [MeasuredTrial("contended", ENGINE, {key: 3e8}) for _ in range(5)]
    baseline = [1e8 * value for value in STEADY]
    judge = Judge(baseline=lambda *_: baseline, past_runs=lambda *_: (), layers_of=lambda _: (), first=trials[0])
    record = judge.decide(judge.screen(*key), trials[1:])
    assert (record.verdict.status, record.verdict.k) == ("regressed", 5)
    assert record.verdict.reason.startswith("larger by 200 %")


def test_what_only_a_build_gives_stays_as_it_was_screened() -> None:
    """Confirmations that did not measure a series change nothing about it."""
    screened = judged([1.5])
    judge = Judge(baseline=lambda *_: STEADY, past_runs=lambda *_: (), layers_of=lambda _: (), first=measured(1.5))
    assert judge.decide(screened, [MeasuredTrial("ok", ENGINE, {})] * 4) is screened


@pytest.mark.parametrize(
    ("metric", "changes", "words"),
    [
        pytest.param("latency_host", {"effect": 0.1, "low": 0.05, "high": 0.15},
                     "slower by 10 % [5 %, 15 %], more than 5 %", id="a latency that rose"),
        pytest.param("latency_host", {"effect": -0.1, "low": -0.15, "high": -0.05},
                     "faster by 10 % [5 %, 15 %], more than 4.76 %", id="a latency that fell"),
        pytest.param("throughput", {"effect": -0.1, "low": None, "high": None},
                     "lower by 10 %, more than 4.76 %", id="a throughput that fell"),
        pytest.param("engine_bytes", {"effect": -0.5, "low": None, "high": None},
                     "smaller by 50 %, more than 0.99 %", id="a size that fell"),
        pytest.param("output_sqnr_db", {"effect": 4.0, "low": 3.0, "high": 5.0, "scale": "linear"},
                     "higher by 4 dB [3 dB, 5 dB], more than 3 dB", id="a ratio that rose"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_the_metrics_own_words(metric: str, changes: dict[str, object], words: str) -> None:
    """Clocks are slower or faster, sizes larger or smaller, and the interval is turned to read the same way."""
    told = verdict("improved", **changes)  # type: ignore[arg-type]
    assert change_in_words(metric_named(metric), told) == words
