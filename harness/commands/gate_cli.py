"""The options of ``trt-harness gate``, and where its answer goes."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import Database, Json


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
