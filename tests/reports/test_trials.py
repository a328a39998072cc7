from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.records import FindingRecord, MeasurementRecord
from reports.current import current_cases
from reports.engine_view import EngineRoom
from reports.names import names_of
from reports.points import ModelContext, PointData
from reports.reading import read
from reports.standing import STANDINGS
from reports.text import ABSENT
from reports.trials import limits_text, number_of, trial_view
from tests.reports.sample_history import FIRST_BROKEN_LAYER, HistoryBuilder

if TYPE_CHECKING:
    from reports.pages import TrialView


def view_of(builder: HistoryBuilder, precision: str = "int8", **changes: Any) -> TrialView:
    """Store one trial and return how it is shown."""
    builder.history.add_trial(builder.trial(builder.session(0), "squeezenet", precision, **changes))
    reading = read(builder.history)
    context = ModelContext(reading, names_of(reading), [], {}, PointData({}), EngineRoom.among(1))
    return trial_view(current_cases(reading)[0].cells[0], context)


@pytest.mark.parametrize(
    ("kept", "number"),
    [
        pytest.param(1.5, 1.5, id="a number"),
        pytest.param(math.inf, math.inf, id="infinity"),
        pytest.param("inf", math.inf, id="infinity as text"),
        pytest.param("-inf", -math.inf, id="minus infinity as text"),
        pytest.param(math.nan, None, id="NaN"),
        pytest.param("nan", None, id="NaN as text"),
        pytest.param(None, None, id="nothing"),
        pytest.param([1], None, id="a list"),
    ],
)
def test_measures_are_read_however_they_were_kept(kept: Any, number: float | None) -> None:
    """Infinite ratios may come back as text; what is no number is None."""
    assert number_of(kept) == number


def test_limits_are_written_with_their_direction() -> None:
    """Ratios and cosines have lower limits, errors upper ones."""
    written = limits_text({"sqnr_db": 30.0, "cosine": 0.999, "max_abs": 0.01}).replace("\u00a0", " ")
    assert written == "SQNR ≥ 30.0 dB, cosine ≥ 0.999, abs. ≤ 0.0100"


def test_the_first_broken_layer_is_in_the_sentence(builder: HistoryBuilder) -> None:
    """Of a chain of layers outside their tolerance, the sentence names the first, its operator and its place."""
    view = view_of(builder, tensor_errors=builder.tensor_errors("int8", broken_from=34))
    assert view.layers is not None
    assert f"the first one in graph order is {FIRST_BROKEN_LAYER} (Conv), layer 35" in view.layers.sentence
    assert "32 of 66 layers are outside" in view.layers.sentence
    assert view.layers.rows[0].tensor == FIRST_BROKEN_LAYER


def test_good_layers_are_said_to_be_good(builder: HistoryBuilder) -> None:
    """A trial whose layers all hold says so, with the lowest ratio."""
    view = view_of(builder)
    assert view.layers is not None
    assert view.layers.sentence.startswith("All 66 judged layers are within their tolerance. The lowest ratio")


def test_layers_without_a_tolerance_are_not_called_good(builder: HistoryBuilder) -> None:
    """Nothing that was not judged is a pass."""
    unjudged = tuple(replace(error, passed=None, tolerance={}) for error in builder.tensor_errors("int8"))
    view = view_of(builder, tensor_errors=unjudged)
    assert view.layers is not None
    assert "none of them with a tolerance" in view.layers.sentence
    assert [output.passed for output in view.outputs] == [None] * 3


def test_failed_stages_come_first_and_silent_passes_share_a_row(builder: HistoryBuilder) -> None:
    """What failed is read first; stages that passed without a word need no row each."""
    findings = (
        FindingRecord(stage="build", outcome="passed"),
        FindingRecord(stage="task", outcome="skipped", message="no labelled set"),
        FindingRecord(stage="outputs", outcome="passed"),
        FindingRecord(stage="layers", outcome="failed", message="broken"),
    )
    view = view_of(builder, findings=findings)
    assert [(row.stages, row.outcome, row.message) for row in view.findings] == [
        ("layers", "failed", "broken"),
        ("task", "skipped", "no labelled set"),
        ("build and outputs", "passed", ""),
    ]


@pytest.mark.parametrize("word", ["insufficient", "inconclusive"])
def test_a_stage_without_an_answer_is_called_so(builder: HistoryBuilder, word: str) -> None:
    """The regression stage is no mere skip where it could not judge; a skip for another reason is one."""
    findings = (
        FindingRecord(stage="regression", outcome="skipped", message=f"{word}: latency: the baseline has 1 run"),
        FindingRecord(stage="task", outcome="skipped", message="no labelled set"),
    )
    rows = {row.stages: (row.outcome, row.symbol) for row in view_of(builder, findings=findings).findings}
    assert rows == {"regression": (word, STANDINGS[word].symbol), "task": ("skipped", "⊘")}


def test_a_case_that_was_not_timed_says_so(builder: HistoryBuilder) -> None:
    """Timings that do not exist cannot be trusted; those that do can, unless their quality says otherwise."""
    measured = view_of(builder, quality="ok")
    assert measured.quality == "Timings can be trusted."
    assert view_of(builder, quality="unstable").quality == "Timings were unstable."
    assert view_of(builder, quality="ok", measurements=(), outcome="failed").quality == "It was not timed."


def test_a_short_baseline_gives_no_change(builder: HistoryBuilder) -> None:
    """A difference from fewer runs than a verdict needs stands beside no value."""
    view_of(builder)
    rows = view_of(builder).measurements
    assert {row.label for row in rows if row.label} == {"1 of 8 runs"}
    assert {row.change for row in rows} == {ABSENT}


def test_one_broken_layer_is_told_in_the_singular(builder: HistoryBuilder) -> None:
    """The sentence agrees with its number."""
    view = view_of(builder, tensor_errors=builder.tensor_errors("int8", broken_from=65))
    assert view.layers is not None
    assert view.layers.sentence.startswith("1 of 66 layers is outside the tolerance")


def test_measurements_are_grouped_by_metric_and_ordered_by_size(builder: HistoryBuilder) -> None:
    """Points of one metric stand together, the smallest first, with samples, spread and what tails there are."""
    rows = view_of(builder).measurements
    assert [row.point for row in rows[:3]] == ["batch=1", "batch=4", "batch=16"]
    assert {row.metric for row in rows[:3]} == {"latency, host to host, median"}
    assert rows[0].samples == "100"
    assert rows[0].spread.endswith("%")
    assert rows[0].tails.startswith("p90")
    assert "p99" not in rows[0].tails
    assert rows[0].label == "0 of 8 runs"


def test_a_trial_without_an_engine_shows_none(builder: HistoryBuilder) -> None:
    """A build that crashed left nothing to look into."""
    assert view_of(builder, engine=None, outcome="crashed").engine is None


def test_the_distance_from_the_roofline_reads_as_one(builder: HistoryBuilder) -> None:
    """A ratio without a unit says what it is a ratio of."""
    measured = (MeasurementRecord(metric="roofline_distance", point="batch=4", value=4.2),)
    (row,) = view_of(builder, measurements=measured, verdicts=()).measurements
    assert (row.metric, row.point, row.value) == ("GPU latency over the roofline", "batch=4", "4.20 × the roofline")


def test_tensors_that_could_not_be_read_are_named(builder: HistoryBuilder) -> None:
    """How many there are and the first few, and what exposing the others did; no condition repeats it."""
    conditions = {"unreadable_layers": list("abcdefg"), "instrumented_difference": 0.0012, "load_average": 0.4}
    view = view_of(builder, conditions=conditions)
    unread, changed = (note.replace("\u00a0", " ") for note in view.layer_notes)
    assert unread.startswith("7 tensors could not be read back")
    assert unread.endswith("a, b, c, d, e and 2 more.")
    assert "different from those without by up to 0.12 % of their largest magnitude" in changed
    assert [fact.name for fact in view.conditions] == ["load_average", "time spent"]


@pytest.mark.parametrize(
    ("conditions", "notes"),
    [
        pytest.param({}, [], id="layers were not compared"),
        pytest.param({"instrumented_difference": 0.0}, ["as they are without"], id="nothing changed"),
        pytest.param({"instrumented_difference": 3e-7}, ["by up to 3.0e-05\u00a0%"], id="too small for percents"),
        pytest.param({"instrumented_difference": "nan"}, [], id="no number"),
        pytest.param({"unreadable_layers": ["a"]}, ["1 tensor could not be read back"], id="one tensor"),
    ],
)
def test_notes_are_of_what_is_known(builder: HistoryBuilder, conditions: dict[str, Any], notes: list[str]) -> None:
    """Nothing is said of what was not found out."""
    told = view_of(builder, conditions=conditions).layer_notes
    assert [note in said for note, said in zip(notes, told, strict=True)] == [True] * len(notes)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("regressed: engine size\n", "", id="what a stage says"),
        pytest.param("the worker died", "the worker died", id="what no stage says"),
        pytest.param("a long log " * 200, "a long log " * 200, id="what a stage has no room for"),
    ],
)
def test_a_message_is_shown_once(builder: HistoryBuilder, message: str, shown: str) -> None:
    """It is left out where the table of stages has all of it."""
    said = "regressed: engine size" if not shown.startswith("the worker") else "another thing"
    finding = FindingRecord(stage="regression", outcome="failed", message=message if len(message) > 1500 else said)
    assert view_of(builder, outcome="failed", message=message, findings=(finding,)).message == shown
