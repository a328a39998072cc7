from __future__ import annotations

import math

import pytest

from reports.case_history import CaseTrial
from reports.engine_strip import Dot, EngineDots, engine_labels, engine_strip, engines_with_dots, lottery_sentence
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import FIRST_DAY


def a_trial(number: int, build: str, tactics: str, quality: str = "ok") -> CaseTrial:
    """Return a trial of an engine."""
    return CaseTrial(number, "s", "new", 0, FIRST_DAY, "ok", quality, {}, build, tactics)


def an_engine(label: str, *values: float) -> EngineDots:
    """Return an engine whose trials measured ``values``."""
    dots = tuple(Dot(place, 0, value, f"{label} <{value}>") for place, value in enumerate(values))
    return EngineDots(f"build of {label}", label, label[0], dots)


def test_builds_of_the_same_tactics_share_a_letter() -> None:
    """Letters count tactics and numbers count builds, in the order in which they were first seen."""
    trials = [
        a_trial(1, "one", "x"), a_trial(2, "two", "y"), a_trial(3, "one", "x"), a_trial(4, "three", "x"),
        a_trial(5, "", ""),
    ]  # fmt: skip
    assert engine_labels(trials) == {"one": "A1", "two": "B1", "three": "A2"}


def test_after_z_come_two_letters() -> None:
    """Tactics that differ in every session run out of letters."""
    labels = engine_labels([a_trial(i, str(i), f"t{i}") for i in range(28)])
    assert (labels["25"], labels["26"], labels["27"]) == ("Z1", "AA1", "AB1")


def test_an_engine_has_the_dots_of_its_trials() -> None:
    """Trials without an engine or a finite value have none; a dot says when its timings cannot be trusted."""
    trials = [a_trial(1, "one", "x"), a_trial(2, "one", "x", "throttled"), a_trial(3, "two", "y"), a_trial(4, "", "")]
    engines = engines_with_dots(
        trials,
        {1: 2048.0, 2: 3072.0, 3: math.nan, 4: 1.0},
        {"new": 3},
        engine_labels(trials),
        divisor=1024.0,
        unit="KiB",
    )
    (engine,) = engines
    assert [(dot.trial, dot.subject, dot.value) for dot in engine.dots] == [(1, 3, 2.0), (2, 3, 3.0)]
    assert "throttled" in engine.dots[1].text
    assert "throttled" not in engine.dots[0].text
    assert engine.middle == pytest.approx(2.5)
    assert engine.range == pytest.approx(0.4)


def test_the_sentence_tells_the_lottery_from_the_noise() -> None:
    """Between engines and within one are two numbers; what is not known is not said."""
    told = lottery_sentence([an_engine("A1", 1.0, 1.02), an_engine("A2", 1.0), an_engine("B1", 1.15)])
    assert told.startswith("3 engines with 2 choices of tactics; their medians lie 1")
    assert "trials of one engine lie 2.0" in told
    assert lottery_sentence([an_engine("A1", 1.0)]) == "1 engine with 1 choice of tactics."


def test_the_strip_has_a_dot_for_each_trial_and_a_line_for_each_engine() -> None:
    """Dots know their trial and their subject's shape, and what is said of them is escaped."""
    drawing = engine_strip([an_engine("A1", 1.0, 1.1), an_engine("B1", 1.2)], unit="ms", description='"by engine"')
    page = ParsedPage(drawing)
    assert page.problems == []
    assert [dot["data-trial"] for dot in page.with_class("dot")] == ["0", "1", "0"]
    assert len(page.with_class("engine-median")) == 2
    assert "A1 <1.0>" in page.text
    heights = [float(dot["transform"].split()[1].rstrip(")")) for dot in page.with_class("dot")]
    assert heights == sorted(heights, reverse=True)


def test_no_engine_is_no_drawing() -> None:
    """A case that never built anything has nothing to draw."""
    assert engine_strip([], unit="ms", description="") == ""
