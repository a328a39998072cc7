from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from harness.history.records import EngineRecord, LayerRecord, TensorErrorRecord, TrialRecord
from reports.engine_comparison import compare_engines, relation_of
from reports.layer_alignment import Aligned
from tests.reports.sample_history import NEW, SERVER

TIMED = {"layer_times": {"point": "batch=4"}}


def layer(name: str, milliseconds: float | None = 1.0, **changes: Any) -> LayerRecord:
    """Make a convolution in float16 by one tactic, whose output is called like it."""
    plain = LayerRecord(
        position=0, name=name, operator="Conv", compute_type="float16", tactic="tile64", outputs=(f"{name}_out",),
        milliseconds=milliseconds,
    )  # fmt: skip
    return replace(plain, **changes)


def trial(*layers: LayerRecord, conditions: dict[str, Any] | None = None, **changes: Any) -> TrialRecord:
    """Make a trial of an engine with these layers, timed at batch=4."""
    plain = TrialRecord(
        session="s", case_id="c", case_hash="h", case_version=1, model="m", precision="p", profile="q",
        environment=SERVER, subject=NEW, started_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
        conditions=TIMED if conditions is None else conditions,
        engine=EngineRecord(fingerprint="f", bytes=1, build_seconds=1.0, layer_list=layers),
    )  # fmt: skip
    return replace(plain, **changes)


def spaced(text: str) -> str:
    """Return a text with ordinary spaces."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("here", "there", "relation"),
    [
        pytest.param((layer("a"),), (layer("a"),), "same tactics", id="the same"),
        pytest.param((layer("a"),), (layer("a", tactic="tile32"),), "other tactics", id="another tactic"),
        pytest.param((layer("a"),), (layer("a", compute_type="float32"),), "other type", id="another type"),
        pytest.param((layer("a"),), (), "only here", id="nothing there"),
        pytest.param((), (layer("a"),), "only there", id="nothing here"),
        pytest.param((layer("a"),), (layer("a"), layer("Reformatting CopyNode for Input Tensor 0 to a", tactic="0")),
                     "same tactics", id="a change of format more"),
    ],
)  # fmt: skip
def test_two_sides_differ_in_one_word(
    here: tuple[LayerRecord, ...], there: tuple[LayerRecord, ...], relation: str
) -> None:
    """The gravest difference is said; changes of format are none."""
    assert relation_of(Aligned(here, there)) == relation


def test_times_are_summed_and_compared() -> None:
    """A part's time is that of its layers together; above zero the other engine takes longer."""
    comparison = compare_engines(trial(layer("a + b", 2.0)), trial(layer("a", 1.0), layer("b", 1.5)))
    (row,) = comparison.rows
    assert (spaced(row.here.time.shown), spaced(row.there.time.shown)) == ("2.00 ms", "2.50 ms")
    assert (spaced(row.difference.shown), row.difference.raw) == ("+0.500 ms", "0.5")
    assert spaced(row.change.shown) == "+25.0 %"
    assert spaced(comparison.sentence).startswith(
        "Under their profilers the layers took 2.00 ms here and 2.50 ms there (+25.0 %). "
        "Most of that in a + b: +0.500 ms."
    )


@pytest.mark.parametrize(
    ("conditions", "milliseconds", "why"),
    [
        pytest.param({"layer_times": {"point": "batch=1"}}, 1.0, "they were timed at different points", id="points"),
        pytest.param({}, None, "not both of them were timed", id="no times"),
    ],
)
def test_times_that_cannot_be_compared_are_not(
    conditions: dict[str, Any], milliseconds: float | None, why: str
) -> None:
    """The sentence says why, and no row has a difference."""
    comparison = compare_engines(trial(layer("a")), trial(layer("a", milliseconds), conditions=conditions))
    assert comparison.sentence.startswith(f"Times are not compared: {why}.")
    assert {row.difference.raw for row in comparison.rows} == {""}


def test_errors_stand_beside_each_other() -> None:
    """Of each side the lowest ratio among the tensors that the part makes is shown, if both have one."""
    errors = tuple(
        TensorErrorRecord(
            scope="layers", position=0, tensor="a_out", operator="", point=point, errors={"sqnr_db": value}
        )
        for point, value in (("batch=1", 50.0), ("batch=4", 40.0))
    )
    here, there = trial(layer("a"), tensor_errors=errors), trial(layer("a"), tensor_errors=errors[:1])
    comparison = compare_engines(here, there)
    assert comparison.with_errors
    assert (comparison.rows[0].here.error.raw, comparison.rows[0].there.error.raw) == ("40", "50")
    assert not compare_engines(here, trial(layer("a"))).with_errors


def test_of_many_parts_those_that_differ_are_kept() -> None:
    """Among thousands the rows without a difference go first, and the title says so."""
    layers = [layer(f"n{i}") for i in range(700)]
    other = [*layers[:650], *(replace(each, tactic="tile32") for each in layers[650:])]
    comparison = compare_engines(trial(*layers), trial(*other))
    assert len(comparison.rows) == 150
    assert sum(row.relation == "other tactics" for row in comparison.rows) == 50
    assert comparison.title == "The 150 parts that differ most, of 700"
    assert [row.place for row in comparison.rows] == sorted(row.place for row in comparison.rows)
