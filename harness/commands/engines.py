"""``trt-harness engines``: what is in the engine store, and what may go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from harness.commands.output import table
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.engines import EngineStore, StoredEngine

_GIB = 2**30
_COLUMNS = ("case", "runtime", "GPU", "MiB", "build s", "built", "last used", "key")
_KEY_DIGITS = 12


def listed(store: EngineStore) -> list[RenderableType]:
    """Return what is printed of a store: its engines, the one used last first, and what was discarded."""
    engines, discarded = store.list(), store.discarded()
    shown: list[RenderableType] = [_table(engines)] if engines else []
    shown.append(f"{_amount(engines)} in {store.folder}")
    if discarded:
        last = discarded[-1]
        shown.append(f"{len(discarded)} discarded, the last one {_time(last.at)}: {last.case or last.key}: {last.why}")
    return shown


def listed_data(store: EngineStore) -> dict[str, Any]:
    """Return the same as plain data, to be printed as JSON."""
    return {"folder": store.folder, "engines": store.list(), "discarded": store.discarded()}


def prune(
    store: EngineStore,
    *,
    max_gib: float | None,
    older_than_days: float | None,
    keep_last: int | None,
    dry_run: bool,
) -> tuple[StoredEngine, ...]:
    """Remove what no longer fits, and return it.

    Args:
        store: what is pruned.
        max_gib: keep no more than so many GiB.
        older_than_days: remove what was not used for so many days.
        keep_last: keep no more than so many engines.
        dry_run: remove nothing.

    Raises:
        ConfigurationError: nothing says what is to go.
    """
    if max_gib is None and older_than_days is None and keep_last is None:
        raise ConfigurationError(
            "say what is to go: --max-gib GIB, --older-than DAYS or --keep-last N; --keep-last 0 removes every engine"
        )
    select = store.prunable if dry_run else store.prune
    return select(
        max_bytes=None if max_gib is None else int(max_gib * _GIB),
        older_than=None if older_than_days is None else timedelta(days=older_than_days),
        keep_last=keep_last,
    )


def pruned_text(store: EngineStore, removed: Sequence[StoredEngine], *, dry_run: bool) -> list[RenderableType]:
    """Return what is printed of a pruning: what went, or would go, and what is left."""
    gone = {engine.key for engine in removed}
    left = [engine for engine in store.list() if engine.key not in gone]
    shown: list[RenderableType] = [_table(removed)] if removed else []
    shown.append(f"{'would remove' if dry_run else 'removed'} {_amount(removed)}; {_amount(left)} left")
    return shown


def _table(engines: Sequence[StoredEngine]) -> RenderableType:
    rows = [
        (
            engine.facts.case,
            f"{engine.parts['runtime']} {engine.parts['version']}",
            engine.parts["gpu"],
            f"{engine.bytes / 2**20:.1f}",
            f"{engine.facts.seconds:.1f}",
            _time(engine.built_at),
            _time(engine.last_used),
            engine.key[:_KEY_DIGITS],
        )
        for engine in engines
    ]
    return table(rows, _COLUMNS)


def _amount(engines: Sequence[StoredEngine]) -> str:
    size = sum(engine.bytes for engine in engines) / 2**20
    return f"{len(engines)} engine{'' if len(engines) == 1 else 's'} of {size:.1f} MiB"


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
