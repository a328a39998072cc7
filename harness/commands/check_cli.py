"""The options of ``trt-harness check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import CaseTimeout, Database, Engines, Gpu, Json


def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="An ONNX file, its external data beside it.")],
    *,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:SHAPE",
            help="Sizes of an input with free dimensions, e.g. image:1x3x224x224, or smallest, usual and largest: "
            "image:1x3x224x224,4x3x224x224,16x3x224x224. Once for each such input.",
        ),
    ] = None,
    precisions: Annotated[
        str | None, typer.Option(metavar="P,Q", help="What to build it in (default: fp32,fp16,int8).")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What the history calls it; results of equal names are compared (default: the file's name)."),
    ] = None,
    gpu: Gpu = None,
    subject: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PYTHON", help="Run it under this interpreter's runtime, too.")
    ] = None,
    case_timeout: CaseTimeout = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smallest shape only, timed briefly.")] = False,
    engines: Engines = None,
    reference: Annotated[
        str | None, typer.Option(metavar="WHERE", help="What it is held against: cpu or cuda[:PYTHON] (default: cpu).")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare with this named baseline instead of the last good runs."),
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the HTML report goes (default: build/report).")
    ] = None,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Build, compare and time one ONNX file in every precision, with invented inputs.

    Ends 0 if every stage passed or was skipped, 1 if one failed, 2 if it could not be done as asked, 130 after Ctrl-C.
    """
    from harness.commands.check_run import show_check
    from harness.settings import load_settings

    overrides = {
        "precisions": precisions,
        "gpu": gpu,
        "subjects": tuple(subject or ()),
        "case_timeout": case_timeout,
        "pace": "quick" if quick else None,
        "engines": engines,
        "reference": reference,
        "baseline": baseline,
        "report": report,
        "db": db,
    }
    root = Path.cwd()
    raise typer.Exit(
        show_check(model, load_settings(root, overrides), root, shapes=shape or (), name=name, as_json=as_json)
    )
