"""``trt-harness layers``: every layer of a case, with what it was handed, what it makes, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.options import Cache, CaseTimeout, DataFormat, Engines, FileShapes, Gpu
from harness.errors import ConfigurationError, HarnessError, UsageError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cases import Case
    from harness.settings import Settings

DEFAULT_PRECISION = "fp16"


def layers(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="A case of the catalogue, or one of its models, or an ONNX file.")
    ],
    *,
    precision: Annotated[
        str | None, typer.Option(metavar="P", help="Of a model or file (default: fp16), or in place of the case's.")
    ] = None,
    shape: FileShapes = None,
    gpu: Gpu = None,
    subject: Annotated[
        str | None, typer.Option(metavar="NAME=PYTHON", help="Compare this interpreter's runtime.")
    ] = None,
    engines: Engines = None,
    case_timeout: CaseTimeout = None,
    cache: Cache = None,
    form: Annotated[DataFormat, typer.Option("--format", help="How it is written.")] = DataFormat.TABLE,
) -> None:
    """Compare every layer with the reference and tell errors that are made from those that are passed on.

    Runs at the smallest point of the profile. Each layer is also run alone, on the CPU, from the reference's
    activations. Ends 0 if every layer is within its tolerance, 1 if not, 2 if it could not be done as asked.
    """
    from harness.commands.layers_text import layers_data, layers_text
    from harness.commands.output import console, print_json
    from harness.settings import load_settings

    root = Path.cwd()
    overrides = {
        "gpu": gpu,
        "subjects": (subject,) if subject else (),
        "engines": engines,
        "case_timeout": case_timeout,
        "cache": cache,
    }
    settings = load_settings(root, overrides)
    chosen = case_of(case, settings, root, precision=precision, shapes=shape or ())
    with console(stderr=True).status(f"comparing the layers of {chosen.id}"):
        try:
            found = compare(chosen, settings, root)
        except UsageError:
            raise
        except HarnessError as failure:
            typer.echo(f"error: {chosen.id}: {failure}", err=True)
            raise typer.Exit(2) from None
    if form is DataFormat.JSON:
        print_json(layers_data(found))
    else:
        console().print(*layers_text(found), sep="\n")
    raise typer.Exit(0 if found.layers["passed"] else 1)


@dataclass(frozen=True, kw_only=True)
class ComparedLayers:
    """The layers of one case.

    Attributes:
        case: which.
        layers: what ``harness.workers.comparing.compare_layers`` answered, each entry with its ``analysis``.
        origins: what ``harness.workers.analysing.analyse_layers`` answered.
    """

    case: Case
    layers: dict[str, Any]
    origins: dict[str, Any]


def compare(case: Case, settings: Settings, root: Path) -> ComparedLayers:
    """Build ``case`` under the first subject of ``settings`` and look into its layers; nothing is remembered.

    Raises:
        UsageError: it cannot be done as asked.
        HarnessError: the runtime refuses the case, or its worker died.
    """
    from harness.cases.target import refuses
    from harness.measurement.sampling import SamplingPlan
    from harness.opening import gpu_of, surroundings_of, target_of
    from harness.pipeline import Pipeline
    from harness.recorder import new_session_id
    from harness.settings import build_options_of
    from harness.subjects import subjects_of
    from harness.workbench import Phases

    choice = target_of(settings)
    gpu = gpu_of(choice)
    subject = subjects_of(settings, choice.target, gpu)[0]
    around = surroundings_of(new_session_id(), settings, root, None, target=choice.target, gpu=gpu)
    try:
        pipeline = Pipeline(
            case,
            subject,
            around.workbench,
            Phases(),
            smallest_only=True,
            sampling=SamplingPlan(),
            timeout=settings.case_timeout,
            refusal=refuses(choice.target, case.precision),
            options=build_options_of(settings.build_options),
            engine_name=case.id,
            engines=settings.engines,
        )
        compared = pipeline.layers()
        return ComparedLayers(case=case, layers=compared, origins=pipeline.layer_origins())
    finally:
        around.workbench.close()


def case_of(text: str, settings: Settings, root: Path, *, precision: str | None, shapes: Sequence[str]) -> Case:
    """Return the case that ``text`` names: a case's id, or a model or file at its first profile.

    Raises:
        ConfigurationError: there is no such case, model or precision.
        UsageError: the file is no ONNX model, or the shapes do not fit it.
    """
    from harness.cases import Case, Precision, expand
    from harness.commands.sensitivity import model_of
    from harness.settings import load_catalogue

    catalogue = () if text.endswith(".onnx") else load_catalogue(settings.catalogue, root)
    cases = {case.id: case for case in expand(catalogue, full=True)} if catalogue else {}
    found = cases.get(text)
    if found is None:
        names = {model.name for model in catalogue}
        if catalogue and text not in names:
            raise ConfigurationError(
                f"{unknown_value('case or model of the catalogue', text, {*names, *cases})} Or give an ONNX file."
            )
        model = model_of(text, settings, root, shapes)
        found = Case(model, Precision(precision or DEFAULT_PRECISION), model.profiles[0])  # type: ignore[arg-type]  # checked there
    elif shapes:
        raise ConfigurationError(f"--shape is for ONNX files; {text!r} has the profile of its catalogue")
    if precision is None or precision == found.precision.name:
        return found
    named = {known.name: known for known in found.model.precisions}
    return Case(found.model, named.get(precision) or Precision(precision), found.profile)  # type: ignore[arg-type]  # the same
