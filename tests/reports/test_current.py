from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from harness.history.records import FindingRecord, SessionRecord
from harness.history.rows import MatrixCell, SessionRow
from reports.current import (
    CurrentCase,
    asks_for,
    current_cases,
    describe_change,
    is_tuned,
    sentence_of,
    standing_of,
    tuned_latency,
    volume,
)
from reports.reading import read
from reports.standing import worst
from tests.reports.sample_history import DESKTOP, NEW, OLD, HistoryBuilder, a_verdict

NOON = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)


def a_session(*, command: str = "pytest suites/", **settings: Any) -> SessionRow:
    """Make a finished session."""
    record = SessionRecord(id="abc", started_at=NOON, command=command, settings=settings)
    return SessionRow(record=record, status="finished", finished_at=NOON, outcomes={}, verdicts={})


def a_cell(**changes: Any) -> MatrixCell:
    """Make a cell of a case that passed."""
    values: dict[str, Any] = {
        "case_id": "resnet50-fp16-batch1x4x16",
        "case_version": 1,
        "model": "resnet50",
        "precision": "fp16",
        "profile": "batch1x4x16",
        "environment": "cpu",
        "environment_hash": "e",
        "subject_hash": "s",
        "session_id": "abc",
        "trial_id": 1,
        "started_at": NOON,
        "outcome": "ok",
        "message": "",
        "quality": "ok",
        "values": {("latency_host", point): 1.0 for point in ("batch=1", "batch=4", "batch=16")},
        "verdicts": {},
        "findings": (),
    }
    return MatrixCell(**{**values, **changes})


def a_case(*cells: MatrixCell) -> CurrentCase:
    """Make the present state of a case."""
    return CurrentCase(
        case_id=cells[0].case_id,
        model=cells[0].model,
        precision=cells[0].precision,
        profile=cells[0].profile,
        version=1,
        environment="e",
        cells=cells,
        session=a_session(),
        missing_from=None,
        stale=False,
        standing=worst(map(standing_of, cells)),
    )


@pytest.mark.parametrize(
    ("session", "asked"),
    [
        pytest.param(a_session(), True, id="a session without limits asks for everything"),
        pytest.param(a_session(models=["resnet50"]), True, id="one for this model asks for it"),
        pytest.param(a_session(models=["squeezenet"]), False, id="one for another model does not"),
        pytest.param(a_session(precisions=["int8"]), False, id="nor one for another precision"),
        pytest.param(a_session(profiles=["static"]), False, id="nor one for another profile"),
        pytest.param(a_session(models=[], precisions=["fp16"]), True, id="an empty limit is none"),
        pytest.param(a_session(command="pytest suites/ -k squeezenet"), False, id="nor one narrowed by a keyword"),
        pytest.param(
            a_session(command="pytest suites/test_models.py::test_build"), False, id="nor one for a test's id"
        ),
        pytest.param(a_session(command="pytest suites/ '--deselect=a b'"), False, id="nor one with a quoted option"),
        pytest.param(a_session(command="pytest suites/ --lf"), False, id="nor one for what failed last"),
        pytest.param(a_session(command="pytest suites/my-model -x"), True, id="a folder with a dash narrows nothing"),
        pytest.param(a_session(command="trt-harness check a.onnx", check="a.onnx"), False, id="nor a check of a file"),
    ],
)
def test_a_session_asks_for_what_its_settings_and_command_name(session: SessionRow, asked: bool) -> None:
    """A case is missing only from a session that was to run it."""
    assert asks_for(session, a_cell(), [a_session()]) is asked


@pytest.mark.parametrize(
    ("session", "asked"),
    [
        pytest.param(a_session(), False, id="a normal session leaves slow models out"),
        pytest.param(a_session(pace="full"), True, id="a full one does not"),
        pytest.param(a_session(models=["resnet50"]), True, id="nor one that names the model"),
    ],
)
def test_slow_models_are_those_that_only_full_sessions_ran(session: SessionRow, asked: bool) -> None:
    """A case that only full sessions have had is not missing from the others."""
    assert asks_for(session, a_cell(), [a_session(pace="full"), a_session(pace="full")]) is asked


@pytest.mark.parametrize(
    ("profile", "points", "tuned"),
    [
        pytest.param("batch1x4x16", ["batch=1", "batch=4", "batch=16"], "batch=4", id="one axis"),
        pytest.param(
            "batch1x4x8-sequence16x64x128",
            ["batch=1,sequence=16", "batch=4,sequence=64", "batch=8,sequence=128", "batch=8,sequence=16"],
            "batch=4,sequence=64",
            id="two axes",
        ),
        pytest.param("batch1x16x16", ["batch=1", "batch=16"], "batch=16", id="tuned for the largest"),
        pytest.param("batch4", ["batch=4"], "batch=4", id="one size"),
        pytest.param("server", ["batch=32", "batch=1", "batch=8"], "batch=8", id="a name of its own: the middle one"),
        pytest.param("static", ["static"], "static", id="no free dimension"),
        pytest.param("batch1x4x16", ["batch=1", "batch=16"], "batch=1", id="not run where it is tuned"),
    ],
)
def test_the_tuned_point_stands_for_the_case(profile: str, points: list[str], tuned: str) -> None:
    """The latency in the matrix is that of the shape that the engine is tuned for, else of the middle one."""
    cell = a_cell(profile=profile, values={("latency_host", point): 1.0 for point in points})
    assert tuned_latency(cell) == ("latency_host", tuned)


@pytest.mark.parametrize(
    ("profile", "point", "tuned"),
    [
        pytest.param("batch1x4x16", "batch=4", True, id="the opt of a range"),
        pytest.param("batch1x4x16", "batch=1", False, id="another point of it"),
        pytest.param("batch4", "batch=4", True, id="the only size"),
        pytest.param("server", "batch=4", False, id="a name that does not tell"),
        pytest.param("static", "static", False, id="a graph without free dimensions"),
    ],
)
def test_only_the_opt_of_a_profile_is_called_tuned(profile: str, point: str, tuned: bool) -> None:
    """What the profile's name does not tell is not claimed."""
    assert is_tuned(profile, point) is tuned


def test_the_quietest_latency_is_preferred() -> None:
    """Where a GPU's graph replay was timed, that is the latency of the case."""
    cell = a_cell(values={("latency_host", "batch=4"): 2.0, ("latency_graph", "batch=4"): 1.0})
    assert tuned_latency(cell) == ("latency_graph", "batch=4")
    assert tuned_latency(a_cell(values={("engine_bytes", ""): 1.0})) is None


def test_points_are_ordered_by_their_volume() -> None:
    """The volume of a point is the product of its sizes; a static one has 1."""
    assert volume("batch=4,sequence=128") == 512
    assert volume("static") == 1


def test_a_change_is_told_with_both_values_and_its_interval() -> None:
    """The sentence has metric, point, value, baseline, percent and interval."""
    sentence = describe_change("latency_host", "batch=4", a_verdict()).replace("\u00a0", " ")
    assert sentence == (
        "latency, host to host, median at batch=4: 1.23 ms instead of 1.15 ms (+7.3 %, interval +5.1 % … +9.2 %)"
    )


def test_a_change_without_numbers_is_told_by_its_reason() -> None:
    """A verdict that has no effect to speak of gives its reason."""
    verdict = a_verdict(
        status="missing", value=None, effect=None, low=None, high=None, reason="the trial has no value."
    )
    assert describe_change("latency_host", "", verdict) == "latency, host to host, median: the trial has no value"


def test_a_failure_is_told_by_its_stage_and_first_line() -> None:
    """The case's own name, which stands beside the sentence, and the lines below the first are left out."""
    message = "resnet50-fp16-batch1x4x16: cosine 0.91 < 0.999\n  logits at batch=4\nreproduce: pytest"
    failed = FindingRecord(stage="outputs", outcome="failed", message=message)
    case = a_case(a_cell(outcome="failed", findings=(failed,)))
    assert sentence_of(case) == "outputs: cosine 0.91 < 0.999"


def test_a_short_baseline_is_counted() -> None:
    """A case that cannot be judged yet says how far its baseline has come, by its shortest one."""
    verdicts = {
        ("latency_host", "batch=1"): a_verdict(status="insufficient", n=5),
        ("latency_host", "batch=4"): a_verdict(status="insufficient", n=3),
        ("throughput", "batch=4"): a_verdict(status="insufficient", n=1),
    }
    case = a_case(a_cell(verdicts=verdicts))
    assert case.label == "3 of 8 runs"
    assert not case.standing.attention


def test_a_metric_that_is_not_gated_changes_no_standing() -> None:
    """A regression of throughput, which no gate looks at, leaves a pass a pass."""
    verdicts = {
        ("latency_host", "batch=4"): a_verdict(status="pass"),
        ("throughput", "batch=4"): a_verdict(status="regressed"),
    }
    assert a_case(a_cell(verdicts=verdicts)).standing.key == "pass"


def test_of_several_regressions_the_largest_is_told() -> None:
    """The sentence has the largest effect and counts the others."""
    verdicts = {
        ("latency_host", "batch=1"): a_verdict(),
        ("latency_host", "batch=4"): a_verdict(effect=0.2),
        ("latency_host", "batch=16"): a_verdict(effect=0.1),
    }
    sentence = sentence_of(a_case(a_cell(verdicts=verdicts)))
    assert "at batch=4" in sentence
    assert "2 more series likewise" in sentence


def test_the_worst_subject_speaks_for_the_case() -> None:
    """Of two subjects in one session, the one that failed gives the case its standing."""
    good, bad = a_cell(trial_id=1), a_cell(trial_id=2, outcome="crashed", message="died")
    for cells in ((good, bad), (bad, good)):
        assert a_case(*cells).standing.key == "crashed"
        assert a_case(*cells).newest is bad


def test_a_case_that_a_later_session_lacks_is_missing(builder: HistoryBuilder) -> None:
    """It is missing from the newest session on its machine, and on another machine nothing is."""
    first, second = builder.session(0), builder.session(1)
    builder.history.add_trial(builder.trial(first, "resnet50", "fp16"))
    builder.history.add_trial(builder.trial(first, "resnet50", "fp16", environment=DESKTOP))
    builder.history.add_trial(builder.trial(second, "squeezenet", "fp16"))
    found = {(case.model, case.environment): case for case in current_cases(read(builder.history))}
    missing = [key for key, case in found.items() if case.standing.key == "missing"]
    assert [model for model, _ in missing] == ["resnet50"]
    assert found[missing[0]].missing_from is not None
    assert "not in session 000000000001" in sentence_of(found[missing[0]])


def test_a_partial_session_leaves_the_others_as_they_were(builder: HistoryBuilder) -> None:
    """A session for one model makes the rest stale, not missing."""
    first, second = builder.session(0), builder.session(1, settings={"models": ["squeezenet"]})
    for model in ("resnet50", "squeezenet"):
        builder.history.add_trial(builder.trial(first, model, "fp16"))
    builder.history.add_trial(builder.trial(second, "squeezenet", "fp16"))
    resnet, squeezenet = current_cases(read(builder.history))
    assert (resnet.model, resnet.stale, resnet.missing_from) == ("resnet50", True, None)
    assert resnet.standing.key == "insufficient"
    assert not squeezenet.stale


def test_only_the_last_sessions_subjects_are_current(builder: HistoryBuilder) -> None:
    """An old version's last trial is history once a newer session has run the case."""
    first, second = builder.session(0), builder.session(1)
    failed = replace(builder.trial(first, "resnet50", "fp16", subject=OLD), outcome="crashed")
    builder.history.add_trial(failed)
    builder.history.add_trial(builder.trial(second, "resnet50", "fp16", subject=NEW))
    (case,) = current_cases(read(builder.history))
    assert [cell.subject_hash for cell in case.cells] == [NEW.hash]
    assert case.standing.key == "insufficient"
