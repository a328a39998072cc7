from __future__ import annotations

import pytest

from reports.standing import STANDINGS, judge_trial, severity, tally, worst


@pytest.mark.parametrize(
    ("outcome", "findings", "verdicts", "key"),
    [
        pytest.param("ok", {"build": "passed"}, ["pass", "pass"], "pass", id="everything passed"),
        pytest.param("ok", {}, [], "unjudged", id="nothing was judged, which is no pass"),
        pytest.param("ok", {}, ["pass", "insufficient"], "insufficient", id="one short baseline spoils the pass"),
        pytest.param("ok", {}, ["pass", "improved"], "improved", id="better and no worse"),
        pytest.param("ok", {}, ["improved", "regressed"], "regressed", id="worse outweighs better"),
        pytest.param("ok", {}, ["pass", "missing"], "missing", id="a metric that is missing"),
        pytest.param("ok", {}, ["pass", "unheard-of"], "unjudged", id="a word that is not known is no pass"),
        pytest.param(
            "failed", {"regression": "failed"}, ["regressed"], "regressed", id="a regression is not a failure"
        ),
        pytest.param(
            "ok", {"regression": "failed"}, ["pass"], "regressed", id="the failed stage outweighs the verdicts"
        ),
        pytest.param("failed", {"layers": "failed"}, ["pass"], "failed", id="a broken layer is"),
        pytest.param("failed", {}, [], "failed", id="a failure before any stage is"),
        pytest.param("crashed", {"build": "failed"}, [], "crashed", id="a crash"),
        pytest.param("timed_out", {}, ["pass"], "timed_out", id="a hang"),
        pytest.param("unsupported", {"build": "skipped"}, [], "unsupported", id="a skip is not a pass"),
    ],
)
def test_a_trial_stands_as_its_worst_part(
    outcome: str, findings: dict[str, str], verdicts: list[str], key: str
) -> None:
    """How a trial ended comes before what its stages said, and that before the gate; missing is never a pass."""
    assert judge_trial(outcome, findings, verdicts).key == key


def test_standings_are_told_apart_without_colour() -> None:
    """Symbol and label together are unique."""
    assert len({(standing.symbol, standing.label) for standing in STANDINGS.values()}) == len(STANDINGS)


def test_the_worst_comes_first() -> None:
    """Counts start with what most wants to be looked at."""
    standings = [STANDINGS[key] for key in ("pass", "regressed", "pass", "crashed")]
    assert [(standing.key, number) for standing, number in tally(standings)] == [
        ("crashed", 1), ("regressed", 1), ("pass", 2),
    ]  # fmt: skip
    assert worst(standings).key == "crashed"
    assert severity(STANDINGS["crashed"]) < severity(STANDINGS["pass"])
