"""Options that several commands of ``trt-harness`` take; each is declared, and described, once.

typer reads them when a command is declared, so modules import them for good and not for type checkers alone.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="History: path or SQLAlchemy URL (default: .trt-harness/history.db)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print plain data as JSON, on standard output.")]
Cache = Annotated[
    str | None,
    typer.Option("--cache", metavar="DIR", help="Graphs, references, engines (default: .trt-harness/cache)."),
]
ReadingsCache = Annotated[
    str | None,
    typer.Option("--cache", metavar="DIR", help="Where graphs and readings are kept (default: .trt-harness/cache)."),
]
# Of commands that take a model of the catalogue, whose profiles say its shapes, or else a file.
FileShapes = Annotated[
    list[str] | None,
    typer.Option(
        "--shape", metavar="NAME:SHAPE", help="Sizes of an input with free dimensions, as for check; files only."
    ),
]
Gpu = Annotated[str | None, typer.Option("--gpu", metavar="TARGET", help="What to run on: auto, cpu, t4, …")]
Engines = Annotated[
    str | None,
    typer.Option(
        "--engines", metavar="HOW", help="Engines of earlier sessions: auto, reuse or rebuild (default: auto)."
    ),
]
CaseTimeout = Annotated[
    float | None,
    typer.Option("--case-timeout", metavar="S", help="Seconds after which a step is killed (default: 600)."),
]


class RowsFormat(str, Enum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class DataFormat(str, Enum):
    """How an answer is printed that is more than rows of one kind."""

    TABLE = "table"
    JSON = "json"


class TextFormat(str, Enum):
    """How an answer is written that people paste into reviews and reports, too."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
