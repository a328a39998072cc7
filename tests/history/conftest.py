"""A history to write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.history.store import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Return a new history in a folder of its own."""
    with History.open(tmp_path / "history.db") as opened:
        yield opened
