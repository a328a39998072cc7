"""``trt-harness tolerances``: what a model's outputs may be asked for, measured, and proposed as an edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Database, Json, ReadingsCache
from harness.tolerances import MARGIN_DB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.cases import Case, Model, Precision
    from harness.settings import Settings
    from harness.tolerances.proposal import Check, Proposal
    from harness.tolerances.readings import Reading


def tolerances(
    *,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these models, slow ones included (default: the quick ones).")
    ] = None,
    precisions: Annotated[str | None, typer.Option(metavar="P,Q", help="Only these precisions.")] = None,
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Sets of inputs at each point.")] = 4,
    margin: Annotated[
        float, typer.Option(metavar="DB", min=0, help="How far below what was measured a tolerance shall lie.")
    ] = MARGIN_DB,
    check: Annotated[
        bool,
        typer.Option("--check", help="Propose nothing, but plant faults and see whether the tolerances notice them."),
    ] = False,
    faults: Annotated[int, typer.Option(metavar="N", min=1, help="How many faults --check plants in a model.")] = 9,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.diff", help="Write the edit there (default: standard output).")
    ] = None,
    db: Database = None,
    cache: ReadingsCache = None,
    as_json: Json = False,
) -> None:
    """Measure the noise floor of models and propose tolerances above it, as a diff of the catalogue to be reviewed.

    The floor is the worst of the reference's own noise, of the precision's rounding on the CPU less the spread between
    the builds that the history has, and of what its engines reached. `git apply` takes the diff. Ends 0; with --check 1
    where a tolerance is below its floor, or lets a fault pass that a closer one would notice; 1 too where a model could
    not be measured.
    """
    from harness.settings import load_settings

    root = Path.cwd()
    named = {"models": models, "precisions": precisions, "db": db, "cache": cache}
    settings = load_settings(root, named)
    raise typer.Exit(
        show_tolerances(
            settings,
            root,
            seeds=seeds,
            margin_db=margin,
            faults=faults if check else 0,
            output=output,
            as_json=as_json,
        )
    )


def show_tolerances(
    settings: Settings,
    root: Path,
    *,
    seeds: int,
    margin_db: float,
    faults: int,
    output: Path | None,
    as_json: bool,
) -> int:
    """Measure, print what was found, and return the exit code.

    Args:
        settings: catalogue, models, precisions, history and cache are taken from them.
        root: the folder that relative paths are meant from.
        seeds: sets of inputs at each point.
        margin_db: how far below its floor a tolerance shall lie.
        faults: how many are planted; 0 proposes an edit instead.
        output: the file for the diff; None prints it.
        as_json: print plain data.

    Raises:
        UsageError: it cannot be done as asked.
    """
    from harness.cases import expand
    from harness.commands.output import console, print_json
    from harness.commands.tolerances_text import checks_text, proposals_text, refused_text, tolerances_data
    from harness.setting_origins import check_filters
    from harness.settings import load_catalogue
    from harness.tolerances.derive import CatalogueEdit, edit_of, wanted_of

    catalogue = load_catalogue(settings.catalogue, root)
    check_filters(settings, catalogue)
    cases = expand(catalogue, models=settings.models, precisions=settings.precisions)
    readings, failed = _measured(cases, root / settings.cache, seeds=seeds, faults=faults)
    proposals, checks = _derived(cases, readings, settings, root, margin_db=margin_db)
    wanted = {} if faults else wanted_of(proposals)
    edit = edit_of(settings.catalogue, wanted, root) if wanted else CatalogueEdit("", {})
    if output is not None:
        output.write_text(edit.diff, encoding="utf-8")
    if as_json:
        print_json(tolerances_data(readings, proposals, checks, edit, failed, margin_db=margin_db))
    else:
        # Where the diff goes to standard output, it goes there alone.
        people = console(stderr=not faults and output is None)
        people.print(*proposals_text(proposals, readings, margin_db=margin_db), sep="\n")
        if faults:
            people.print(*checks_text(checks, faults), sep="\n")
        for line in refused_text(edit, wanted):
            people.print(line)
        for model, why in failed.items():
            people.print(f"{model} was not measured: {why}")
        if output is None and edit.diff:
            typer.echo(edit.diff, nl=False)
    wrong = any(proposal.standing == "below its floor" for proposal in proposals) or any(c.passed for c in checks)
    return 1 if failed or (faults and wrong) else 0


def _measured(cases: Iterable[Case], cache: Path, *, seeds: int, faults: int) -> tuple[list[Reading], dict[str, str]]:
    """Return what was measured, which is kept in the cache, and why some models could not be."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from harness.commands.output import console
    from harness.errors import RuntimeFailure
    from harness.tolerances.measure import measure
    from harness.tolerances.readings import store_reading

    wanted: dict[str, tuple[Model, dict[str, Precision]]] = {}
    for case in cases:
        wanted.setdefault(case.model.name, (case.model, {}))[1][case.precision.name] = case.precision
    readings, failed = [], {}
    errors = console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("starting", total=None)
        for model, precisions in wanted.values():
            try:
                reading = measure(
                    model,
                    list(precisions.values()),
                    cache,
                    seeds=seeds,
                    faults=faults,
                    on_step=lambda text: progress.update(bar, description=text),
                )
            except RuntimeFailure as failure:
                failed[model.name] = str(failure)
                continue
            store_reading(cache, reading)
            readings.append(reading)
    return readings, failed


def _derived(
    cases: Iterable[Case], readings: Iterable[Reading], settings: Settings, root: Path, *, margin_db: float
) -> tuple[list[Proposal], list[Check]]:
    from contextlib import nullcontext

    from harness.opening import open_for_reading
    from harness.tolerances.derive import derive

    models = {case.model.name: case.model for case in cases}
    proposals: list[Proposal] = []
    checks: list[Check] = []
    history = open_for_reading(settings.db, root)
    with history or nullcontext():
        for reading in readings:
            found = derive(models[reading.model], reading, history.queries if history else None, margin_db=margin_db)
            proposals += found[0]
            checks += found[1]
    return proposals, checks
