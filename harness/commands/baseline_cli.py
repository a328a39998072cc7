"""The options of ``trt-harness baseline``."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Database, DataFormat

if TYPE_CHECKING:
    from harness.commands.baseline import Signature
    from harness.history.store import History

baseline = typer.Typer(
    help="Decide what runs are compared with: name baselines, accept changes, excuse, rename and drop cases.",
    epilog="CASE, METRIC and POINT are names, or patterns as in a shell, quoted: 'resnet50-*'. Each decision is kept "
    "with its author, its reason and its time; `withdraw` undoes one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever meets the decision later.")]
Author = Annotated[
    str | None, typer.Option("--author", metavar="NAME", help="Who decides (default: git's user.name, else $USER).")
]
Case = Annotated[str, typer.Argument(metavar="CASE", help="A case or a pattern of cases.", show_default=False)]
Metric = Annotated[str, typer.Argument(metavar="METRIC", help="A metric or a pattern of metrics.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the baseline, as --baseline takes it.")]
Sessions = Annotated[
    list[str] | None,
    typer.Option(
        "--session", metavar="ID", help="Take this session's runs; may be given several times (default: latest)."
    ),
]
Commit = Annotated[
    str | None, typer.Option("--commit", metavar="SHA", help="Take the runs of all sessions of this commit.")
]
Runs = Annotated[
    int,
    typer.Option(
        "--runs", metavar="N", min=0, help="Take the good runs before, too, up to N for each case (default: 0)."
    ),
]


@baseline.command("list")
def list_decisions(
    *,
    form: Annotated[
        DataFormat, typer.Option("--format", help="JSON has every revision of the named baselines.")
    ] = DataFormat.TABLE,
    db: Database = None,
) -> None:
    """List named baselines and decisions.

    Those are acknowledged changes, quarantines, aliases, dropped cases, and what was withdrawn.
    """
    from harness.commands.baseline_text import baselines_data, baselines_text
    from harness.commands.output import console, print_json
    from harness.history.store import History
    from harness.opening import database_url
    from harness.settings import load_settings

    root = Path.cwd()
    with History.open(database_url(load_settings(root, {"db": db}).db, root), read_only=True) as history:
        named, decisions = history.queries.named_baselines(), history.queries.decisions()
    now = datetime.now(timezone.utc)
    if form is DataFormat.JSON:
        print_json(baselines_data(named, decisions, now))
    else:
        console().print(*baselines_text(named, decisions, now), sep="\n")


@baseline.command("pin")
def pin_baseline(
    name: Name,
    *,
    reason: Reason,
    session: Sessions = None,
    commit: Commit = None,
    runs: Runs = 0,
    author: Author = None,
    db: Database = None,
) -> None:
    """Name a fixed set of runs to compare with.

    `pytest --baseline NAME` compares with them and no others.
    """
    _pin(name, session, commit, runs, db, signature=_signed(reason, author), promote=False)


@baseline.command("promote")
def promote_baseline(
    name: Name,
    *,
    reason: Reason,
    session: Sessions = None,
    commit: Commit = None,
    runs: Runs = 0,
    author: Author = None,
    db: Database = None,
) -> None:
    """Replace the runs of a named baseline.

    Its former revisions stay on record.
    """
    _pin(name, session, commit, runs, db, signature=_signed(reason, author), promote=True)


@baseline.command("ack")
def acknowledge_change(
    case: Case,
    metric: Metric = "*",
    point: Annotated[str, typer.Argument(metavar="POINT", help="A point or a pattern of points.")] = "*",
    *,
    reason: Reason,
    session: Annotated[str, typer.Option(metavar="ID", help="The session that found the change.")] = "latest",
    author: Author = None,
    db: Database = None,
) -> None:
    """Accept a change as the new level.

    The baselines of the series that changed in the session begin anew with it. Its trials, confirmations included, are
    the first runs at the new level; until there are 8 the series are insufficient. The next change is found as any
    other is.
    """
    from harness.commands.baseline import acknowledge

    with _opened(db) as history:
        decision, series = acknowledge(history, case, metric, point, session=session, signature=_signed(reason, author))
    told = f"{series} series {'begins' if series == 1 else 'begin'} a new level"
    typer.echo(f"{told} with session {decision.parameters['session']}")


@baseline.command("quarantine")
def quarantine_case(
    case: Case,
    metric: Metric = "*",
    *,
    until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The last day of the quarantine, in UTC.")],
    reason: Reason,
    author: Author = None,
    db: Database = None,
) -> None:
    """Keep regressions from failing up to a day.

    Until then they are `quarantined`, after it they fail again by themselves. They never enter a baseline.
    """
    from harness.commands.baseline import quarantine

    with _opened(db) as history:
        quarantine(history, case, metric, until=until, signature=_signed(reason, author))
    typer.echo(f"regressions of {case} {metric} are quarantined up to {until}")


@baseline.command("alias")
def rename_case(
    old: Annotated[str, typer.Argument(metavar="OLD", help="What the case was called; one * may stand in it.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is called now, with the * in its place.")],
    *,
    reason: Reason,
    author: Author = None,
    db: Database = None,
) -> None:
    """Carry a renamed case over.

    Its runs under the former name are runs of the new one, and it is not missing.
    """
    from harness.commands.baseline import rename
    from harness.history.decisions import current_name

    with _opened(db) as history:
        decision, names = rename(history, old, new, signature=_signed(reason, author))
        known = history.queries.case_names()
    for name in names:
        successor = current_name(name, [decision])
        typer.echo(f"{name} goes on as {successor}{'' if successor in known else ', which has not run yet'}")


@baseline.command("drop")
def drop_case(case: Case, *, reason: Reason, author: Author = None, db: Database = None) -> None:
    """Say that a case is gone on purpose.

    Then it is not missing.
    """
    from harness.commands.baseline import drop

    with _opened(db) as history:
        _, names = drop(history, case, signature=_signed(reason, author))
    typer.echo(f"no longer missing if they do not run: {', '.join(names)}")


@baseline.command("withdraw")
def withdraw_decision(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the decision, as `list` shows it.")],
    *,
    reason: Reason,
    author: Author = None,
    db: Database = None,
) -> None:
    """Undo a decision; both stay on record."""
    from harness.commands.baseline import withdraw

    with _opened(db) as history:
        undone = withdraw(history, number, signature=_signed(reason, author))
    typer.echo(f"withdrawn: {undone.action} of {undone.case} ({undone.describe()})")


def _opened(db: str | None) -> History:
    from harness.history.store import History
    from harness.opening import database_url
    from harness.settings import load_settings

    root = Path.cwd()
    url = database_url(load_settings(root, {"db": db}).db, root)
    # A decision is about what is there: where there is no history, none must be made.
    History.open(url, read_only=True).close()
    return History.open(url)


def _signed(reason: str, author: str | None) -> Signature:
    from harness.checkout import author_of
    from harness.commands.baseline import Signature

    return Signature(reason=reason, author=author if author is not None else author_of(Path.cwd()))


def _pin(
    name: str,
    sessions: list[str] | None,
    commit: str | None,
    runs: int,
    db: str | None,
    *,
    signature: Signature,
    promote: bool,
) -> None:
    from harness.commands.baseline_pin import FEWEST_RUNS, pin

    with _opened(db) as history:
        pinned = pin(
            history,
            name,
            Path.cwd(),
            sessions=sessions or (),
            commit=commit,
            runs=runs,
            promote=promote,
            signature=signature,
        )
    made = pinned.baseline
    typer.echo(f"baseline {made.name}, revision {made.revision}: {made.described}")
    if pinned.short:
        typer.echo(
            f"{pinned.short} of {pinned.series} series have fewer than {FEWEST_RUNS} runs, too few for a verdict: "
            "take the runs before, too, by a larger --runs, or several sessions, or run the suite more often",
            err=True,
        )
