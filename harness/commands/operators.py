"""``trt-harness operators``: which operators a runtime computes, in which precision, and what differs between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Database, TextFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.commands.operators_reading import SubjectOperators
    from harness.operators.table import Difference


def operators(
    *,
    subject: Annotated[
        str | None,
        typer.Option(
            metavar="SUBJECT",
            help="Only this one: what its session called it, its runtime and version, or its version alone "
            "(default: all, and with --against the one that ran last).",
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="SUBJECT", help="What differs from this subject, and not the whole tables.")
    ] = None,
    form: Annotated[TextFormat, typer.Option("--format", help="JSON has every message in full.")] = TextFormat.TABLE,
    db: Database = None,
) -> None:
    """Print operator × precision of each subject, from what `pytest suites/ -m operators` stored.

    Ends 0; with --against 1 if an operator passed under that subject and does not pass now, or was not run, 2 if it
    could not be done as asked.
    """
    from harness.commands.operators_reading import chosen_subject, read_operators
    from harness.commands.operators_text import differences_data, operators_data
    from harness.commands.output import print_json
    from harness.errors import HistoryError
    from harness.history.store import History
    from harness.opening import database_url
    from harness.operators.table import differences
    from harness.settings import load_settings

    root = Path.cwd()
    url = database_url(load_settings(root, {"db": db}).db, root)
    with History.open(url, read_only=True) as history:
        subjects = read_operators(history.queries)
    if not subjects:
        raise HistoryError("the history has no operator cases yet; run them: pytest suites/ -m operators")
    if against is None:
        shown = [chosen_subject(subjects, subject)] if subject else subjects
        if form is TextFormat.JSON:
            print_json({"subjects": operators_data(shown)})
        else:
            _print_tables(shown, form)
        return
    # Both named alike: two versions may share a name.
    other = chosen_subject(subjects, against, but=None if subject else subjects[0])
    own = chosen_subject(subjects, subject, but=other) if subject else subjects[0]
    found = differences(other.results, own.results)
    if form is TextFormat.JSON:
        print_json({"subject": own.title, "against": other.title, "differences": differences_data(found)})
    else:
        _print_differences(own, other, found, form)
    if any(each.change in ("regressed", "not run") and each.before == "ok" for each in found):
        raise typer.Exit(1)


def _print_tables(subjects: Sequence[SubjectOperators], form: TextFormat) -> None:
    from harness.commands.operators_text import counts_rows, not_passing_rows

    for subject in subjects:
        _print(f"{subject.title} on {subject.environment}", *counts_rows(subject), form)
        _print(f"{subject.title}: what does not pass", *not_passing_rows(subject), form)


def _print_differences(
    own: SubjectOperators, other: SubjectOperators, found: Sequence[Difference], form: TextFormat
) -> None:
    from harness.commands.operators_text import differences_rows

    machines = (
        "" if own.environment_hash == other.environment_hash else f", on {own.environment} and {other.environment}"
    )
    _print(f"{own.title} against {other.title}{machines}", *differences_rows(found), form)


def _print(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], form: TextFormat) -> None:
    from harness.commands.operators_text import markdown_table
    from harness.commands.output import console, table

    if form is TextFormat.MARKDOWN:
        typer.echo(f"## {title}\n\n{markdown_table(columns, rows) if rows else 'nothing'}\n")
    elif rows:
        console().print(table(rows, columns, title=title))
        console().print("")
    else:
        console().print(f"{title}: nothing")
