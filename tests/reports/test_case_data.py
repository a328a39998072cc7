from __future__ import annotations

import math

import pytest

from reports.case_data import interval_of, last_words
from reports.case_history import CaseTrial, Judged
from tests.reports.sample_history import FIRST_DAY


def a_word(status: str = "pass", **changes: float | str | None) -> Judged:
    """Return a verdict on a run at 1.1 against 1.0, between +5 % and +15 %."""
    verdict = Judged(status=status, scale="log", k=1, value=1.1, baseline=1.0, low=0.05, high=0.15)
    return verdict._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param(a_word(), (1.05, 1.15), id="ratios multiply the baseline"),
        pytest.param(
            a_word(scale="linear", baseline=40.0, low=-1.0, high=2.0), (39.0, 42.0), id="differences add to it"
        ),
        pytest.param(a_word(low=None), None, id="no interval"),
        pytest.param(a_word(high=math.inf), None, id="an infinite end"),
        pytest.param(a_word(baseline=None), None, id="no baseline"),
        pytest.param(a_word(low=-1.0), None, id="a ratio of nothing"),
    ],
)
def test_the_interval_of_a_value(verdict: Judged, expected: tuple[float, float] | None) -> None:
    """It is the interval of the effect around the baseline, in the metric's unit."""
    assert interval_of(verdict) == (None if expected is None else pytest.approx(expected))


def test_the_last_word_on_a_run_is_that_of_its_confirmation() -> None:
    """Further trials of the same session and subject speak for the first one; other subjects and sessions do not."""
    trials = [
        CaseTrial(number, session, subject, ordinal, FIRST_DAY, "ok", "ok", {}, "", "")
        for number, session, subject, ordinal in [
            (1, "one", "old", 0), (2, "one", "new", 0), (3, "one", "new", 1),
            (4, "two", "new", 0), (5, "three", "new", 1),
        ]
    ]  # fmt: skip
    said = {1: a_word(), 2: a_word("inconclusive"), 3: a_word("regressed"), 5: a_word()}
    words = last_words(said, trials)
    assert {first: (at, word.status) for first, (at, word) in words.items()} == {1: (1, "pass"), 2: (3, "regressed")}
