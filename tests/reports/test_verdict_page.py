from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.decisions import Decision
from harness.history.records import VerdictRecord
from reports.current import furthest_moved
from reports.links import verdict_file
from reports.verdict_page import name_of, verdict_files
from reports.verdict_reading import baseline_of, evidence_of, told_verdicts
from reports.verdict_words import cause_sentence, commands_of, numbers_of, sentence_of
from reports.write import site_of, write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import a_verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.verdicts.gate import Verdict
    from reports.site import Site
    from reports.verdict_reading import Told
    from tests.reports.sample_history import HistoryBuilder

CASE = "resnet50-fp16-batch1x4x16"
SESSIONS = 10


def _store(builder: HistoryBuilder, *, slower: float = 1.2, **changes: Any) -> None:
    """Store nine sessions, and a tenth in which the case is slower, with two confirmations, one of them contended."""
    for index in range(SESSIONS):
        last = index == SESSIONS - 1
        session = builder.session(index)
        trial = builder.trial(
            session, "resnet50", "fp16", slower=slower if last else 1.0, quality="ok", tensor_errors=()
        )
        builder.history.add_trial(replace(trial, **changes) if last else trial)
        if last:
            for ordinal, quality in ((1, "ok"), (2, "contended")):
                again = builder.trial(session, "resnet50", "fp16", slower=slower, index=ordinal, verdicts=())
                builder.history.add_trial(
                    replace(again, engine=trial.engine, quality=quality, findings=(), tensor_errors=())
                )
        builder.history.finish_session(session.id)


def _told(builder: HistoryBuilder, metric: str = "latency_host", point: str = "batch=4") -> tuple[Told, Site]:
    site = site_of(builder.history, title="Report")
    told = told_verdicts(builder.history.queries, site.reading)
    return next(each for each in told if (each.series.metric, each.series.point) == (metric, point)), site


def _with_verdict(builder: HistoryBuilder, verdict: Verdict, **changes: Any) -> tuple[Told, Site]:
    record = VerdictRecord(metric="latency_host", point="batch=4", verdict=verdict, **changes)
    _store(builder, verdicts=(record,))
    return _told(builder)


def test_a_verdict_that_moved_has_a_page(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Its file is named by trial, case, metric and point; what passed has none."""
    _store(builder)
    folder = write_report(builder.history, tmp_path / "report").parent
    told, _ = _told(builder)
    assert name_of(told) == verdict_file(told.trial_id, CASE, "latency_host", "batch=4")
    page = ParsedPage.of(folder / name_of(told))
    assert page.problems == []
    assert "Regressed. Slower by" in page.text
    latencies_and_throughputs = 6
    assert len(list(folder.glob("verdict-*.html"))) == latencies_and_throughputs


def test_the_evidence_is_the_baseline_and_the_trials_of_its_engine(builder: HistoryBuilder) -> None:
    """Runs before the session are its baseline; a contended trial is marked; the last good run has its samples."""
    _store(builder)
    told, site = _told(builder)
    baseline = baseline_of(told, site.reading)
    evidence = evidence_of(told, baseline, builder.history.queries, site.reading)
    assert len(baseline) == told.verdict.n == SESSIONS - 1
    assert evidence.certain
    assert [trial.left_out for trial in evidence.trials] == ["", "", "contended"]
    assert evidence.good_session == f"{SESSIONS - 2:012x}"
    now, before = evidence.samples
    assert now is not None
    assert before is not None
    assert float(now.mean()) > 1.1 * float(before.mean())
    assert [difference.name for difference in evidence.differences] == ["commit"]


def test_a_baseline_that_cannot_be_told_is_said_to_be_likely(builder: HistoryBuilder) -> None:
    """Where the median of the runs before is another one, they are not called the baseline."""
    told, site = _with_verdict(builder, a_verdict(n=9, baseline=1.15))
    evidence = evidence_of(told, baseline_of(told, site.reading), builder.history.queries, site.reading)
    assert not evidence.certain


@pytest.mark.parametrize(
    ("changes", "cause", "details", "sentence"),
    [
        pytest.param(
            {},
            "other tactics",
            {
                "trials": {"behind": 5},
                "layers": [{"changed": ["tactic"]}, {"changed": ["type"]}, {"changed": ["time"]}],
            },
            "Slower by 7.3 % [5.1 %, 9.2 %], more than 5 %, confirmed by 5 of 5 trials, other tactics in 2 layers.",
            id="a regression with its trials and its layers",
        ),
        pytest.param({"k": 1}, "", {}, "Slower by 7.3 % [5.1 %, 9.2 %], more than 5 %.", id="one trial confirms none"),
        pytest.param(
            {"status": "improved", "effect": -0.073, "low": -0.09, "high": -0.05},
            "same engine",
            {},
            "Faster by 7.3 % [5 %, 9 %], more than 4.76 %, same engine.",
            id="an improvement",
        ),
        pytest.param(
            {"status": "inconclusive"},
            "",
            {},
            "Latency, host to host, median at batch=4: 1.23\u00a0ms instead of 1.15\u00a0ms (+7.3\u00a0%, interval "
            "+5.1\u00a0% … +9.2\u00a0%).",
            id="what is open is no change yet",
        ),
        pytest.param(
            {"status": "missing", "value": None, "effect": None, "reason": "it was not measured"},
            "",
            {},
            "Latency, host to host, median at batch=4: it was not measured.",
            id="what is missing has a reason",
        ),
    ],
)
def test_the_sentence_says_what_was_found(
    builder: HistoryBuilder, changes: dict[str, Any], cause: str, details: dict[str, Any], sentence: str
) -> None:
    """It has the change, its interval, the smallest effect, the trials behind it and the class of its cause."""
    told, _ = _with_verdict(builder, a_verdict(**changes), cause=cause, cause_details=details)
    assert sentence_of(told) == sentence


@pytest.mark.parametrize(
    ("changes", "smallest"),
    [
        ({}, "5 % more or 4.76 % less"),
        ({"scale": "linear", "smallest_effect": 0.5}, "0.5 ms"),
        ({"smallest_effect": 0.0}, "0 %"),
    ],
    ids=["a factor", "a difference", "any"],
)
def test_the_smallest_effect_is_that_of_the_sentence(
    builder: HistoryBuilder, changes: dict[str, Any], smallest: str
) -> None:
    """On a log scale it is one factor, which is fewer percents downwards."""
    told, _ = _with_verdict(builder, a_verdict(**changes))
    facts = {fact.name: fact.value for fact in numbers_of(told)}
    assert facts["smallest effect worth a word"] == smallest


def test_the_cause_is_explained_with_its_layers(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A table has what each layer was and is; the sentence says of how many engines the baseline is."""
    layer = {
        "name": "conv1",
        "changed": ["tactic", "time"],
        "tactics": ["sgemm_1", "hmma_2"],
        "types": ["float16", "float16"],
        "milliseconds": [0.01, 0.03],
    }
    details = {"baseline_builds": 3, "layers": [layer]}
    told, _ = _with_verdict(builder, a_verdict(), cause="other tactics", cause_details=details)
    assert cause_sentence(told).endswith("The baseline's runs are of 3 engines.")
    folder = write_report(builder.history, tmp_path / "report").parent
    texts = ParsedPage.of(folder / name_of(told)).texts
    assert {"conv1", "tactic, time", "sgemm_1 → hmma_2", "float16", "0.0100\u00a0ms", "0.0300\u00a0ms"} <= set(texts)


def test_the_commands_are_those_of_the_shell(builder: HistoryBuilder) -> None:
    """Names that a shell or a pattern would read otherwise are quoted; each word has the commands that fit it."""
    told, site = _with_verdict(builder, a_verdict())
    (session,) = (row for row in site.reading.sessions if row.record.id == told.session_id)
    commands = {fact.name: fact.value for fact in commands_of(told, session)}
    assert commands == {
        "Measure it again": "pytest suites/ --models resnet50 --precisions fp16 --profiles batch1x4x16",
        "Accept it as the new level": (
            f"trt-harness baseline ack {CASE} latency_host batch=4 --session {told.session_id} --reason TEXT"
        ),
        "Put it off up to a day": (
            f"trt-harness baseline quarantine {CASE} latency_host --until YYYY-MM-DD --reason TEXT"
        ),
    }
    odd = replace(told, series=replace(told.series, case_id="a b[1]*", point=""))
    accept = {fact.name: fact.value for fact in commands_of(odd, session)}["Accept it as the new level"]
    assert accept.startswith("trt-harness baseline ack 'a b[[]1][*]' latency_host --session")
    gone = replace(told, verdict=replace(told.verdict, status="missing"))
    assert [fact.name for fact in commands_of(gone, session)][1:] == ["Say that the case is gone on purpose"]


def test_other_series_of_the_trial_are_linked(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A page leads to those of the other verdicts of its trial, and not to itself."""
    _store(builder)
    folder = write_report(builder.history, tmp_path / "report").parent
    names = {path.name for path in folder.glob("verdict-*.html")}
    for name in names:
        links = {href for href in ParsedPage.of(folder / name).attributes("href") if href.startswith("verdict-")}
        assert links == names - {name}


def test_decisions_are_shown_and_change_the_state(builder: HistoryBuilder, tmp_path: Path) -> None:
    """An acknowledgement is on the page of what it is about, and only that page is written again."""
    _store(builder)
    told, site = _told(builder)
    before = {file.name: file.state for file in verdict_files(site)}
    decision = Decision(
        action="ack",
        case=CASE,
        metric="latency_host",
        parameters={"session": told.session_id},
        reason="the price of safety",
        author="Ada",
        created_at=datetime(2026, 2, 1, tzinfo=timezone.utc),
    )
    builder.history.decide(decision, [])
    after = {file.name: file.state for file in verdict_files(site)}
    changed = {name for name in before if before[name] != after[name]}
    assert name_of(told) in changed
    assert len(changed) == 3, "the other three are throughputs"
    folder = write_report(builder.history, tmp_path / "report").parent
    expected = f"Acknowledged in session {told.session_id}: Ada, 2026-02-01: the price of safety"
    assert expected in ParsedPage.of(folder / name_of(told)).texts


def test_a_new_session_leaves_the_pages_of_old_verdicts(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Their files are not even touched."""
    _store(builder)
    folder = write_report(builder.history, tmp_path / "report").parent
    told, _ = _told(builder)
    path = folder / name_of(told)
    path.write_text("as it was")
    builder.history.add_trial(builder.trial(builder.session(SESSIONS), "encoder", "fp32"))
    write_report(builder.history, folder)
    assert path.read_text() == "as it was"


def test_gated_verdicts_of_a_session_come_first(builder: HistoryBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many, those that fail nothing are left out."""
    _store(builder)
    monkeypatch.setattr("reports.verdict_reading.MOST_VERDICTS", 3)
    told = told_verdicts(builder.history.queries, site_of(builder.history, title="Report").reading)
    assert [each.series.metric for each in told] == ["latency_host"] * 3


def test_a_screened_alarm_that_was_cleared_has_no_page(builder: HistoryBuilder) -> None:
    """The last word of a session counts: here a later trial passed."""
    record = VerdictRecord(metric="latency_host", point="batch=4", verdict=a_verdict(status="inconclusive", k=1))
    _store(builder, verdicts=(record,))
    session = builder.session(SESSIONS - 1)
    cleared = replace(record, verdict=a_verdict(status="pass", effect=0.0))
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", index=3, verdicts=(cleared,)))
    assert told_verdicts(builder.history.queries, site_of(builder.history, title="Report").reading) == []


def test_a_link_that_comes_or_goes_rewrites_the_page(
    builder: HistoryBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that another part offers later is linked to, though nothing else of the verdict changed."""
    _store(builder)
    told, _ = _told(builder)
    monkeypatch.setattr("reports.write.SECTIONS", (verdict_files,))
    folder = write_report(builder.history, tmp_path / "report").parent
    assert "the model" not in ParsedPage.of(folder / name_of(told)).texts
    monkeypatch.undo()
    write_report(builder.history, folder)
    assert "the model" in ParsedPage.of(folder / name_of(told)).texts


def test_hostile_text_is_shown_and_not_run(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Markup in reasons, causes and layers, of whatever type they were stored, ends up as text."""
    hostile = "</script><img src=x onerror=alert(2)>\x1b[31m"
    layers = [{"name": hostile, "changed": [hostile], "tactics": hostile, "milliseconds": [hostile, None]}, hostile]
    details = {"layers": layers, "trials": hostile, "baseline_builds": hostile}
    told, _ = _with_verdict(builder, a_verdict(reason=hostile), cause=hostile, cause_details=details)
    folder = write_report(builder.history, tmp_path / "report").parent
    source = (folder / name_of(told)).read_text(encoding="utf-8")
    page = ParsedPage(source)
    assert page.problems == []
    assert "img" not in [tag for tag, _ in page.elements]
    assert "\x1b" not in source
    assert "<img src=x onerror=alert(2)>" in page.text


def test_the_overview_and_the_model_lead_to_the_verdict(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Attention and matrix lead to the page of the series that moved furthest, and each measurement to its own."""
    _store(builder)
    told, site = _told(builder)
    index = write_report(builder.history, tmp_path)
    case = next(case for case in site.cases if case.case_id == CASE)
    found = furthest_moved(case)
    assert found is not None
    furthest = verdict_file(case.newest.trial_id, CASE, *found[0])
    overview = index.read_text(encoding="utf-8")
    assert overview.count(f'href="{furthest}"') >= 2
    model = (tmp_path / site.models["resnet50"]).read_text(encoding="utf-8")
    assert f'<a href="{name_of(told)}"><span class="badge toned regressed"' in model


def test_a_confirmation_has_the_page_of_the_series(builder: HistoryBuilder) -> None:
    """The page is named after the trial that the last word is on, which the link has to know."""
    for index in range(SESSIONS):
        session = builder.session(index)
        trial = builder.trial(session, "resnet50", "fp16", slower=1.0, quality="ok", tensor_errors=())
        builder.history.add_trial(trial)
    again = builder.trial(session, "resnet50", "fp16", slower=1.2, index=1, verdicts=())
    words = (VerdictRecord(metric="latency_host", point="batch=4", verdict=a_verdict(effect=0.2)),)
    judged = builder.history.add_trial(replace(again, engine=trial.engine, findings=(), verdicts=words))
    site = site_of(builder.history, title="Report")
    case = next(case for case in site.cases if case.case_id == CASE)
    name = verdict_file(judged, CASE, "latency_host", "batch=4")
    assert site.verdicts.to_case(case) == ""
    site.links.offer([name])
    assert site.verdicts.to_case(case) == name


def test_a_case_that_failed_leads_to_no_verdict(builder: HistoryBuilder) -> None:
    """What it stands for is its failure, which the page of the case tells."""
    _store(builder, outcome="crashed")
    site = site_of(builder.history, title="Report")
    site.links.offer(name_of(told) for told in site.told)
    case = next(case for case in site.cases if case.case_id == CASE)
    assert site.verdicts.to_case(case) == ""


def test_runs_at_the_new_level_are_no_last_good_run(builder: HistoryBuilder) -> None:
    """The gate takes improved runs into its baseline; the run to hold against is the last one before they began."""
    for index in range(SESSIONS):
        session = builder.session(index)
        moved = index >= SESSIONS - 3
        trial = builder.trial(session, "resnet50", "fp16", slower=0.8 if moved else 1.0, quality="ok", tensor_errors=())
        verdict = a_verdict(status="improved", effect=-0.2, n=SESSIONS - 1)
        words = (VerdictRecord(metric="latency_host", point="batch=4", verdict=verdict),)
        builder.history.add_trial(replace(trial, verdicts=words if moved else ()))
        builder.history.finish_session(session.id)
    told, site = _told(builder)
    baseline = baseline_of(told, site.reading)
    assert baseline[-1].status == "improved"
    assert evidence_of(told, baseline, builder.history.queries, site.reading).good_session == f"{SESSIONS - 4:012x}"
