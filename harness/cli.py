"""The shell command ``trt-harness``: options and exit codes; what each command does is in ``harness.commands``."""

from __future__ import annotations

import os
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from harness.commands.baseline_cli import baseline
from harness.commands.calibration import calibration
from harness.commands.changes import changes
from harness.commands.compare import compare
from harness.commands.layers import layers
from harness.commands.operators import operators
from harness.commands.tolerances import tolerances
from harness.errors import UsageError


class _Group(typer.core.TyperGroup):
    """Ends a command that cannot be done as asked with one line and exit code 2; typer itself sees to Ctrl-C: 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    name="trt-harness",
    cls=_Group,
    help="Holds inference engines to account: accuracy, speed, size, and what changed since when.",
    epilog="Settings: [tool.trt-harness] in pyproject.toml, overridden by TRT_HARNESS_… variables, overridden by "
    "options. Exit codes: 0 all is well, 1 something failed or regressed, 2 it could not be done as asked, 3 what the "
    "gate was asked to count, 130 it was interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Format(str, Enum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="History: path or SQLAlchemy URL (default: .trt-harness/history.db)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print plain data as JSON, on standard output.")]
Cache = Annotated[
    str | None,
    typer.Option("--cache", metavar="DIR", help="The cache that has the engines (default: .trt-harness/cache)."),
]

engines = typer.Typer(
    cls=_Group,
    help="List and prune the engines that are kept to be found again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(engines, name="engines")
app.add_typer(baseline, name="baseline")
app.command()(compare)
app.command()(changes)
app.command()(layers)
app.command()(tolerances)
app.command()(calibration)
app.command()(operators)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if asked:
        import harness

        typer.echo(f"trt-harness {harness.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


@app.command()
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
    gpu: Annotated[str | None, typer.Option(metavar="TARGET", help="What to run on: auto, cpu, t4, …")] = None,
    subject: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PYTHON", help="Run it under this interpreter's runtime, too.")
    ] = None,
    case_timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds after which a step is killed (default: 600).")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smallest shape only, timed briefly.")] = False,
    engines: Annotated[
        str | None,
        typer.Option(metavar="HOW", help="Engines of earlier sessions: auto, reuse or rebuild (default: auto)."),
    ] = None,
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


@app.command()
def doctor(
    *,
    upgrade_history: Annotated[
        bool, typer.Option("--upgrade-history", help="First bring an older history up to date; a backup is made.")
    ] = False,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Say what this machine can run, and why not.

    Ends 0 if suites can be run here, 1 if not.
    """
    from harness.commands.doctor import examine
    from harness.commands.doctor_text import doctor_data, doctor_text
    from harness.commands.output import console, print_json
    from harness.opening import open_for_writing
    from harness.settings import load_settings

    root = Path.cwd()
    settings = load_settings(root, {"db": db})
    if upgrade_history:
        with open_for_writing(settings.db, root, upgrade=True) as history:
            made = f"upgraded; a copy of what it was is {history.backup}" if history.backup else "up to date already"
            console(stderr=True).print(f"history {settings.db}: {made}")
    with console(stderr=True).status("looking around"):
        diagnosis = examine(settings, root)
    if as_json:
        print_json(doctor_data(diagnosis))
    else:
        console().print(*doctor_text(diagnosis), sep="\n")
    raise typer.Exit(0 if diagnosis.can_run else 1)


@app.command()
def report(
    *,
    output: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The folder to write to (default: build/report); with --finding, the file."),
    ] = None,
    finding: Annotated[
        str | None,
        typer.Option(
            metavar="TRIAL[:METRIC[:POINT]]", help="Write one verdict, the worst of those meant, as one file to send."
        ),
    ] = None,
    db: Database = None,
) -> None:
    """Write the HTML report, or one finding of it, and print the path of its first page."""
    from harness.commands.output import console
    from harness.history.store import History
    from harness.opening import database_url
    from harness.settings import Settings, load_settings
    from reports.finding import FindingReference, write_finding
    from reports.write import write_report

    root = Path.cwd()
    settings = load_settings(root, {"db": db, "report": output})
    meant = FindingReference.of(finding) if finding is not None else None
    with (
        History.open(database_url(settings.db, root), read_only=True) as history,
        console(stderr=True).status("writing the report"),
    ):
        if meant is None:
            page = write_report(history, root / (settings.report or Settings.report))
        else:
            page = write_finding(history, meant, root / output if output else None, folder=root)
    typer.echo(page)


@app.command()
def serve(
    *,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Where to listen; anything but this machine itself is open to others."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    db: Database = None,
) -> None:
    """Show the report live from the history, read only, until Ctrl-C."""
    from harness.commands.serve import run_server
    from harness.opening import database_url
    from harness.settings import load_settings

    root = Path.cwd()
    run_server(database_url(load_settings(root, {"db": db}).db, root), host, port)


@app.command()
def query(
    view: Annotated[str | None, typer.Argument(metavar="VIEW", help="One of the documented views: see --list.")] = None,
    *,
    where: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Only rows that have it; once for each condition.")
    ] = None,
    columns: Annotated[str | None, typer.Option(metavar="A,B", help="Only these columns, in this order.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=0, help="At most so many rows.")] = None,
    sql: Annotated[
        str | None, typer.Option(metavar="SELECT", help="A SELECT of your own in place of a view; it can only read.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="A table has the columns that fit; the others have all.")
    ] = Format.TABLE,
    list_views: Annotated[bool, typer.Option("--list", help="Describe the views and their columns.")] = False,
    db: Database = None,
) -> None:
    """Print rows of the history: of a documented view, or of a SELECT of your own."""
    from harness.commands.output import console
    from harness.commands.query import answer, described_views
    from harness.opening import database_url
    from harness.settings import load_settings

    if list_views:
        console().print(described_views(form.value))
        return
    root = Path.cwd()
    url = database_url(load_settings(root, {"db": db}).db, root)
    chosen = [column.strip() for column in (columns or "").split(",") if column.strip()]
    shown = answer(url, view=view, where=where or (), sql=sql, columns=chosen, limit=limit, form=form.value)
    console().print(shown)


@app.command()
def gate(
    *,
    session: Annotated[
        str, typer.Option(metavar="ID", help="The session to judge; latest is the one of models started last.")
    ] = "latest",
    count: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="End 3 for these too, as for what is missing: inconclusive, insufficient."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Count all of them.")] = False,
    summary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md",
            help="Write what wants attention as Markdown. Where $GITHUB_STEP_SUMMARY is set it is added there, too.",
        ),
    ] = None,
    report_url: Annotated[
        str, typer.Option(metavar="URL", help="Where the HTML report can be had, for the Markdown.")
    ] = "",
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE.xml", help="Write the verdicts as JUnit XML, a test case a series.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE.sarif", help="Write what wants attention as SARIF 2.1.0.")
    ] = None,
    annotations: Annotated[
        bool | None,
        typer.Option(
            "--annotations/--no-annotations",
            help="Print it as GitHub's workflow commands, on standard error; by default where GITHUB_ACTIONS=true.",
        ),
    ] = None,
    db: Database = None,
    as_json: Json = False,
) -> None:
    """Turn the verdicts of a session into an exit code.

    Ends 0 if nothing regressed and no case failed, 1 if something did, 2 if there is nothing to judge or the session
    did not finish, 3 if a case or a value is missing, or there is something of what --count names.
    """
    from harness.checkout import ancestors
    from harness.commands.gate import COUNTABLE, assess
    from harness.commands.gate_annotations import gate_annotations
    from harness.commands.gate_files import write_answers
    from harness.commands.gate_reading import read_session
    from harness.commands.gate_sources import find_sources
    from harness.commands.gate_text import gate_data, gate_text
    from harness.commands.output import console, print_json
    from harness.history.store import History
    from harness.opening import database_url
    from harness.settings import load_settings

    root = Path.cwd()
    words = [word.strip() for word in (count or "").split(",") if word.strip()]
    with History.open(database_url(load_settings(root, {"db": db}).db, root), read_only=True) as history:
        read = read_session(history.queries, session, ancestors=partial(ancestors, root))
        assessment = assess(read, count=COUNTABLE if strict else words)
    sources = find_sources(assessment.session.source, root)
    write_answers(
        assessment,
        sources,
        summary=summary,
        step_summary=os.environ.get("GITHUB_STEP_SUMMARY"),
        report_url=report_url,
        junit=junit,
        sarif=sarif,
    )
    if as_json:
        print_json(gate_data(assessment))
    else:
        console().print(*gate_text(assessment), sep="\n")
    if annotations or (annotations is None and os.environ.get("GITHUB_ACTIONS") == "true"):
        for line in gate_annotations(assessment, sources):
            typer.echo(line, err=True)
    raise typer.Exit(assessment.exit_code)


@app.command()
def sensitivity(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the catalogue, or an ONNX file.")],
    *,
    precision: Annotated[str, typer.Option(metavar="P", help="The recipe to study: int8 or fp16.")] = "int8",
    shape: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:SHAPE", help="Sizes of an input with free dimensions, as for check; files only."),
    ] = None,
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
    cache: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where graphs and readings are kept (default: .trt-harness/cache)."),
    ] = None,
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


@engines.command("list")
def list_engines(*, cache: Cache = None, as_json: Json = False) -> None:
    """List the engines, the one used last first, and say what was discarded."""
    from harness.commands.engines import listed, listed_data
    from harness.commands.output import console, print_json
    from harness.engines import EngineStore
    from harness.settings import load_settings

    root = Path.cwd()
    store = EngineStore.below(root / load_settings(root, {"cache": cache}).cache)
    if as_json:
        print_json(listed_data(store))
    else:
        console().print(*listed(store), sep="\n")


@engines.command("prune")
def prune_engines(
    *,
    max_gib: Annotated[
        float | None,
        typer.Option(metavar="GIB", min=0, help="Keep those used last, as far as they fit into so much."),
    ] = None,
    older_than: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Remove those not used for so long.")
    ] = None,
    keep_last: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Keep no more than so many, those used last.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Remove engines; they are built again when a case needs them.

    Where several rules are given, an engine goes if any of them says so.
    """
    from harness.commands.engines import prune, pruned_text
    from harness.commands.output import console, print_json
    from harness.engines import EngineStore
    from harness.settings import load_settings

    root = Path.cwd()
    store = EngineStore.below(root / load_settings(root, {"cache": cache}).cache)
    removed = prune(store, max_gib=max_gib, older_than_days=older_than, keep_last=keep_last, dry_run=dry_run)
    if as_json:
        print_json({"removed": removed, "dry_run": dry_run})
    else:
        console().print(*pruned_text(store, removed, dry_run=dry_run), sep="\n")


def main() -> None:
    """Run ``trt-harness``."""
    app()


if __name__ == "__main__":
    main()
