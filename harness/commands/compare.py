"""``trt-harness compare``: its options, its progress in a terminal, and where the result goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Cache, CaseTimeout, Database, Engines, Gpu, TextFormat
from harness.errors import ConfigurationError
from harness.settings import pace_of

if TYPE_CHECKING:
    from harness.commands.compare_result import ComparisonResult
    from harness.settings import Settings


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="What B is held against.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one, of the same kind.")],
    *,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Run only these models, slow ones included.")
    ] = None,
    precisions: Annotated[str | None, typer.Option(metavar="P,Q", help="Run only these precisions.")] = None,
    profiles: Annotated[str | None, typer.Option(metavar="P,Q", help="Run only these shape profiles.")] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="M,N", help="Compare only these metrics (default: all that sessions gate on).")
    ] = None,
    blocks: Annotated[int, typer.Option(metavar="N", help="Blocks of four trials for each case that is run.")] = 8,
    gpu: Gpu = None,
    build_option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Set an option of every build; once for each.")
    ] = None,
    engines: Engines = None,
    reference: Annotated[
        str | None, typer.Option(metavar="WHERE", help="What both are held against: cpu or cuda[:PYTHON].")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smallest shapes only, timed briefly.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Slow models too, timed for longer.")] = False,
    case_timeout: CaseTimeout = None,
    strict: Annotated[bool, typer.Option("--strict", help="End 3 where something could not be decided.")] = False,
    form: Annotated[TextFormat, typer.Option("--format", help="How it is written.")] = TextFormat.TABLE,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there, and only the answer to standard output.")
    ] = None,
    db: Database = None,
    cache: Cache = None,
) -> None:
    """Compare two subjects, sessions, commits or GPUs: is B slower, larger or less accurate than A?

    Two subjects given as NAME=[RUNTIME:]PYTHON are run now, in turns. Anything else is looked up in the history: a
    session (latest, latest~1, an id), a subject's name, perhaps with @VERSION, a commit or branch, or an environment's
    name; session:, subject:, commit: or gpu: before it says which is meant.

    Ends 0 if nothing regressed from A to B, 1 if something did or fails with B alone, 2 if it could not be done as
    asked, 3 if --strict and something is open, 130 after Ctrl-C.
    """
    from harness.commands.compare_sides import check_same_way
    from harness.settings import load_settings

    pace = pace_of(quick=quick, full=full)
    root = Path.cwd()
    run_now = check_same_way(a, b)
    if output is not None:
        _make(output)  # before minutes are spent on what goes there
    overrides = {
        "models": models,
        "precisions": precisions,
        "profiles": profiles,
        "gpu": gpu,
        "build_options": tuple(build_option or ()),
        "engines": engines,
        "reference": reference,
        "pace": pace,
        "case_timeout": case_timeout,
        "db": db,
        "cache": cache,
        "subjects": tuple(text.removeprefix("subject:") for text in (a, b)) if run_now else None,
    }
    settings = load_settings(root, overrides)
    chosen = [name.strip() for name in (metrics or "").split(",") if name.strip()]
    result = (
        _run(settings, root, blocks=blocks, metrics=chosen)
        if run_now
        else _look_up(a, b, settings, root, metrics=chosen)
    )
    _write(result, form, output, strict=strict)
    raise typer.Exit(result.exit_code(strict=strict))


def _run(settings: Settings, root: Path, *, blocks: int, metrics: list[str]) -> ComparisonResult:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from harness.commands.compare_live import plan_live, run_live
    from harness.commands.output import console

    plan = plan_live(settings, root, blocks=blocks, metrics=metrics)
    errors = console(stderr=True)
    names = " and ".join(subject.name for subject in plan.subjects)
    errors.print(
        f"{len(plan.cases)} cases with {names}, {blocks} blocks each, on {plan.target.target.name} "
        f"({plan.target.reason}); history {settings.shown_db}"
    )
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("building", total=len(plan.cases) * blocks)
        order = [case.id for case in plan.cases]

        def on_block(case: str, done: int) -> None:
            progress.update(bar, description=f"{case} · block {done}", completed=order.index(case) * blocks + done)

        return run_live(plan, settings, root, on_block=on_block)


def _look_up(a: str, b: str, settings: Settings, root: Path, *, metrics: list[str]) -> ComparisonResult:
    from harness.commands.compare_live import metrics_named
    from harness.commands.compare_sides import stored_sides
    from harness.commands.compare_stored import compare_stored
    from harness.history.store import History
    from harness.opening import database_url

    with History.open(database_url(settings.db, root), read_only=True) as history:
        sides = stored_sides(a, b, history.queries, root)
        wanted = metrics_named(metrics)
        return compare_stored(sides, history.queries, metrics=wanted, last=settings.baseline_runs)


def _write(result: ComparisonResult, form: TextFormat, output: Path | None, *, strict: bool) -> None:
    from rich.console import Console

    from harness.commands.compare_text import comparison_data, comparison_markdown, comparison_text
    from harness.commands.output import as_json, console

    if form is TextFormat.TABLE:
        plain = Console(markup=False, highlight=False, soft_wrap=True, width=10_000, no_color=True)
        with plain.capture() as captured:
            plain.print(*comparison_text(result, strict=strict), sep="\n")
        text = captured.get()
    elif form is TextFormat.JSON:
        text = as_json(comparison_data(result, strict=strict)) + "\n"
    else:
        text = comparison_markdown(result, strict=strict)
    if output is None:
        if form is TextFormat.TABLE:
            console().print(*comparison_text(result, strict=strict), sep="\n")
        else:
            typer.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    typer.echo(f"{result.headline}; written to {output}")


def _make(output: Path) -> None:
    """Make an empty file, or leave what there is.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("a"):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"the comparison cannot be written to {str(output)!r}: {error.strerror}; name another file: --output FILE"
        ) from None
