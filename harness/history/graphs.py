"""How graphs are stored: once each, whatever number of trials runs an engine of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from harness.history.records import GraphRecord, NodeRecord
from harness.history.tables import Graph, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Subquery


def graph_id(connection: Connection, graph: GraphRecord) -> int:
    """Return the id of the row of ``graph``, which is made if its hash was not stored before."""
    found = connection.scalar(select(Graph.id).where(Graph.graph_hash == graph.hash))
    if found is not None:
        return int(found)
    told: dict[str, Any] = {
        "size": graph.size,
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "nodes": [[node.name, node.operator, list(node.inputs), list(node.outputs)] for node in graph.nodes],
    }
    key = connection.execute(insert(Graph).values(graph_hash=graph.hash, **told)).inserted_primary_key
    assert key is not None, "every table has a primary key"
    return int(key[0])


def graphs_of(connection: Connection, trials: Subquery) -> Mapping[int, GraphRecord]:
    """Return the graphs of the trials of a subquery ``(id)``, by the id of their row.

    Raises:
        HistoryError: a row is none that ``graph_id`` wrote.
    """
    own = select(Trial.graph_id).join(trials, trials.c.id == Trial.id)
    rows: Iterable[Any] = connection.execute(select(Graph.__table__).where(Graph.id.in_(own)))
    return {
        row.id: GraphRecord(
            hash=row.graph_hash,
            size=row.size,
            inputs=tuple(row.inputs),
            outputs=tuple(row.outputs),
            nodes=tuple(
                NodeRecord(name=name, operator=operator, inputs=tuple(inputs), outputs=tuple(outputs))
                for name, operator, inputs, outputs in row.nodes
            ),
        )
        for row in rows
    }
