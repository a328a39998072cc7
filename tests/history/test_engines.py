"""How engines and their layers are stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import event

from tests.history.building import full_trial, remember

if TYPE_CHECKING:
    from harness.history.store import History


def test_times_of_layers_make_no_other_engine(history: History) -> None:
    """A build that is profiled once more, or never, keeps its row, and the times that it was first seen with."""
    records = [full_trial(number) for number in (1, 2, 3)]
    first = records[0].engine
    assert first is not None
    slower = replace(first, layer_list=(replace(first.layer_list[0], milliseconds=9.0), first.layer_list[1]))
    untimed = replace(first, layer_list=(), time_shares={}, log="", warning_kinds={})
    ids = remember(history, records[0], replace(records[1], engine=slower), replace(records[2], engine=untimed))
    assert {row["engine_id"] for row in history.queries.view("engines")} == {1}
    assert all(history.queries.trial(trial_id).record.engine == first for trial_id in ids)


def test_what_was_not_known_of_an_engine_is_added(history: History) -> None:
    """A build whose profiler or log failed at first is completed by the next trial of it."""
    record = full_trial(1)
    assert record.engine is not None
    layers = tuple(replace(layer, milliseconds=None) for layer in record.engine.layer_list)
    bare = replace(record.engine, layer_list=layers, time_shares={}, log="", warning_kinds={})
    (trial_id, _) = remember(history, replace(record, engine=bare), full_trial(2))
    assert history.queries.trial(trial_id).record.engine == record.engine


def test_layers_of_a_large_engine_are_stored_in_one_statement(history: History) -> None:
    """An engine of 400 layers costs as many statements as one of two."""
    statements: list[str] = []
    event.listen(history._engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    spent = []
    for number, size in ((1, 2), (2, 400)):
        record = full_trial(number)
        assert record.engine is not None
        layers = tuple(replace(record.engine.layer_list[0], position=position) for position in range(size))
        statements.clear()
        remember(history, replace(record, engine=replace(record.engine, bytes=size, layer_list=layers)))
        spent.append(sum("engine_layer" in statement for statement in statements))
    assert spent == [1, 1]
