"""``trt-harness calibration``: the methods of INT8 calibration side by side, and what each of them clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.options import FileShapes, Json
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from harness.cases import Model, Precision
    from harness.sensitivity.calibrations import MethodResult

_ROWS = 20  # of the activations: the rest of a long list is clipped less, and in --json


def calibration(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the catalogue, or an ONNX file.")],
    *,
    precision: Annotated[
        str, typer.Option(metavar="P", help="int8, or a mixed precision of the model's that is made of it.")
    ] = "int8",
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="minmax, percentile-99.99 (or another number), entropy, mse (default: all of them)."
        ),
    ] = None,
    shape: FileShapes = None,
    cache: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where graphs are kept (default: .trt-harness/cache).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the methods of INT8 calibration on one model: accuracy, score, and what is clipped where.

    Runs on the CPU, on the model's own calibration set. Ends 0, or 2 if it could not be done as asked.
    """
    from harness.commands.output import console, print_json
    from harness.commands.sensitivity import model_of
    from harness.sensitivity.calibrations import COMPARED, compare_methods
    from harness.settings import load_settings

    root = Path.cwd()
    settings = load_settings(root, {"cache": cache})
    chosen = model_of(model, settings, root, shape or ())
    asked = [name.strip() for name in methods.split(",")] if methods else list(COMPARED)
    errors = console(stderr=True)
    with errors.status(f"quantising {chosen.name}") as status:
        results = compare_methods(
            chosen,
            precision_of(chosen, precision),
            asked,
            root / settings.cache,
            on_method=lambda method: status.update(f"{chosen.name}: {method}"),
        )
    if as_json:
        print_json([method_data(result) for result in results])
    else:
        console().print(*calibration_text(results), sep="\n")


def precision_of(model: Model, name: str) -> Precision:
    """Return plain INT8, or the precision of ``model`` called ``name`` if it is of that recipe.

    Raises:
        ConfigurationError: there is none.
    """
    from harness.cases import INT8

    known = {INT8.name: INT8, **{p.name: p for p in model.precisions if p.recipe == INT8.recipe}}
    if name not in known:
        raise ConfigurationError(unknown_value(f"INT8 precision of {model.name!r}", name, known))
    return known[name]


def method_data(result: MethodResult) -> dict[str, Any]:
    """Return one method's result as plain data, errors in full."""
    return {
        "method": result.method,
        "point": result.point,
        "cosine": result.cosine,
        "sqnr_db": result.sqnr_db,
        "outputs": {name: error.to_json() for name, error in result.errors.items()},
        "metrics": dict(result.metrics),
        "share_clipped": result.clipped,
        "activations": [vars(clip) for clip in result.clips],
    }


def calibration_text(results: Sequence[MethodResult]) -> Iterator[RenderableType]:
    """Yield what a person reads: a table of the methods, one of the activations, and which method is ahead."""
    from harness.commands.inputs_line import inputs_line
    from harness.commands.output import table
    from harness.sensitivity.calibrations import SEED

    metrics = list(dict.fromkeys(name for result in results for name in result.metrics))
    yield table(
        (
            (
                result.method,
                f"{result.cosine:.6f}",
                f"{result.sqnr_db:.2f}",
                *(f"{result.metrics[name]:.4f}" for name in metrics),
                f"{result.clipped:.4%}",
            )
            for result in results
        ),
        ("method", "cosine", "SQNR, dB", *metrics, "values clipped"),
    )
    yield ""
    yield from _activations(results)
    point = results[0].point
    yield inputs_line(SEED, [point]) if point else "inputs: the first batch of the model's labelled set"
    best = max(results, key=lambda result: result.sqnr_db)
    yield f"smallest error: {best.method}; for the catalogue, beside what its Calibration says: method={best.method!r}"


def _activations(results: Sequence[MethodResult]) -> Iterator[RenderableType]:
    from harness.commands.output import table

    by_method = [{clip.tensor: clip for clip in result.clips} for result in results]
    most = {name: max(clips[name].share for clips in by_method) for name in by_method[0]}
    worst = sorted(most, key=lambda name: -most[name])
    rows = (
        (
            name,
            f"{by_method[0][name].range:.4g}",
            *(f"{clips[name].threshold:.4g} ({clips[name].share:.3%})" for clips in by_method),
        )
        for name in worst[:_ROWS]
    )
    columns = ("activation", "range", *(result.method for result in results))
    yield table(rows, columns, title="where each range ends, and the share of its values that lie beyond")
    if len(worst) > _ROWS:
        yield f"… and {len(worst) - _ROWS} more, each clipped by at most {most[worst[_ROWS]]:.3%} (all: --json)"
