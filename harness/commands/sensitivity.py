"""``trt-harness sensitivity``: which nodes a precision hurts, and a recipe that keeps a few of them in FP32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.cases import Model, Precision, Tolerance
from harness.commands.inputs_line import inputs_line
from harness.commands.output import as_json, console, table
from harness.commands.shapes import ShapeOption, batch_axis_of, profile_of
from harness.errors import ConfigurationError, ModelError, unknown_value
from harness.sensitivity.study import OTHER_SEED, SEED, STUDIED_RECIPES, study
from harness.settings import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from harness.sensitivity.search import Budget, Nodes, SearchResult
    from harness.sensitivity.study import Study
    from harness.settings import Settings

_ROWS = 20  # of the ranking: the rest of a long one is noise, and in --json


def show_sensitivity(
    model: str,
    precision: str,
    settings: Settings,
    root: Path,
    *,
    shapes: Sequence[str] = (),
    cosine: float | None = None,
    sqnr_db: float | None = None,
    budget: Budget,
    json: bool = False,
) -> int:
    """Study one model, print what was found, and return the exit code: 0 if the tolerances are met, else 1.

    Args:
        model: the name of a model of the catalogue, or the path of an ONNX file.
        precision: the recipe.
        settings: the catalogue and the cache are taken from them.
        root: the folder that relative paths of the settings are meant from.
        shapes: what ``--shape`` was given; only for a file.
        cosine: smallest cosine of each output; without it and ``sqnr_db``, the model's own tolerances hold.
        sqnr_db: smallest ratio of signal to error of each output, in dB.
        budget: for the search.
        json: print plain data.

    Raises:
        UsageError: it cannot be done as asked.
    """
    if precision not in STUDIED_RECIPES:
        raise ConfigurationError(unknown_value("precision whose nodes can be ranked", precision, STUDIED_RECIPES))
    chosen = model_of(model, settings, root, shapes)
    plain = Precision(precision)  # type: ignore[arg-type]  # one of STUDIED_RECIPES
    asked = cosine is not None or sqnr_db is not None
    tolerances = (Tolerance(cosine=cosine, sqnr_db=sqnr_db),) if asked else chosen.tolerances_for(plain)
    errors = console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task(f"converting {chosen.name}", total=None)

        def on_reading(kept: Nodes, excess: float) -> None:
            progress.update(bar, description=f"{len(kept)} nodes kept: {excess:.3g} times what is allowed")

        found = study(
            chosen,
            plain.recipe,
            tolerances=tolerances,
            cache=root / settings.cache,
            budget=budget,
            on_reading=on_reading,
        )
    if json:
        console().print(as_json(sensitivity_data(found)))
    else:
        console().print(*sensitivity_text(found), sep="\n")
    return 0 if found.met else 1


def model_of(name: str, settings: Settings, root: Path, shapes: Sequence[str]) -> Model:
    """Return the model of the catalogue called ``name``, or one made of the ONNX file that it is the path of.

    Raises:
        ConfigurationError: there is neither, or shapes were given for a model that has profiles of its own.
        UsageError: the file is no ONNX model, or the shapes do not fit it.
    """
    from harness.graphs.load import input_specs, parse_model

    file = root / name
    if file.suffix == ".onnx":
        if not file.exists():
            raise ModelError(f"there is no file {str(file)!r}")
        inputs = input_specs(parse_model(file))
        profile = profile_of(inputs, [ShapeOption.parse(text) for text in shapes])
        return Model.from_onnx(file, profiles=[profile], batch_axis=batch_axis_of(inputs))
    models = {model.name: model for model in load_catalogue(settings.catalogue, root)}
    if name not in models:
        raise ConfigurationError(f"{unknown_value('model of the catalogue', name, models)} Or give an ONNX file.")
    if shapes:
        raise ConfigurationError(f"--shape is for ONNX files; {name!r} has the profiles of its catalogue")
    return models[name]


def sensitivity_data(found: Study) -> dict[str, Any]:
    """Return a study as plain data: errors in multiples of what is allowed, costs in multiply-adds."""
    search = found.search
    return {
        "met": found.met,
        "precision": found.precision.to_json(),
        "point": found.point,
        "share_of_multiply_adds_kept": found.share,
        "untouched_excess": search.untouched,
        "untouched": {output: error.to_json() for output, error in found.untouched.items()},
        "outputs": {judgement.output: judgement.sentence for judgement in found.judgements},
        "ranking": [{"node": r.node, "excess": r.error, "multiply_adds": r.cost} for r in search.ranking],
        "evaluations": search.evaluations,
        "resumed": found.resumed,
        "finished": search.finished,
    }


def sensitivity_text(found: Study) -> Iterator[RenderableType]:
    """Yield what a person reads: the ranking, what happens with nothing kept, the remedy, and the recipe to paste."""
    search = found.search
    measured = [entry for entry in search.ranking if entry.error is not None]
    kept = set(found.precision.keep_fp32)
    total = max(found.multiply_adds, 1)
    rows = [
        (entry.node, f"{entry.error:.3g}", f"{entry.cost / total:.1%}", "FP32" if entry.node in kept else "")
        for entry in measured[:_ROWS]
    ]
    columns = ("node", "error alone", "multiply-adds", "kept in")
    yield table(rows, columns, title="errors are multiples of what is allowed")
    if len(measured) > _ROWS:
        yield f"… and {len(measured) - _ROWS} more, each at most {measured[_ROWS].error:.3g} (all of them: --json)"
    if len(measured) < len(search.ranking):
        yield f"{len(search.ranking) - len(measured)} nodes were not ranked: the budget ended before"
    for output, error in found.untouched.items():
        yield f"{found.precision.recipe} with nothing kept: output {output!r}: {error}"
    yield from _outcome(found, search)
    known = f", {found.resumed} known from before" if found.resumed else ""
    yield f"{search.evaluations} sets of nodes measured{known}"
    yield inputs_line(SEED, [found.point], more=f"confirmed on those of the seed {OTHER_SEED!r}")


def _outcome(found: Study, search: SearchResult) -> Iterator[str]:
    more = "" if search.finished else "; the budget ended: run it again, and it goes on from here"
    if search.kept is None:
        yield f"no set of nodes was found that meets the tolerances{more}"
        return
    count = len(found.precision.keep_fp32)
    if count:
        noun = "node" if count == 1 else "nodes"
        yield f"{count} {noun} kept in FP32, {found.share:.1%} of the multiply-adds{more}"
    else:
        yield "nothing to keep"
    for judgement in found.judgements:
        outcome = "meets" if judgement.passed else "does NOT meet"
        yield f"on other inputs the converted graph {outcome} the tolerances: {judgement.sentence}"
    if count and found.met:
        yield "for the catalogue:"
        yield recipe_text(found.precision)


def recipe_text(precision: Precision) -> str:
    """Return the Python expression that makes ``precision``, one node a line."""
    nodes = "".join(f"        {name!r},\n" for name in precision.keep_fp32)
    return f"Precision(\n    {precision.recipe!r},\n    keep_fp32=(\n{nodes}    ),\n    name={precision.name!r},\n)"
