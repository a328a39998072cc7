"""``trt-harness changes``: since when series lie where they lie, and what else changed then."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.options import Database, RowsFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.history.rows import ChangeRow

_COLUMNS = ("since", "case", "series", "before", "after", "change", "what else changed", "accepted")
_MOST_DIFFERENCES = 4
# What the formats for machines have of each change.
_DATA = (
    *("case_id", "metric", "point", "environment", "subject", "session_id", "trial_id", "started_at"),
    *("previous_trial_id", "low_trial_id", "high_trial_id", "level_before", "level_after", "unit", "effect", "scale"),
    *("p", "found_at", "differences", "acknowledged"),
)


def changes(
    *,
    case: Annotated[str, typer.Option(metavar="PATTERN", help="Only cases that match it, e.g. 'resnet50-*'.")] = "*",
    metric: Annotated[str, typer.Option(metavar="PATTERN", help="Only metrics that match it, e.g. 'latency_*'.")] = "*",
    limit: Annotated[int | None, typer.Option(metavar="N", min=0, help="At most so many, the newest.")] = None,
    form: Annotated[
        RowsFormat, typer.Option("--format", help="A table has what fits; the others have everything.")
    ] = RowsFormat.TABLE,
    db: Database = None,
) -> None:
    """List the runs since which a series lies elsewhere, the newest first, with what else changed then.

    Each session looks for them as it ends. For better and for worse; `trt-harness baseline ack` accepts one.
    """
    from harness.commands.output import as_csv, as_json, console
    from harness.history.store import History
    from harness.opening import database_url
    from harness.settings import load_settings

    root = Path.cwd()
    with History.open(database_url(load_settings(root, {"db": db}).db, root), read_only=True) as history:
        found = chosen(history.queries.change_points(), case=case, metric=metric, limit=limit)
    if form is RowsFormat.JSON:
        typer.echo(as_json([change_data(change) for change in found]))
    elif form is RowsFormat.CSV:
        rows = [change_data(change) for change in found]
        told = [{**row, "differences": "; ".join(map(str, c.differences))} for row, c in zip(rows, found, strict=True)]
        typer.echo(as_csv(told, _DATA))
    else:
        console().print(changes_table(found))


def chosen(rows: Sequence[ChangeRow], *, case: str, metric: str, limit: int | None) -> list[ChangeRow]:
    """Return the changes whose case and metric match the patterns (``fnmatch``), at most ``limit`` of them."""
    matching = [row for row in rows if fnmatchcase(row.series.case_id, case) and fnmatchcase(row.series.metric, metric)]
    return matching[:limit]


def changes_table(rows: Sequence[ChangeRow]) -> RenderableType:
    """Return changes as a table for people; a sentence where there are none."""
    from harness.commands.output import table
    from reports.text import change, plain, quantity

    if not rows:
        return "no change of a level is known"
    cells = []
    for row in rows:
        known, scale = _metric(row)
        named = [plain(str(difference), 100) for difference in row.differences[:_MOST_DIFFERENCES]]
        more = len(row.differences) - len(named)
        cells.append(
            (
                f"{row.started_at:%Y-%m-%d %H:%M}",
                row.series.case_id,
                f"{row.series.metric}{f' at {row.series.point}' if row.series.point else ''}",
                quantity(row.level_before, known),
                quantity(row.level_after, known),
                change(row.effect, scale, known),
                "; ".join([*named, *([f"and {more} more"] if more else [])]) or "nothing that is known",
                plain(row.acknowledged, 100),
            )
        )
    return table(cells, _COLUMNS)


def change_data(row: ChangeRow) -> dict[str, Any]:
    """Return a change as plain data, by the names of ``_DATA``."""
    unit, scale = _metric(row)
    own = {"unit": unit, "scale": scale}
    return {
        name: own[name] if name in own else getattr(row if hasattr(row, name) else row.series, name) for name in _DATA
    }


def _metric(row: ChangeRow) -> tuple[str, str]:
    """Return unit and scale of what a change is of; a metric of another version of the harness has neither."""
    from harness.cases.metric import METRICS

    metric = METRICS.get(row.series.metric)
    return (metric.unit, metric.scale) if metric else ("1", "log")
