from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.history.records import EngineRecord, LayerRecord
from reports.engine_view import EngineRoom, engine_view
from reports.text import ABSENT
from tests.reports.sample_history import engine_layers

ROOM = EngineRoom(rows=600, log=1000)
TIMED = {"layer_times": {"point": "batch=4"}}


def engine(**changes: Any) -> EngineRecord:
    """Return an engine of 66 layers, nine tenths of which compute in float16 for six tenths of the time."""
    record = EngineRecord(
        fingerprint="f" * 64,
        bytes=2_450_000,
        build_seconds=1.9,
        type_shares={"float32": 0.1, "float16": 0.9},
        time_shares={"float32": 0.4, "float16": 0.6},
        layers=66,
        layer_list=engine_layers("fp16"),
    )
    return replace(record, **changes)


def layer(milliseconds: float | None, **changes: Any) -> LayerRecord:
    """Return a layer that took so long."""
    plain = LayerRecord(position=0, name="conv", operator="Conv", compute_type="float16", milliseconds=milliseconds)
    return replace(plain, **changes)


def spaced(text: str) -> str:
    """Return a text with ordinary spaces."""
    return text.replace("\u00a0", " ")


def test_an_engine_tells_its_facts() -> None:
    """Size, fingerprint, layers, number types by layers and by time, and build time are there."""
    facts = {fact.name: spaced(fact.value) for fact in engine_view(engine(), TIMED, ROOM).facts}
    assert facts["engine size"] == "2.34 MiB"
    assert facts["number types"] == "float16 90.0 %, float32 10.0 %"
    assert facts["number types by time"] == "float16 60.0 %, float32 40.0 %"
    assert facts["layers"] == "66"
    assert facts["build time"] == "1.9 s"
    assert len(facts["fingerprint"]) == 64


def test_number_types_have_two_shares() -> None:
    """Few slow layers may take most of the time, so both shares stand beside each other, most layers first."""
    rows = [(row.name, spaced(row.layers), spaced(row.time)) for row in engine_view(engine(), TIMED, ROOM).types]
    assert rows == [("float16", "90.0 %", "60.0 %"), ("float32", "10.0 %", "40.0 %")]


def test_without_times_a_type_has_one_share() -> None:
    """What was not measured is no zero."""
    view = engine_view(engine(time_shares={}), {}, ROOM)
    assert {row.time for row in view.types} == {ABSENT}
    assert "number types by time" not in {fact.name for fact in view.facts}


def test_the_slowest_layers_come_first() -> None:
    """Twenty of them, with their place in the engine and their share of all the time; the others are in the list."""
    view = engine_view(engine(), TIMED, ROOM)
    assert [row.place for row in view.slowest] == list(range(66, 46, -1))
    assert (view.slowest[0].name, view.slowest[0].time) == ("/features/node_65", "0.660\u00a0ms")
    total = sum(range(1, 67))
    assert spaced(view.slowest[0].share) == f"{100 * 66 / total:.1f} %"
    assert [row.place for row in view.layers] == list(range(1, 67))
    assert view.layers_title == "All 66 layers in the engine's order"


def test_the_sentence_says_where_the_time_goes() -> None:
    """At which point, how much of it the slowest take, and how much is no arithmetic."""
    layers = [layer(1.0, position=i, compute_type="float16" if i % 4 else "") for i in range(40)]
    sentence = spaced(engine_view(engine(layer_list=tuple(layers)), TIMED, ROOM).sentence)
    assert sentence.startswith("Under its runtime's profiler at batch=4 the layers took 40.0 ms in all.")
    assert "The 20 slowest take 50.0 % of it." in sentence
    assert sentence.endswith("element by element take 25.0 %.")


@pytest.mark.parametrize(
    ("layers", "conditions", "sentence"),
    [
        pytest.param((layer(None),), {}, "The layers were not timed.", id="no profile"),
        pytest.param((layer(None),), {"layer_times": {"point": "p", "failed": "the worker died"}},
                     "The layers could not be timed: the worker died", id="a profile that failed"),
        pytest.param((), {}, "", id="no list of layers: an older harness"),
    ],
)  # fmt: skip
def test_layers_without_times_are_no_fast_layers(
    layers: tuple[LayerRecord, ...], conditions: dict[str, Any], sentence: str
) -> None:
    """The sentence says that nothing was measured, and why if that is known."""
    view = engine_view(engine(layer_list=layers), conditions, ROOM)
    assert view.sentence == sentence
    assert view.slowest == ()
    assert {row.time for row in view.layers} <= {ABSENT}


def test_kinds_of_warnings_are_counted() -> None:
    """The most frequent kind comes first."""
    view = engine_view(engine(warning_kinds={"fallback": 2, "timing cache": 1200}), {}, ROOM)
    assert [(fact.name, fact.value) for fact in view.warning_kinds] == [("timing cache", "1,200"), ("fallback", "2")]


def test_a_long_list_and_a_long_log_are_cut() -> None:
    """Of the layers the first ones are listed, of the log the end is kept, and both say that there is more."""
    view = engine_view(engine(log="start" + "y" * 5000 + "the end"), TIMED, EngineRoom(rows=20, log=100))
    assert len(view.layers) == 20
    assert view.layers_title == "The first 20 of 66 layers in the engine's order"
    assert len(view.log) < 200
    assert view.log.endswith("the end")
    assert "characters before this" in view.log


@pytest.mark.parametrize("engines", [0, 1, 3, 10, 100, 200])
def test_a_page_has_room_for_all_its_engines(engines: int) -> None:
    """However many they are, each is shown in part, and together they stay within the page."""
    room = EngineRoom.among(engines)
    assert 20 <= room.rows <= 600
    assert room.rows * engines <= 4000
    assert room.log * engines <= 200_000
