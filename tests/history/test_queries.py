"""What the history answers."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from harness.errors import HistoryError
from harness.history.engines import build_hash
from harness.history.identity import series_fingerprint
from harness.history.records import (
    EnvironmentRecord,
    FindingRecord,
    MeasurementRecord,
    SubjectRecord,
    TrialRecord,
    VerdictRecord,
)
from tests.history.building import MACHINE, NEW, OLD, full_trial, remember, session, trial, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.history.store import History

CASE = trial(0).case_id
OTHER_MACHINE = EnvironmentRecord(name="cpu: Xeon, 4 cores", identity={"cpu": "Xeon", "cores": 4})


def baseline(history: History, **options: Any) -> list[float]:
    """Return the baseline of the one series that these tests write."""
    return history.queries.baseline_values(CASE, 1, MACHINE.hash, "latency_host", "batch4", **options)


def test_baseline_is_the_last_runs_newest_last(history: History) -> None:
    """The newest runs are taken, in the order in which they came."""
    remember(history, *(trial(number, value=float(number)) for number in range(1, 31)))
    assert baseline(history) == [float(number) for number in range(11, 31)]
    assert baseline(history, last=3) == [28.0, 29.0, 30.0]


def test_series_that_nobody_measured_has_no_baseline(history: History) -> None:
    """An unknown series is an empty baseline, not an error."""
    assert baseline(history) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"outcome": "failed"}, id="a trial that failed"),
        pytest.param({"outcome": "timed_out"}, id="a trial that timed out"),
        pytest.param({"quality": "contended"}, id="a trial on a contended machine"),
        pytest.param({"index": 1}, id="a confirmation"),
        pytest.param({"value": math.nan}, id="a value that is no number"),
        pytest.param({"word": verdict("regressed")}, id="a run that was called a regression"),
        pytest.param({"word": verdict("inconclusive", effect=0.1)}, id="a slow run that nothing cleared"),
        pytest.param({"model": "resnet50"}, id="a run of another case"),
        pytest.param({"case_version": 2}, id="a run of another version of the case"),
        pytest.param({"environment": OTHER_MACHINE}, id="a run on another machine"),
    ],
)
def test_what_does_not_belong_into_a_baseline(history: History, changes: dict[str, Any]) -> None:
    """Only good first runs of the very series are compared with."""
    remember(history, trial(1, value=1.0), trial(2, **{"value": 9.0, **changes}), trial(3, value=3.0))
    assert baseline(history) == [1.0, 3.0]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"subject": OLD}, id="a run of another version of the runtime"),
        pytest.param({"word": verdict("pass")}, id="a run that passed"),
        pytest.param({"word": verdict("improved", effect=-0.1)}, id="a run that was called an improvement"),
        pytest.param({"word": verdict("inconclusive", effect=-0.1)}, id="a fast run that nothing confirmed"),
        pytest.param({"word": verdict("insufficient")}, id="a run from before there was a baseline"),
    ],
)
def test_what_belongs_into_a_baseline(history: History, changes: dict[str, Any]) -> None:
    """Subjects share a series, and only an alarm keeps a good run out."""
    remember(history, trial(1, value=1.0), trial(2, **{"value": 2.0, **changes}))
    assert baseline(history) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("last_word", "expected"),
    [
        pytest.param(verdict("regressed", k=5), [1.0], id="confirmed, it stays out"),
        pytest.param(verdict("pass", k=5), [1.0, 2.0], id="cleared, it comes in"),
    ],
)
def test_last_word_of_a_session_decides(history: History, last_word: Any, expected: list[float]) -> None:
    """A first run that was screened is in the baseline if, and only if, its confirmation cleared it."""
    remember(
        history,
        trial(1, value=1.0),
        trial(2, value=2.0, word=verdict("inconclusive")),
        trial(2, value=2.1, index=4, word=last_word),
    )
    assert baseline(history) == expected


def test_alarm_on_one_subject_does_not_touch_another(history: History) -> None:
    """In a session of two subjects, the one does not keep the other's run out, nor clear it."""
    remember(
        history,
        trial(1, value=1.0, subject=OLD),
        trial(1, value=2.0, subject=NEW, word=verdict("inconclusive")),
        trial(1, value=1.0, subject=OLD, word=verdict("pass"), index=1),
    )
    assert baseline(history) == [1.0]


def test_regressions_never_become_the_baseline(history: History) -> None:
    """However often a slow engine runs, it is compared with what came before it."""
    remember(history, *(trial(number, value=1.0) for number in range(1, 11)))
    remember(history, *(trial(number, value=1.3, word=verdict("regressed")) for number in range(11, 60)))
    assert baseline(history) == [1.0] * 10


def test_a_baseline_is_of_one_runtime(history: History) -> None:
    """The series of a case holds the runs of every runtime; versions of one are a baseline, other runtimes are not."""
    other = SubjectRecord(name="cuda", runtime="onnxruntime-cuda", version="1.31.1")
    remember(history, trial(1, value=1.0, subject=OLD), trial(2, value=2.0, subject=other), trial(3, value=3.0))
    assert baseline(history) == [1.0, 2.0, 3.0]
    assert baseline(history, runtime="onnxruntime") == [1.0, 3.0]
    assert baseline(history, runtime="onnxruntime-cuda") == [2.0]
    assert baseline(history, runtime="tensorrt") == []


def test_baseline_before_a_session(history: History) -> None:
    """A session is judged by what was committed before its first trial, even after others went on."""
    remember(history, trial(1, value=1.0), trial(2, value=2.0), trial(3, value=3.0), trial(2, value=2.5, model="other"))
    assert baseline(history, before_session=session(2).id) == [1.0]
    assert baseline(history, before_session=session(3).id) == [1.0, 2.0]
    assert baseline(history, before_session="not started yet") == [1.0, 2.0, 3.0]


def test_sessions_count_outcomes_and_last_words(history: History) -> None:
    """A session's row counts first trials by outcome and series by their last word."""
    remember(
        history,
        trial(1, word=verdict("inconclusive")),
        trial(1, word=verdict("regressed", k=5), index=4),
        trial(1, model="resnet50", outcome="crashed", measurements=()),
        trial(2, word=verdict("pass")),
    )
    first, second = history.queries.sessions()
    assert (first.record, first.outcomes, first.verdicts) == (session(1), {"ok": 1, "crashed": 1}, {"regressed": 1})
    assert (second.record, second.outcomes, second.verdicts) == (session(2), {"ok": 1}, {"pass": 1})
    assert history.queries.session(session(1).id) == first
    assert history.queries.session("latest") == second


def test_latest_session_of_an_empty_history(history: History) -> None:
    """Where there is none, the error says how to run one."""
    with pytest.raises(HistoryError, match="no session yet; run one: pytest suites/"):
        history.session()


def test_unknown_session_lists_known_ones(history: History) -> None:
    """A wrong id is answered with the nearest one."""
    history.start_session(session(10))
    with pytest.raises(HistoryError, match="Did you mean '00000000000a'"):
        history.session("0000000000a")


def test_series_points_tell_time_subject_value_and_verdict(history: History) -> None:
    """The runs of a series come oldest first, each with what a chart needs."""
    remember(
        history, trial(1, subject=OLD, value=1.0), trial(2, value=math.nan, quality="throttled", word=verdict("pass"))
    )
    (series,) = history.queries.series_list()
    assert (series.case_id, series.metric, series.point) == (CASE, "latency_host", "batch4")
    assert (series.environment, series.environment_hash) == (MACHINE.name, MACHINE.hash)
    first, second = history.queries.series_points()[series.id]
    assert (first.value, first.subject_hash, first.verdict) == (1.0, OLD.hash, None)
    assert first.started_at == trial(1).started_at
    assert math.isnan(second.value)
    assert (second.quality, second.verdict) == ("throttled", verdict("pass"))


def test_series_points_of_chosen_series(history: History) -> None:
    """Only the series asked for are read, and one without runs would be an empty list."""
    remember(history, trial(1), trial(1, model="resnet50"))
    first, second = history.queries.series_list()
    assert list(history.queries.series_points([second])) == [second.id]
    assert set(history.queries.series_points()) == {first.id, second.id}


def test_matrix_has_the_newest_first_trial_of_each_cell(history: History) -> None:
    """A cell per case, environment and subject tells the newest first trial and its session's last words."""
    findings = (FindingRecord(stage="latency", outcome="failed", message="slower"),)
    remember(
        history,
        trial(1, subject=OLD, value=1.0),
        trial(1, environment=OTHER_MACHINE, value=5.0),
        trial(2, value=2.0, word=verdict("pass")),
        trial(3, value=3.0, word=verdict("inconclusive"), findings=findings, outcome="failed", message="slower"),
        trial(3, value=3.3, word=verdict("regressed", k=5), index=4),
    )
    cells = {(cell.environment, cell.subject_hash): cell for cell in history.queries.latest_matrix()}
    assert len(cells) == 3
    newest = cells[MACHINE.name, NEW.hash]
    assert (newest.trial_id, newest.session_id, newest.outcome, newest.message) == (
        4,
        session(3).id,
        "failed",
        "slower",
    )
    assert newest.values == {("latency_host", "batch4"): 3.0}
    assert newest.verdicts == {("latency_host", "batch4"): verdict("regressed", k=5)}
    assert newest.verdict_counts == {"regressed": 1}
    assert newest.findings == findings
    assert cells[MACHINE.name, OLD.hash].values == {("latency_host", "batch4"): 1.0}
    assert cells[OTHER_MACHINE.name, NEW.hash].verdicts == {}


def test_case_that_was_repeated_is_judged_by_the_repetition(history: History) -> None:
    """A cell has no verdict of an earlier first trial, of the same session though it is."""
    remember(history, trial(1, word=verdict("regressed")), trial(1))
    (cell,) = history.queries.latest_matrix()
    assert (cell.trial_id, cell.verdicts) == (2, {})


def test_session_verdicts_are_the_last_words(history: History) -> None:
    """Each series of each subject has one word in a session: the last."""
    remember(
        history,
        trial(1, word=verdict("pass")),
        trial(2, subject=OLD, word=verdict("pass")),
        trial(2, word=verdict("inconclusive")),
        trial(2, word=verdict("regressed", k=5), index=4),
    )
    words = [
        (word.series.case_id, word.trial_id, word.subject_hash, word.verdict.status)
        for word in history.queries.session_verdicts(session(2).id)
    ]
    assert words == [(CASE, 4, NEW.hash, "regressed"), (CASE, 2, OLD.hash, "pass")]


def test_recorded_findings_of_a_session(history: History) -> None:
    """A session that is resumed is told what its items said, and nothing of cases and sessions that said nothing."""
    remember(history, full_trial(1), trial(1, model="resnet50"), full_trial(2))
    assert history.queries.recorded_findings(session(1).id) == {
        (CASE, "onnxruntime"): {"build": ("passed", ""), "layers": ("failed", "fire2/concat left its tolerance")},
    }


def test_subjects_and_environments_by_their_hashes(history: History) -> None:
    """Both come back as they went in."""
    remember(history, trial(1, subject=OLD), trial(2, environment=OTHER_MACHINE))
    assert history.queries.subjects() == {OLD.hash: OLD, NEW.hash: NEW}
    assert history.queries.environments() == {MACHINE.hash: MACHINE, OTHER_MACHINE.hash: OTHER_MACHINE}


def test_trials_that_do_not_exist(history: History) -> None:
    """One that is asked for by itself is an error; among others it is left out."""
    (trial_id,) = remember(history, trial(1))
    with pytest.raises(HistoryError, match="no trial 99"):
        history.queries.trial(99)
    assert list(history.queries.trials([99, trial_id])) == [trial_id]


def many_series(history: History, count: int) -> None:
    """Store trials with many series, verdicts, layers and findings each."""
    names = [f"batch{index}" for index in range(count)]
    template = full_trial(1)
    for number in range(1, count + 1):
        record = TrialRecord(
            **vars(template)
            | {
                "session": session(number).id,
                "model": f"model{number}",
                "case_id": f"model{number}-fp16-static",
                "case_hash": f"{number}",
                "measurements": tuple(MeasurementRecord(metric="latency_host", point=n, value=1.0) for n in names),
                "verdicts": tuple(
                    VerdictRecord(metric="latency_host", point=n, verdict=verdict("pass")) for n in names
                ),
            }
        )
        remember(history, record)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda q: q.sessions(), id="sessions"),
        pytest.param(lambda q: q.latest_matrix(), id="matrix"),
        pytest.param(lambda q: q.series_list(), id="list of series"),
        pytest.param(lambda q: q.series_points(), id="points of series"),
        pytest.param(lambda q: q.trials(range(100)), id="trials"),
        pytest.param(lambda q: q.view("trend"), id="view"),
    ],
)
def test_number_of_statements_does_not_grow_with_the_rows(history: History, ask: Callable[[Any], object]) -> None:
    """Each question takes as many statements for ten cases as for two."""
    statements: list[str] = []
    event.listen(history._engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    many_series(history, 2)
    statements.clear()
    ask(history.queries)
    few = len(statements)
    many_series(history, 10)
    statements.clear()
    ask(history.queries)
    assert len(statements) == few < 15


def test_past_runs_come_with_their_engines(history: History) -> None:
    """Confirmations and regressions of earlier sessions are there, with builds that can be told apart."""
    record = full_trial(1).engine
    assert record is not None
    rebuilt = replace(record, build_seconds=9.0)
    remember(
        history,
        trial(1, value=1.0, engine=record),
        trial(1, value=1.1, engine=rebuilt, index=1),
        trial(2, value=2.0, engine=record, word=verdict("regressed")),
        trial(3, value=3.0),
        trial(4, value=4.0, quality="throttled"),
        trial(5, value=5.0, outcome="failed"),
        trial(6, value=6.0, subject=replace(NEW, runtime="tensorrt")),
        trial(7, value=7.0, model="other"),
        trial(8, value=8.0, engine=record),
    )
    series = series_fingerprint(CASE, 1, MACHINE.hash, "latency_host", "batch4")
    runs = history.queries.past_runs([series], runtime="onnxruntime", before_session=session(8).id, pace="quick")
    assert [(run.session_id, run.index, run.value) for run in runs] == [
        (session(1).id, 0, 1.0),
        (session(1).id, 1, 1.1),
        (session(2).id, 0, 2.0),
        (session(3).id, 0, 3.0),
    ]
    assert [run.build for run in runs] == [build_hash(record), build_hash(rebuilt), build_hash(record), ""]
    assert {run.fingerprint for run in runs} == {record.fingerprint, ""}
    wanted = {"runtime": "onnxruntime", "before_session": session(8).id}
    assert [run.value for run in history.queries.past_runs([series], last=2, **wanted)] == [2.0, 3.0]
    assert history.queries.past_runs([series], pace="full", **wanted) == []


def test_layers_of_a_build_are_found_by_its_hash(history: History) -> None:
    """An engine's layers are those that were stored; a build that is not there has none."""
    record = full_trial(1).engine
    assert record is not None
    remember(history, full_trial(1))
    assert history.queries.layers_of(build_hash(record)) == record.layer_list
    assert history.queries.layers_of("nothing") == ()


def test_a_cause_is_stored_with_its_verdict(history: History) -> None:
    """The class is with the session's last words, what it rests on with the trial, and both in the view."""
    details = {"layers": [{"name": "conv", "milliseconds": [0.5, None]}]}
    told = VerdictRecord(
        metric="latency_host",
        point="batch4",
        verdict=verdict("regressed"),
        cause="other tactics",
        cause_details=details,
    )
    (trial_id,) = remember(history, trial(1, verdicts=(told,)))
    assert history.queries.trial(trial_id).record.verdicts == (told,)
    assert [word.cause for word in history.queries.session_verdicts(session(1).id)] == ["other tactics"]
    (row,) = history.queries.view("regressions")
    assert (row["cause"], json.loads(row["cause_details"])) == ("other tactics", details)
