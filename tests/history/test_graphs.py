"""How graphs are stored."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from harness.errors import HistoryError
from harness.history.records import GraphRecord, NodeRecord
from tests.history.building import full_trial, remember

if TYPE_CHECKING:
    from harness.history.store import History


def node(name: str, inputs: str, outputs: str) -> NodeRecord:
    """Return a node that reads and makes the tensors of these one-letter names."""
    return NodeRecord(name=name, operator="Add", inputs=tuple(inputs), outputs=tuple(outputs))


def graph(*nodes: NodeRecord) -> GraphRecord:
    """Return a graph of one input ``x`` and one output ``y``."""
    return GraphRecord(hash="abc", size=len(nodes), inputs=("x",), outputs=("y",), nodes=nodes)


def test_a_graph_is_stored_once(history: History) -> None:
    """Two trials of one graph share a row, one of another graph has its own, and each trial reads its own back."""
    first, again, other = (full_trial(number) for number in (1, 2, 3))
    assert other.graph is not None
    other = replace(other, graph=replace(other.graph, hash="8" * 64, nodes=()))
    ids = remember(history, first, again, other)
    read = [row.record.graph for row in history.queries.trials(ids).values()]
    assert read == [first.graph, first.graph, other.graph]
    with closing(history._engine.connect()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM graph")) == 2


def test_a_trial_without_a_graph_has_none(history: History) -> None:
    """A trial that ended before its graph was made is stored, and read back without one."""
    (trial_id,) = remember(history, replace(full_trial(1), graph=None))
    assert history.queries.trial(trial_id).record.graph is None


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        pytest.param((node("a", "z", "y"),), "'a' .Add. reads 'z', which no node before it makes", id="from nowhere"),
        pytest.param((node("a", "b", "y"), node("b", "x", "b")), "reads 'b'", id="a node before what it reads"),
        pytest.param((node("a", "x", "y"), node("b", "x", "y")), "'b' .Add. makes 'y'", id="a tensor made twice"),
        pytest.param((node("a", "x", "x"),), "makes 'x', which is made before it", id="an input made once more"),
    ],
)
def test_what_is_no_graph_is_refused(nodes: tuple[NodeRecord, ...], said: str) -> None:
    """A record cannot be made whose nodes could not have run one after the other."""
    with pytest.raises(HistoryError, match=said):
        graph(*nodes)


def test_a_broken_row_is_refused(history: History) -> None:
    """A row that somebody has changed by hand is an error that names the graph, not a page about something else."""
    (trial_id,) = remember(history, full_trial(1))
    with history._writer.begin() as connection:
        connection.execute(text("""UPDATE graph SET nodes = '[["n", "Add", ["nowhere"], ["y"]]]'"""))
    with pytest.raises(HistoryError, match="in the graph '999999999999' the node 'n'"):
        history.queries.trial(trial_id)
