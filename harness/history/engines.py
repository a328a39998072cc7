"""How an engine and its layers are stored: once for each build, whatever number of trials runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from harness.history.records import stable_hash
from harness.history.tables import Engine, EngineLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from harness.history.records import EngineRecord, LayerRecord

# What tells builds apart: no two take equally long to the last digit. The times of its layers, which differ from run to
# run, make no other engine of a build.
_BUILD = ("fingerprint", "bytes", "build_seconds", "options", "type_shares", "layers", "warnings")


def build_hash(engine: EngineRecord) -> str:
    """Return what tells the build of ``engine`` from any other: SHA-256 (hex)."""
    return stable_hash(_build(engine))


def engine_id(connection: Connection, engine: EngineRecord) -> int:
    """Return the id of the row of ``engine``, which is made if its build was not stored before.

    Of a build that is there already, what was not known of it is added: its log, its layers, their times.
    """
    build = _build(engine)
    own_hash = stable_hash(build)
    found = connection.scalar(select(Engine.id).where(Engine.build_hash == own_hash))
    if found is not None:
        _complete(connection, found, engine)
        return int(found)
    told = {
        "time_shares": engine.time_shares,
        "warning_kinds": engine.warning_kinds,
        "log": engine.log,
    }
    key = connection.execute(insert(Engine).values(build_hash=own_hash, **build, **told)).inserted_primary_key
    assert key is not None, "every table has a primary key"
    _insert_layers(connection, int(key[0]), engine.layer_list)
    return int(key[0])


def _build(engine: EngineRecord) -> dict[str, Any]:
    return {**{name: getattr(engine, name) for name in _BUILD}, "warnings": list(engine.warnings)}


def _complete(connection: Connection, identifier: int, engine: EngineRecord) -> None:
    if engine.log:
        told = {"log": engine.log, "warning_kinds": engine.warning_kinds}
        connection.execute(update(Engine).where(Engine.id == identifier, Engine.log.is_(None)).values(**told))
    own = EngineLayer.engine_id == identifier
    count = select(func.count(), func.count(EngineLayer.milliseconds)).where(own)
    listed, timed = connection.execute(count).one()
    times_are_new = not timed and any(layer.milliseconds is not None for layer in engine.layer_list)
    if times_are_new or not listed:
        connection.execute(delete(EngineLayer).where(own))
        _insert_layers(connection, identifier, engine.layer_list)
        connection.execute(update(Engine).where(Engine.id == identifier).values(time_shares=engine.time_shares))


def _insert_layers(connection: Connection, identifier: int, layers: Sequence[LayerRecord]) -> None:
    rows: list[dict[str, Any]] = [
        {**vars(layer), "engine_id": identifier, "outputs": list(layer.outputs)} for layer in layers
    ]
    if rows:
        connection.execute(insert(EngineLayer), rows)
