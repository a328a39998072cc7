"""Histories to report on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.history.store import History
from reports.write import write_report
from tests.reports.sample_history import HistoryBuilder, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[HistoryBuilder]:
    """Yield a builder over an empty history."""
    with History.open(tmp_path / "history.db") as history:
        yield HistoryBuilder(history)


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report over a history with something of everything."""
    folder = tmp_path_factory.mktemp("sample")
    with History.open(folder / "history.db") as history:
        fill(HistoryBuilder(history))
        return write_report(history, folder / "report", title="Sample").parent
