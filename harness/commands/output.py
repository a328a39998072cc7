"""How commands print: plain data as JSON and CSV, tables for people."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Wide enough for any table: what is piped into a file or another command is never cut off.
_UNLIMITED = 10_000


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is, as wide as the terminal; without one nothing is cut or wrapped."""
    stream = sys.stderr if stderr else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else _UNLIMITED
    return Console(stderr=stderr, markup=False, highlight=False, soft_wrap=True, width=width)


def table(rows: Iterable[Sequence[Any]], columns: Sequence[str], *, title: str | None = None) -> Table:
    """Return a table of ``rows``, one cell for each of ``columns``; cells that are no renderable are shown as text."""
    result = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        result.add_column(column, overflow="fold")
    for row in rows:
        result.add_row(*(cell if hasattr(cell, "__rich_console__") else shown(cell) for cell in row))
    return result


def shown(value: Any) -> str:
    """Return a value as a table shows it: numbers with six digits, nothing for None."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def print_json(value: Any) -> None:
    """Print ``value`` as JSON, and nothing else, on standard output."""
    sys.stdout.write(as_json(value) + "\n")


def as_json(value: Any) -> str:
    """Return ``value`` as JSON: records as objects, times in ISO 8601; infinities and NaN, which it lacks, as text."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return ``rows`` as CSV (RFC 4180, but for line ends: a newline) with a header; None is an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    return buffer.getvalue().rstrip("\n")


def plain(value: Any) -> Any:
    """Return ``value`` as what JSON knows; see ``as_json``."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
