"""Rows of the documented views for programs: ``/api/<view>.json`` and ``.csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.commands.output import as_csv, as_json
from harness.errors import UsageError, unknown_value
from harness.history.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.queries import Queries

FORMATS = ("csv", "json")
DEFAULT_ROWS, MOST_ROWS = 1000, 100_000
PARAMETERS = ("columns", "limit", "where")


class NoSuchView(UsageError):  # noqa: N818 - it says what is the matter
    """A view or a format that is not there."""


def view_rows(queries: Queries, name: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """Return rows of a view as CSV or JSON.

    Args:
        queries: of the history.
        name: of the view, with the format: ``latest.json``.
        parameters: ``where`` (``COLUMN=VALUE``, any number of them, all must hold), ``columns`` (names with commas
            between them, by default all) and ``limit`` (rows, 1000 by default, at most 100 000).

    Raises:
        NoSuchView: there is no such view or format.
        UsageError: a parameter is unknown, or has no value that it can have.
        HistoryError: the history cannot be read, or a condition is on a column that the view has not.
    """
    view, _, form = name.rpartition(".")
    if view not in VIEWS:
        raise NoSuchView(unknown_value("documented view", view or name, VIEWS))
    if form not in FORMATS:
        raise NoSuchView(unknown_value("format of rows", form, FORMATS))
    for given in parameters:
        if given not in PARAMETERS:
            raise UsageError(unknown_value("parameter of a view", given, PARAMETERS))
    known = tuple(VIEWS[view].columns)
    columns = _columns(parameters.get("columns", ()), known)
    conditions = dict(_condition(text) for text in parameters.get("where", ()))
    rows = queries.view(view, where=conditions, limit=_limit(parameters.get("limit", ())))
    picked = [{column: row[column] for column in columns} for row in rows]
    return f"{as_json(picked) if form == 'json' else as_csv(picked, columns)}\n"


def described_api() -> str:
    """Return, as JSON, every view with its columns and what they hold."""
    views = [{"name": view.name, "about": view.about, "columns": view.columns} for view in VIEWS.values()]
    return f"{as_json({'views': views, 'formats': FORMATS, 'parameters': PARAMETERS, 'most_rows': MOST_ROWS})}\n"


def _columns(given: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    wanted = [column.strip() for text in given for column in text.split(",") if column.strip()]
    for column in wanted:
        if column not in known:
            raise UsageError(f"columns: {unknown_value('column of the view', column, known)}")
    return tuple(dict.fromkeys(wanted)) or known


def _condition(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not (column and equals):
        raise UsageError(f"where takes COLUMN=VALUE, e.g. where=metric%3Dlatency_host, not {text!r}")
    return column, value


def _limit(given: Sequence[str]) -> int:
    if not given:
        return DEFAULT_ROWS
    text = given[-1]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ROWS)) and int(text) <= MOST_ROWS):
        raise UsageError(f"limit takes a number of rows from 0 to {MOST_ROWS:,}, not {text!r}")
    return int(text)
