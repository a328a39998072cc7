"""The shell command ``trt-harness``: its commands, and exit codes; what each does is in ``harness.commands``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from harness.commands.baseline_cli import baseline
from harness.commands.calibration import calibration
from harness.commands.changes import changes
from harness.commands.check_cli import check
from harness.commands.compare import compare
from harness.commands.engines_cli import engines
from harness.commands.gate_cli import gate
from harness.commands.layers import layers
from harness.commands.operators import operators
from harness.commands.options import Database, Json, RowsFormat
from harness.commands.sensitivity_cli import sensitivity
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
            console(stderr=True).print(f"history {settings.shown_db}: {made}")
    with console(stderr=True).status("looking around"):
        diagnosis = examine(settings, root)
    if as_json:
        print_json(doctor_data(diagnosis))
    else:
        console().print(*doctor_text(diagnosis), sep="\n")
    raise typer.Exit(0 if diagnosis.can_run else 1)


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
        try:
            if meant is None:
                page = write_report(history, root / (settings.report or Settings.report))
            else:
                page = write_finding(history, meant, root / output if output else None, folder=root)
        except KeyboardInterrupt:
            typer.echo("stopped: what was to be written is not whole; run it again", err=True)
            raise typer.Exit(130) from None
    typer.echo(page)


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
        RowsFormat, typer.Option("--format", help="A table has the columns that fit; the others have all.")
    ] = RowsFormat.TABLE,
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


app.add_typer(engines, name="engines")
app.add_typer(baseline, name="baseline")
for _command in (
    compare,
    changes,
    layers,
    tolerances,
    calibration,
    operators,
    check,
    doctor,
    report,
    serve,
    query,
    gate,
    sensitivity,
):  # in the order in which --help lists them
    app.command()(_command)


def main() -> None:
    """Run ``trt-harness``."""
    app()


if __name__ == "__main__":
    main()
