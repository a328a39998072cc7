from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.history.records import FindingRecord, VerdictRecord
from reports.attention import attention_of
from reports.overview import Overview
from reports.write import site_of
from tests.reports.sample_history import DESKTOP, NEW, OLD, SERVER, a_verdict

if TYPE_CHECKING:
    from harness.history.records import SessionRecord, TrialRecord
    from harness.verdicts.gate import Status
    from reports.attention import Attention
    from tests.reports.sample_history import HistoryBuilder

CASES = [(model, precision) for model in ("encoder", "resnet50", "squeezenet") for precision in ("fp16", "int8")]


def entries(builder: HistoryBuilder) -> tuple[Attention, ...]:
    """Return what needs attention in the builder's history."""
    return attention_of(Overview.of(site_of(builder.history, title="Report")))


def failing(trial: TrialRecord, message: str) -> TrialRecord:
    """Return a trial whose outputs failed with a message."""
    return replace(
        trial, outcome="failed", findings=(FindingRecord(stage="outputs", outcome="failed", message=message),)
    )


def regressed(builder: HistoryBuilder, session: SessionRecord, model: str, precision: str, cause: str) -> TrialRecord:
    """Return a trial whose latency at batch 4 regressed by 10 %, with an engine of a class of causes."""
    trial = builder.trial(session, model, precision)
    words = tuple(
        replace(
            each, cause=cause, verdict=replace(each.verdict, status="regressed", effect=0.1, value=1.1, baseline=1.0)
        )
        for each in trial.verdicts
        if (each.metric, each.point) == ("latency_host", "batch=4")
    )
    return replace(trial, verdicts=words)


def test_cases_that_fail_with_the_same_words_are_one_entry(builder: HistoryBuilder) -> None:
    """Numbers, names of the case and of tensors do not make another cause."""
    session = builder.session(0)
    for number, (model, precision) in enumerate(CASES):
        message = f"{model}-{precision}-batch1x4x16: /{'abcdef'[number]}/Conv: cosine 0.9{number} is below {number}.5"
        builder.history.add_trial(failing(builder.trial(session, model, precision), message))
    (entry,) = entries(builder)
    assert [case.name for case in entry.cases] == [f"{model}-{precision}-batch1x4x16" for model, precision in CASES]
    assert entry.models == "encoder, resnet50 and squeezenet"
    assert entry.sentence.endswith("And likewise.")
    assert "cosine 0.95 is below 5.5" in entry.cases[5].sentence


def test_other_words_and_other_machines_are_other_entries(builder: HistoryBuilder) -> None:
    """What concerns most cases is first."""
    session = builder.session(0)
    for (model, precision), message in zip(CASES, ["too large"] + ["not a number"] * 5, strict=True):
        builder.history.add_trial(failing(builder.trial(session, model, precision), message))
    alone = builder.trial(session, "encoder", "fp16", environment=DESKTOP)
    builder.history.add_trial(failing(alone, "not a number"))
    assert [(len(entry.cases), entry.environment) for entry in entries(builder)] == [
        (5, SERVER.name),
        (1, SERVER.name),
        (1, DESKTOP.name),
    ]


def test_cases_missing_from_one_session_are_one_entry(builder: HistoryBuilder) -> None:
    """The sentence names the session that asked for them and does not have them."""
    first, second = builder.session(0), builder.session(1)
    for model, precision in CASES:
        builder.history.add_trial(builder.trial(first, model, precision))
    builder.history.add_trial(builder.trial(second, *CASES[0]))
    (entry,) = entries(builder)
    assert (entry.standing.key, len(entry.cases)) == ("missing", 5)
    assert entry.sentence.startswith("not run in session 000000000001 of 2026-01-06 03:30 UTC")


@pytest.mark.parametrize(
    ("causes", "sizes"),
    [
        pytest.param(["other tactics"] * 6, [6], id="of one class"),
        pytest.param(["other tactics"] * 4 + ["same engine"] * 2, [4, 2], id="of two classes"),
    ],
)
def test_regressions_are_one_entry_where_their_engines_differ_alike(
    builder: HistoryBuilder, causes: list[str], sizes: list[int]
) -> None:
    """Slower with other tactics is one thing, slower with the same engine another: that is the machine."""
    session = builder.session(0)
    for (model, precision), cause in zip(CASES, causes, strict=True):
        builder.history.add_trial(regressed(builder, session, model, precision, cause))
    found = entries(builder)
    assert [len(entry.cases) for entry in found] == sizes
    assert found[0].sentence == (
        "speed: worse by 10.0 % to 10.0 %, median 10.0 %, with engines of other tactics; session 000000000000."
    ).replace(" %", "\u00a0%")


def test_a_change_goes_with_the_software_that_came_with_it(builder: HistoryBuilder) -> None:
    """Before there are runs enough to find the change of level, the entry says which version had it first."""
    for index, subject in enumerate((OLD, NEW, NEW)):
        trial = regressed(builder, builder.session(index), "resnet50", "fp16", "")
        passed = tuple(replace(v, verdict=replace(v.verdict, status="pass")) for v in trial.verdicts)
        builder.history.add_trial(replace(trial, subject=subject, verdicts=trial.verdicts if index else passed))
    (entry,) = entries(builder)
    assert entry.sentence.endswith(" Since onnxruntime 1.31.1 instead of onnxruntime 1.30.0.")


@pytest.mark.parametrize(
    ("words", "since"),
    [
        pytest.param(["pass", "inconclusive", "inconclusive"], True, id="never confirmed"),
        pytest.param(["pass", "inconclusive", "regressed"], True, id="confirmed later"),
        pytest.param(["pass", "regressed", "inconclusive"], True, id="confirmed before"),
        pytest.param(["inconclusive", "inconclusive", "inconclusive"], False, id="outside since before it"),
        pytest.param(["pass", "pass", "missing"], False, id="a value that is gone"),
    ],
)
def test_what_is_outside_is_told_since_when_whether_or_not_it_was_confirmed(
    builder: HistoryBuilder, words: list[Status], since: bool
) -> None:
    """A version that came with the first value outside is why, whatever the gate could make of the later ones."""
    for index, (subject, word) in enumerate(zip((OLD, NEW, NEW), words, strict=True)):
        trial = regressed(builder, builder.session(index), "resnet50", "fp16", "")
        said = tuple(replace(v, verdict=replace(v.verdict, status=word)) for v in trial.verdicts)
        builder.history.add_trial(replace(trial, subject=subject, verdicts=said))
    (entry,) = entries(builder)
    told = entry.sentence.partition(" Since ")[2]
    assert told == ("onnxruntime 1.31.1 instead of onnxruntime 1.30.0." if since else "")


@pytest.mark.parametrize("word", ["regressed", "inconclusive"])
@pytest.mark.parametrize(
    ("baseline", "effect", "since"),
    [
        pytest.param(122.0, 0.26, True, id="as the level did"),
        pytest.param(122.0, -0.26, False, id="the other way"),
        pytest.param(159.0, 0.26, False, id="from the new level on"),
    ],
)
def test_a_change_of_level_is_named_where_the_verdict_may_be_of_it(
    builder: HistoryBuilder, word: Status, baseline: float, effect: float, since: bool
) -> None:
    """The level is 122 ms up to a new version and 159 ms since then: what moved otherwise did not move with it."""
    for index in range(24):
        new = index >= 12
        trial = builder.trial(
            builder.session(index), "resnet50", "fp16", slower=1.3 if new else 1.0, subject=NEW if new else OLD,
            quality="ok", verdicts=(), findings=(),
        )  # fmt: skip
        if index == 23:
            verdict = a_verdict(status=word, baseline=baseline, value=159.0, effect=effect)
            trial = replace(trial, verdicts=(VerdictRecord(metric="latency_host", point="batch=4", verdict=verdict),))
        builder.history.add_trial(trial)
    builder.history.find_change_points(trial.session)
    (entry,) = entries(builder)
    told = entry.sentence.partition(" Since ")[2]
    assert told == ("onnxruntime 1.31.1 instead of onnxruntime 1.30.0." if since else "")


def test_a_case_alone_is_told_in_full(builder: HistoryBuilder) -> None:
    """Its sentence has both values."""
    builder.history.add_trial(regressed(builder, builder.session(0), "resnet50", "fp16", "unknown"))
    (entry,) = entries(builder)
    assert "1.10\u00a0ms instead of 1.00\u00a0ms" in entry.sentence
