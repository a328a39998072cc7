from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.records import EngineRecord, MeasurementRecord, SubjectRecord, VerdictRecord
from harness.summary import summary_lines
from tests.history.building import trial, verdict

if TYPE_CHECKING:
    from harness.history.records import TrialRecord

CASE = "squeezenet-fp16-batch1x4x16"
ENGINE = EngineRecord(fingerprint="ab" * 32, bytes=5_000_000, build_seconds=1.5)


def lines_of(*trials: TrialRecord, report: Path | None = None) -> list[str]:
    """Return the summary of ``trials``."""
    return summary_lines(trials, session="0123456789ab", report=report, db="history.db")


def row_of(**changes: Any) -> str:
    """Return the table's line for a single trial."""
    return lines_of(trial(1, **changes))[1]


def records(*words: Any) -> tuple[VerdictRecord, ...]:
    """Return verdicts on the latency at one point each."""
    return tuple(VerdictRecord(metric="latency_host", point=f"batch={i}", verdict=word) for i, word in enumerate(words))


def measured(metric: str, *values: float) -> tuple[MeasurementRecord, ...]:
    """Return one measurement of ``metric`` at each of several points."""
    return tuple(MeasurementRecord(metric=metric, point=f"p{i}", value=value) for i, value in enumerate(values))


def test_a_session_without_a_case_says_nothing_of_cases() -> None:
    """There is no empty table and no history to look into."""
    assert lines_of() == []


def test_the_last_lines_say_where_to_look() -> None:
    """The report's page, if one was written, and the history with the session's id."""
    assert lines_of(trial(1), report=Path("build/report/index.html"))[-2:] == [
        f"report:  {Path('build/report/index.html')}",
        "history: history.db (session 0123456789ab; trt-harness query latest)",
    ]
    assert not any(line.startswith("report:") for line in lines_of(trial(1)))


def test_each_case_has_one_row() -> None:
    """Confirmations of a case are not cases of their own, and columns line up."""
    lines = lines_of(trial(1), trial(1, index=1), trial(1, model="net"))
    assert lines[0].split() == ["case", "worst", "SQNR", "latency,", "all", "points", "quality", "verdicts"]
    assert [line.split()[0] for line in lines[1:-1]] == [CASE, "net-fp16-batch1x4x16"]
    assert lines[1].index(" ms") == lines[2].index(" ms")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"measurements": measured("output_sqnr_db", 50.0, 42.04, 60.0)}, "42.0 dB", id="the worst ratio"),
        pytest.param({"measurements": measured("output_sqnr_db", float("inf"))}, "inf dB", id="an exact match"),
        pytest.param({"measurements": measured("latency_host", 3.0, 1.2345, 20.0)}, "1.23 ms … 20 ms",
                     id="the latencies from least to most"),
        pytest.param({"measurements": measured("latency_host", 3.0)}, "3 ms ", id="one latency stands alone"),
        pytest.param({"measurements": ()}, f"{CASE}  -  ", id="nothing measured"),
        pytest.param({"quality": "contended", "conditions": {"load": 2.0}}, "  contended  ",
                     id="timings that are not to be trusted"),
        pytest.param({"quality": "ok", "conditions": {}}, "  -        -", id="no timings whose quality could be told"),
        pytest.param({"outcome": "timed_out"}, "timed out", id="a case that did not end well"),
        pytest.param({"subject": SubjectRecord(name="ort130", runtime="onnxruntime", version="1.30")}, f"{CASE}@ort130",
                     id="a subject that was named"),
        pytest.param({"verdicts": ()}, "  -", id="no verdict"),
        pytest.param({"verdicts": records(verdict("pass"), verdict("regressed"), verdict("pass"))},
                     "2 pass, 1 regressed",
                     id="verdicts counted, the commonest first"),
        pytest.param({"verdicts": records(verdict("insufficient", n=3), verdict("insufficient", n=5))},
                     "insufficient: 5 baseline runs", id="a baseline that is growing"),
    ],
)  # fmt: skip
def test_a_row_tells_accuracy_speed_quality_and_verdict(changes: dict[str, Any], text: str) -> None:
    """What is not known is a dash."""
    assert text in row_of(**changes)


def test_one_run_is_told_in_the_singular() -> None:
    """A baseline of one run is no baseline of one runs."""
    assert row_of(verdicts=records(verdict("insufficient", n=1))).endswith("insufficient: 1 baseline run")


@pytest.mark.parametrize("status", ["regressed", "improved", "missing"])
def test_a_change_is_told_with_its_series_and_reason(status: Any) -> None:
    """It stands below the table, once, with the metric's title and the point."""
    lines = lines_of(trial(1, verdicts=records(verdict(status))))
    assert lines[2] == f"{status:<9} {CASE}: latency, host to host, median at batch=0: it is {status}"


def test_what_passed_is_not_told_again() -> None:
    """Neither are changes of metrics that nobody gates on."""
    tail = VerdictRecord(metric="latency_host_p99", point="batch=1", verdict=verdict("regressed"))
    assert len(lines_of(trial(1, verdicts=(*records(verdict("pass"), verdict("insufficient")), tail)))) == 3


def test_engines_that_were_not_built_are_counted() -> None:
    """Whoever waits for the effect of a new compiler flag is told that none was used."""
    engine = EngineRecord(fingerprint="ab", bytes=8, build_seconds=20.25)
    built = trial(1, engine=engine, measurements=measured("build_seconds", 20.25))
    reused = trial(1, engine=engine, measurements=measured("engine_bytes", 8.0))
    lines = lines_of(built, reused, reused, trial(1, engine=None))
    assert (
        "engines: 2 of 3 from earlier sessions, 40.5 s of building saved (--engines rebuild builds them anew)" in lines
    )
    assert not any(line.startswith("engines:") for line in lines_of(built))


def test_many_changes_are_cut_short_and_counted() -> None:
    """Ten are told, and how many more there are."""
    lines = lines_of(*(trial(1, model=f"net{i}", verdicts=records(verdict("regressed"))) for i in range(13)))
    assert sum(line.startswith("regressed") for line in lines) == 10
    assert "… and 3 more" in lines


def test_series_that_moved_together_are_told_once() -> None:
    """A case that is slower at three points has one line, which counts the others."""
    lines = lines_of(trial(1, verdicts=records(*[verdict("regressed")] * 3)))
    (line,) = [line for line in lines if line.startswith("regressed")]
    assert line.endswith("it is regressed (and 2 more series with it)")


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        pytest.param([{"heavy": {"cc1plus (pid 4)": 1.43, "sh (pid 5)": 0.1}}, {}],
                     "contended: 1 of 2 cases, by cc1plus (pid 4) with 1.4 cores", id="the busiest"),
        pytest.param([{"heavy": {"a (pid 1)": 0.5}}, {"heavy": {"a (pid 1)": 0.75}}, {"heavy": {"b (pid 2)": 2.0}}],
                     "contended: 3 of 3 cases, by b (pid 2) with 2.0 cores, a (pid 1) with 0.8 cores",
                     id="each once, at its busiest"),
        pytest.param([{"heavy": {}, "gpu": {"others": ["trtexec (pid 9)"]}}],
                     "contended: 1 of 1 case, by trtexec (pid 9) on the GPU", id="on the GPU"),
        pytest.param([{"heavy": {}}], "by what cannot be seen from here, or had ended", id="nobody in sight"),
        pytest.param([{"heavy": {f"job (pid {i})": 1.0}} for i in range(5)],
                     "job (pid 0) with 1.0 cores, job (pid 1) with 1.0 cores, job (pid 2) with 1.0 cores and 2 more",
                     id="no more than three"),
    ],
)  # fmt: skip
def test_who_was_in_the_way_is_told(conditions: list[dict[str, Any]], text: str) -> None:
    """A contended case is no riddle: the processes that took the processor or the GPU stand in one line."""
    trials = [
        trial(1, model=f"net{i}", quality="contended" if told else "ok", conditions=told)
        for i, told in enumerate(conditions)
    ]
    (line,) = [line for line in lines_of(*trials) if line.startswith("contended:")]
    assert line.endswith(text)


def test_a_quiet_session_blames_nobody() -> None:
    """Where no case was contended nothing is said of other processes."""
    assert not any(line.startswith("contended:") for line in lines_of(trial(1)))


@pytest.mark.parametrize(
    ("warnings", "text"),
    [
        pytest.param([["too new"], ["fell back", "too new"]],
                     "2 engines: too new (and 1 other warning, see the report)", id="the commonest"),
        pytest.param([["fell back"], []], "1 engine: fell back", id="the only one"),
        pytest.param([["first", "second"]], "1 engine: first (and 1 other warning, see the report)",
                     id="the first of equals"),
    ],
)  # fmt: skip
def test_what_builders_warn_of_is_told(warnings: list[list[str]], text: str) -> None:
    """Each engine counts once, and what is not told is in the report."""
    trials = [
        trial(1, model=f"net{i}", engine=replace(ENGINE, warnings=tuple(texts))) for i, texts in enumerate(warnings)
    ]
    (line,) = [line for line in lines_of(*trials) if line.startswith("warned:")]
    assert line == f"warned:  {text}"


def test_no_warning_no_word_of_it() -> None:
    """Engines without a warning are not mentioned."""
    assert not any(line.startswith("warned:") for line in lines_of(trial(1, engine=replace(ENGINE, warnings=()))))


def test_the_time_of_all_cases_is_summed_by_phase() -> None:
    """The longest phase comes first, and without any there is no such line."""
    lines = lines_of(trial(1, phases={"build": 1.0, "run": 2.0}), trial(1, model="net", phases={"build": 3.5}))
    assert "time:    build 4.5 s, run 2.0 s" in lines
    assert not any(line.startswith("time:") for line in lines_of(trial(1)))
