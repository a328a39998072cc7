from __future__ import annotations

from typing import Any

import pytest

from harness.commands.gate import Assessment, GatedCase, GatedSession, assess
from harness.errors import ConfigurationError
from harness.history.records import FindingRecord, VerdictRecord
from tests.history.building import verdict


def case(
    *statuses: str, case_id: str = "net-fp16-static", outcome: str = "ok", failed: str = "", **more: Any
) -> GatedCase:
    """Return a case with a series for each status, and a failed stage if one is named."""
    records = tuple(
        VerdictRecord(metric="latency_host", point=f"batch={i}", verdict=verdict(status, **more))  # type: ignore[arg-type]
        for i, status in enumerate(statuses, start=1)
    )
    findings = (FindingRecord(stage=failed, outcome="failed", message="it is broken"),) if failed else ()
    return GatedCase(id=case_id, outcome=outcome, findings=findings, verdicts=records)


def assessed(*cases: GatedCase, status: str = "finished", count: tuple[str, ...] = (), **more: Any) -> Assessment:
    """Return what the gate says of a session with these cases."""
    return assess(GatedSession(id="0" * 12, status=status, cases=cases, **more), count=count)


@pytest.mark.parametrize(
    ("assessment", "code"),
    [
        pytest.param(assessed(case("pass", "improved")), 0, id="everything passed"),
        pytest.param(assessed(case("pass", "regressed")), 1, id="a series regressed"),
        pytest.param(assessed(case(failed="outputs", outcome="failed")), 1, id="a stage failed"),
        pytest.param(assessed(case(failed="build", outcome="crashed")), 1, id="an engine crashed"),
        pytest.param(assessed(case(outcome="timed_out")), 1, id="a case timed out and left nothing behind"),
        pytest.param(assessed(case(outcome="unsupported")), 0, id="a precision is not supported"),
        pytest.param(assessed(), 2, id="no case was run"),
        pytest.param(assessed(case("inconclusive")), 0, id="inconclusive is not counted"),
        pytest.param(assessed(case("inconclusive"), count=("inconclusive",)), 3, id="inconclusive is counted"),
        pytest.param(assessed(case("insufficient"), count=("inconclusive",)), 0, id="another word is counted"),
        pytest.param(assessed(case("insufficient"), count=("insufficient",)), 3, id="insufficient is counted"),
        pytest.param(assessed(case("missing")), 3, id="a measurement is missing"),
        pytest.param(assessed(case("pass"), lacking={"gone-fp16-static": "1" * 12}), 3, id="a case is missing"),
        pytest.param(assessed(case("pass"), count=("missing",)), 0, id="nothing is missing"),
        pytest.param(assessed(case("quarantined")), 0, id="a regression is in quarantine"),
        pytest.param(assessed(case("pass"), status="interrupted"), 2, id="the session was interrupted"),
        pytest.param(assessed(case("pass"), status="running"), 2, id="the session was killed"),
        pytest.param(
            assessed(case("insufficient"), status="running", count=("insufficient",)), 2,
            id="a session that did not finish goes before what is counted",
        ),
        pytest.param(
            assessed(case("regressed"), status="interrupted"), 1, id="a regression in a session that was interrupted"
        ),
        pytest.param(
            assessed(case("regressed", "insufficient"), count=("insufficient",)), 1, id="a regression goes first"
        ),
    ],
)  # fmt: skip
def test_exit_codes(assessment: Assessment, code: int) -> None:
    """What regressed, failed, is not there or could not be judged each has an exit code of its own."""
    assert assessment.exit_code == code


def test_what_is_not_counted_is_listed_all_the_same() -> None:
    """A session that passes still says what was lacking, could not be judged, or was cut short, the worst first."""
    lacking = {"gone-fp16-static": "1" * 12}
    assessment = assessed(case("insufficient", "inconclusive"), status="interrupted", lacking=lacking)
    words = [concern.word for concern in assessment.concerns]
    assert words == ["missing", "inconclusive", "insufficient", "unfinished"]


@pytest.mark.parametrize(
    ("assessment", "headline", "clean"),
    [
        pytest.param(assessed(case("pass", "improved")), "nothing regressed among 2 judged series", True,
                     id="everything was judged"),
        pytest.param(assessed(case("insufficient", "insufficient")),
                     "nothing regressed among 0 judged series; 2 series could not be judged (insufficient)", False,
                     id="nothing was judged"),
        pytest.param(assessed(case("pass", "insufficient", "insufficient", "inconclusive")),
                     "nothing regressed among 1 judged series; "
                     "3 series could not be judged (1 inconclusive, 2 insufficient)", False,
                     id="some were judged"),
        pytest.param(assessed(case("pass"), lacking={"a-fp16-static": "1" * 12}), "1 missing", False,
                     id="a case is missing"),
        pytest.param(assessed(case("pass", "quarantined")),
                     "nothing regressed among 1 judged series; 1 series could not be judged (quarantined)", False,
                     id="a regression is in quarantine"),
        pytest.param(assessed(case(outcome="unsupported")), "nothing regressed among 0 judged series", False,
                     id="there was nothing to judge"),
        pytest.param(assessed(case("pass"), status="running"),
                     "the session did not finish, so nothing can be said for the cases it lacks", False,
                     id="the session was killed"),
        pytest.param(assessed(case("regressed"), status="running"), "1 regressed; the session did not finish", False,
                     id="a regression was found before the session was killed"),
        pytest.param(assessed(case("insufficient"), count=("insufficient",)), "1 insufficient", False,
                     id="what is counted"),
    ],
)  # fmt: skip
def test_only_what_was_judged_is_good_news(assessment: Assessment, headline: str, clean: bool) -> None:
    """The headline says of how many series it speaks, and of how many it cannot."""
    assert (assessment.headline, assessment.clean) == (headline, clean)


def test_a_regression_is_told_once() -> None:
    """The failure of the regression stage is not listed beside the verdict that it reports."""
    assessment = assessed(case("regressed", failed="regression", outcome="failed"))
    assert [concern.word for concern in assessment.concerns] == ["regressed"]
    assert assessment.headline == "1 regressed"


def test_a_regression_stage_that_could_not_judge_is_told() -> None:
    """Where confirming trials crashed there is no verdict, so the stage's own failure is listed."""
    assessment = assessed(case("pass", failed="regression", outcome="crashed"))
    assert [(concern.word, concern.what) for concern in assessment.concerns] == [("failed", "regression")]


def test_q_is_taken_over_the_whole_session() -> None:
    """A p of 0.01 among four series that show nothing is a q of 0.05."""
    quiet = [case("pass", case_id=f"quiet{i}-fp16-static", p=1.0) for i in range(4)]
    (concern,) = assessed(case("regressed", p=0.01), *quiet).concerns
    assert concern.q == pytest.approx(0.05)


def test_series_that_regressed_with_another_stand_under_it() -> None:
    """A case that is slower by two clocks and larger has two concerns, each led by what is to be trusted most."""
    metrics = ("latency_host", "latency_graph", "engine_bytes", "output_cosine")
    records = [VerdictRecord(metric=metric, point="batch=1", verdict=verdict("regressed")) for metric in metrics[:3]]
    records.append(VerdictRecord(metric=metrics[3], point="batch=1", verdict=verdict("pass")))
    slow = GatedCase(id="net-fp16-static", outcome="ok", verdicts=records)
    assessment = assessed(slow)
    assert [(concern.what, concern.also) for concern in assessment.concerns] == [
        (
            "GPU latency, CUDA graph replay, median at batch=1",
            ("latency, host to host, median at batch=1: it is regressed",),
        ),
        ("engine size at batch=1", ()),
    ]
    assert assessment.headline == "2 regressed"


def test_words_that_cannot_be_counted_are_refused() -> None:
    """A misspelt word ends in an error that suggests the right one."""
    with pytest.raises(ConfigurationError, match="Did you mean 'insufficient'"):
        assessed(case("pass"), count=("insuficient",))
