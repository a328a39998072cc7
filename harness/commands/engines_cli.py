"""``trt-harness engines``: its commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import Json

engines = typer.Typer(
    help="List and prune the engines that are kept to be found again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Cache = Annotated[
    str | None,
    typer.Option("--cache", metavar="DIR", help="The cache that has the engines (default: .trt-harness/cache)."),
]


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
