"""``trt-harness query``: rows of the documented views, or of a SELECT of one's own, as a table, CSV or JSON."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Literal

from harness.commands.output import as_csv, as_json, table
from harness.commands.query_hint import why_none
from harness.errors import ConfigurationError, HistoryError, unknown_value
from harness.history.location import Location, connect
from harness.history.store import History
from harness.history.views import VIEWS, view_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

Format = Literal["table", "csv", "json"]
Row = dict[str, Any]

# What fits beside each other in a terminal; the other formats have every column.
_TABLE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "latest": ("case_id", "metric", "point", "value", "verdict", "effect", "n", "runtime_version", "quality"),
    "trend": ("started_at", "case_id", "metric", "point", "value", "verdict", "effect", "runtime_version", "quality"),
    "regressions": ("started_at", "case_id", "metric", "point", "baseline", "value", "effect", "q", "runtime_version"),
    "engines": ("started_at", "case_id", "runtime_version", "engine_bytes", "build_seconds", "layers", "type_shares"),
    "engine_layers": ("case_id", "runtime_version", "position", "name", "operator", "compute_type", "milliseconds"),
    "change_points": ("started_at", "case_id", "metric", "point", "level_before", "level_after", "effect", "p"),
}
_READING = frozenset({
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
})  # fmt: skip


def answer(
    url: str,
    *,
    view: str | None,
    where: Sequence[str],
    sql: str | None,
    columns: Sequence[str],
    limit: int | None,
    form: Format,
) -> RenderableType:
    """Return what is printed of a view or of a SELECT; exactly one of the two is to be given.

    Args:
        url: of the history.
        view: a view's name.
        where: ``COLUMN=VALUE`` each, for a view.
        sql: a SELECT.
        columns: what is shown of each row; by default all, or in a table of a view what fits.
        limit: how many rows at most.
        form: table, CSV or JSON.

    Raises:
        ConfigurationError: not exactly one of the two was given, or a condition is not of that form.
        HistoryError: the history cannot be read, or has no such view or column.
    """
    if (view is None) == (sql is None) or (sql is not None and where):
        raise ConfigurationError(
            "give one VIEW, with --where if you like, or one --sql SELECT; trt-harness query --list describes the views"
        )
    if view is not None:
        rows, known = rows_of_view(url, view, where=where, limit=limit)
    else:
        rows, known = rows_of_sql(url, sql or "", limit=limit)
    shown = chosen_columns(known, columns, view=view, form=form)
    if not rows and form == "table":
        return why_none(url, view, conditions_of(where), limit=limit) if view else "no rows: the SELECT finds none"
    return rendered(rows, shown, form)


def rows_of_view(
    url: str, view: str, *, where: Sequence[str] = (), limit: int | None = None
) -> tuple[list[Row], tuple[str, ...]]:
    """Return rows of a documented view and its columns.

    Args:
        url: of the history.
        view: its name.
        where: ``COLUMN=VALUE`` each; all of them must hold.
        limit: how many rows at most.

    Raises:
        ConfigurationError: a condition is not of that form.
        HistoryError: the history cannot be read, or has no such view or column.
    """
    columns = tuple(view_named(view).columns)
    conditions = conditions_of(where)
    with History.open(url, read_only=True) as history:
        return history.queries.view(view, where=conditions, limit=limit), columns


def conditions_of(where: Sequence[str]) -> dict[str, str]:
    """Read ``COLUMN=VALUE`` conditions: values by column.

    Raises:
        ConfigurationError: one is not of that form.
    """
    conditions: dict[str, str] = {}
    for condition in where:
        column, equals, value = condition.partition("=")
        if not (column and equals):
            raise ConfigurationError(f"--where takes COLUMN=VALUE, e.g. metric=latency_host, not {condition!r}")
        conditions[column] = value
    return conditions


def rows_of_sql(url: str, statement: str, *, limit: int | None = None) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows and columns of one SELECT over tables and views of a SQLite history.

    It cannot change anything: the file is opened for reading only, and SQLite is told to refuse whatever else a
    statement could do, such as attaching another file.

    Args:
        url: of the history.
        statement: one SELECT, perhaps with a WITH before it.
        limit: how many rows at most.

    Raises:
        HistoryError: the history is no SQLite file, cannot be read, or refuses the statement; or two columns of the
            answer have the same name.
    """
    location = Location.of(url)
    if location.path is None:
        raise HistoryError(f"--sql reads SQLite files only, and the history is {location}; use that database's shell")
    History.open(url, read_only=True).close()  # says what is wrong with a file that is no history of this version
    engine = connect(location, read_only=True)
    try:
        with engine.connect() as connection:
            database = connection.connection.driver_connection
            assert database is not None, "a connection that is open has one of the driver"
            database.set_authorizer(_only_reading)
            cursor = database.execute(statement)
            if cursor.description is None:
                raise HistoryError(f"--sql takes one SELECT, not {statement!r}")
            columns = tuple(column for column, *_ in cursor.description)
            twice = {column for column in columns if columns.count(column) > 1}
            if twice:
                raise HistoryError(f"--sql: two columns are named {min(twice)!r}; give each a name of its own with AS")
            found = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
    except (sqlite3.Error, sqlite3.Warning) as error:
        said = str(error).rstrip(".")
        raise HistoryError(
            f"--sql: {said}. It takes one SELECT; trt-harness query --list describes the views"
        ) from None
    finally:
        engine.dispose()
    return [dict(zip(columns, row, strict=True)) for row in found], columns


def chosen_columns(columns: Sequence[str], wanted: Sequence[str], *, view: str | None, form: Format) -> tuple[str, ...]:
    """Return the columns to show: those asked for, else all, or in a table of a view those that fit.

    Raises:
        HistoryError: a column was asked for that is not there.
    """
    for column in wanted:
        if column not in columns:
            raise HistoryError(f"--columns: {unknown_value('column of the answer', column, columns)}")
    if wanted:
        return tuple(wanted)
    return _TABLE_COLUMNS[view] if view and form == "table" else tuple(columns)


def rendered(rows: Sequence[Row], columns: Sequence[str], form: Format) -> RenderableType:
    """Return rows in a format; times are as they are stored, so CSV and JSON have every digit."""
    picked = [{column: row[column] for column in columns} for row in rows]
    if form == "json":
        return as_json(picked)
    if form == "csv":
        return as_csv(picked, columns)
    return table([list(row.values()) for row in picked], columns)


def described_views(form: Format) -> RenderableType:
    """Return every view with its columns and what they hold."""
    rows = [
        {"view": view.name, "column": column, "holds": holds}
        for view in VIEWS.values()
        for column, holds in view.columns.items()
    ]
    if form != "table":
        return rendered(rows, ("view", "column", "holds"), form)
    blocks = []
    for view in VIEWS.values():
        width = max(map(len, view.columns))
        lines = [f"  {column.ljust(width)}  {holds}" for column, holds in view.columns.items()]
        blocks.append("\n".join([f"{view.name}: {view.about}", *lines]))
    return "\n\n".join(blocks)


def _only_reading(action: int, *_: str | None) -> int:
    # Of the functions, load_extension is the one that could do harm, and connections are made without it.
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
