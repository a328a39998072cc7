"""The options of ``trt-harness sensitivity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import FileShapes, Json, ReadingsCache


def sensitivity(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the catalogue, or an ONNX file.")],
    *,
    precision: Annotated[str, typer.Option(metavar="P", help="The recipe to study: int8 or fp16.")] = "int8",
    shape: FileShapes = None,
    cosine: Annotated[
        float | None,
        typer.Option(help="Smallest cosine of each output (default, with --sqnr: the model's own tolerances)."),
    ] = None,
    sqnr: Annotated[
        float | None, typer.Option(metavar="DB", help="Smallest ratio of signal to error of each output, in dB.")
    ] = None,
    evaluations: Annotated[
        int, typer.Option(metavar="N", min=1, help="Measure no more than so many sets of nodes.")
    ] = 400,
    time_limit: Annotated[
        float, typer.Option(metavar="S", min=1, help="Begin no further measurement after so many seconds.")
    ] = 300.0,
    cache: ReadingsCache = None,
    as_json: Json = False,
) -> None:
    """Rank nodes by the error that their rounding causes, and find a few to keep in FP32.

    Runs on the CPU, and goes on where an earlier run stopped. Ends 0 if the tolerances are met, with or without nodes
    that are kept, 1 if not, 2 if it could not be done as asked.
    """
    from harness.commands.sensitivity import show_sensitivity
    from harness.sensitivity.search import Budget
    from harness.settings import load_settings

    root = Path.cwd()
    raise typer.Exit(
        show_sensitivity(
            model,
            precision,
            load_settings(root, {"cache": cache}),
            root,
            shapes=shape or (),
            cosine=cosine,
            sqnr_db=sqnr,
            budget=Budget(evaluations=evaluations, seconds=time_limit),
            json=as_json,
        )
    )
