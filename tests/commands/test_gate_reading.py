from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases.operator import OPERATORS
from harness.commands.gate_reading import read_session
from harness.errors import HistoryError
from harness.history.records import FindingRecord, SubjectRecord
from harness.history.store import History
from tests.history.building import MACHINE, remember, session, trial, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Return a new history."""
    with History.open(tmp_path / "history.db") as opened:
        yield opened


def test_a_session_is_read_with_its_cases_findings_and_verdicts(history: History) -> None:
    """Every first trial is a case, with what its stages said and the last word on each of its series."""
    failed = FindingRecord(stage="layers", outcome="failed", message="out of tolerance")
    remember(
        history,
        trial(1, model="good", word=verdict("regressed")),
        trial(1, model="bad", outcome="failed", findings=(failed,), measurements=()),
        replace(trial(1, model="good"), index=1),
    )
    history.finish_session(session(1).id)
    read = read_session(history.queries, "latest")
    assert (read.id, read.status) == (session(1).id, "finished")
    assert (read.software, read.machines) == (("onnxruntime 1.31.1",), (MACHINE.name,))
    assert (read.started_at, read.commit) == (session(1).started_at, "c0ffee")
    assert [case.model for case in read.cases] == ["good", "bad"]
    assert [case.id for case in read.cases] == ["good-fp16-batch1x4x16", "bad-fp16-batch1x4x16"]
    assert [record.verdict.status for record in read.cases[0].verdicts] == ["regressed"]
    assert (read.cases[1].outcome, list(read.cases[1].findings)) == ("failed", [failed])


def test_a_subject_with_a_name_is_part_of_the_case(history: History) -> None:
    """Two subjects of one session are told apart, and so are their verdicts."""
    ours = SubjectRecord(name="ort130", runtime="onnxruntime", version="1.30.0")
    remember(history, trial(1, word=verdict("pass")), trial(1, subject=ours, word=verdict("regressed")))
    cases = {
        case.id: [r.verdict.status for r in case.verdicts] for case in read_session(history.queries, "latest").cases
    }
    assert cases == {
        "squeezenet-fp16-batch1x4x16": ["pass"],
        "squeezenet-fp16-batch1x4x16@ort130": ["regressed"],
    }
    assert str(read_session(history.queries, "latest").extent) == "1 case under 2 subjects (2 trials)"


def test_cases_of_earlier_sessions_are_missed(history: History) -> None:
    """A case that a session before had and this one has not is lacking, unless pytest was told to leave some out."""
    settings = {"pace": "quick"}
    for number, models in ((1, ("kept", "gone")), (2, ("kept",))):
        history.start_session(replace(session(number), settings=settings))
        for model in models:
            history.add_trial(trial(number, model=model))
        history.finish_session(session(number).id)
    read = read_session(history.queries, session(2).id)
    assert (read.previous, read.lacking, read.narrowed) == (
        session(1).id, {"gone-fp16-batch1x4x16": session(1).id}, ""
    )  # fmt: skip
    history.start_session(replace(session(3), settings={**settings, "narrowed": "-k"}))
    history.add_trial(trial(3, model="kept"))
    read = read_session(history.queries, session(3).id)
    assert (read.lacking, read.narrowed) == ({}, "-k")


def started(history: History, number: int, *models: str, **settings: Any) -> str:
    """Store a finished session that told ``settings`` and tried ``models``; return its id."""
    history.start_session(replace(session(number), settings={"pace": "quick", **settings}))
    for model in models:
        history.add_trial(trial(number, model=model))
    history.finish_session(session(number).id)
    return session(number).id


@pytest.mark.parametrize(
    ("models", "settings", "kind"),
    [
        pytest.param((OPERATORS,), {"narrowed": "-m"}, "operators", id="operators alone"),
        pytest.param((), {"compare": ["old", "new"]}, "comparison", id="a comparison that left no first trial"),
    ],
)
def test_latest_passes_over_sessions_that_are_not_of_models(
    history: History, models: tuple[str, ...], settings: dict[str, Any], kind: str
) -> None:
    """They hide no suite that ran before them, and are judged where they are named."""
    suite = started(history, 1, "squeezenet")
    other = started(history, 2, *models, **settings)
    assert read_session(history.queries, "latest").id == suite
    named = read_session(history.queries, other)
    assert (named.id, named.kind) == (other, kind)


@pytest.mark.parametrize(
    ("models", "settings", "kind"),
    [
        pytest.param((), {}, "suite", id="a session that broke off before its first case"),
        pytest.param((), {"narrowed": "-m"}, "suite", id="one of which nobody knows what it was to run"),
        pytest.param(("resnet50", OPERATORS), {}, "suite", id="a suite with operators beside its models"),
        pytest.param(("net",), {"check": "models/net.onnx"}, "check", id="a check of a file"),
    ],
)
def test_latest_is_never_an_older_session_of_models(
    history: History, models: tuple[str, ...], settings: dict[str, Any], kind: str
) -> None:
    """The newest is read even where it ran nothing, which the gate does not let pass."""
    started(history, 1, "squeezenet")
    newest = started(history, 2, *models, **settings)
    read = read_session(history.queries, "latest")
    assert (read.id, read.kind, len(read.cases)) == (newest, kind, len(models))


def test_without_a_session_of_models_there_is_no_latest(history: History) -> None:
    """The error names the session that can be judged by its id."""
    other = started(history, 1, OPERATORS)
    with pytest.raises(HistoryError, match=rf"no session of models yet; run one: pytest suites/, .*--session {other}"):
        read_session(history.queries, "latest")


def test_an_unknown_session_is_an_error(history: History) -> None:
    """The error names the sessions that there are."""
    remember(history, trial(1))
    with pytest.raises(HistoryError, match=session(1).id):
        read_session(history.queries, "nope")
