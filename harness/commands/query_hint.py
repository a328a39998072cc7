"""Why ``trt-harness query`` found no rows, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import unknown_value
from harness.history.store import History

if TYPE_CHECKING:
    from collections.abc import Mapping


def why_none(url: str, view: str, conditions: Mapping[str, str], *, limit: int | None) -> str:
    """Say in one sentence why a view gave no rows: by its limit, its conditions, or a history that is empty.

    Args:
        url: of the history.
        view: its name.
        conditions: values that columns had to have.
        limit: how many rows there were to be at most.

    Raises:
        HistoryError: the history cannot be read.
    """
    if limit == 0:
        return "no rows, as --limit 0 asks"
    with History.open(url, read_only=True) as history:
        queries = history.queries
        if not queries.sessions():
            return (
                f"no rows: the history {queries.database} is empty; fill it with pytest suites/ or "
                f"trt-harness check MODEL.onnx"
            )
        if not queries.view(view, limit=1):
            return f"no rows: no session has left any for the view {view!r} yet, whatever the conditions"
        for column, value in conditions.items():
            if not queries.view(view, where={column: value}, limit=1):
                found = {str(row[column]) for row in queries.view(view) if row[column] is not None}
                return f"no rows: {unknown_value(f'{column} in the view {view!r}', value, found)}"
    together = " and ".join(f"{column}={value}" for column, value in conditions.items())
    return f"no rows: some have one of these, but none has {together} together; leave out a --where"
