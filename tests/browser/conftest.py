"""A browser, and a report to open in it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from harness.history.store import History
from reports.write import write_report
from tests.reports.sample_history import HistoryBuilder, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.chromium import Chromium


@pytest.fixture(scope="session")
def running_browser() -> Iterator[Chromium]:
    """Yield the one browser of all tests; where there is none they are skipped."""
    if importlib.util.find_spec("selenium") is None:
        pytest.skip("Selenium is not installed: pip install 'trt-harness[test]'")
    from tests.browser.chromium import BROWSER, DRIVER, Chromium

    if not (BROWSER and DRIVER):
        pytest.skip("there is no Chromium with its driver: apt-get install chromium chromium-driver")
    with Chromium() as chromium:
        yield chromium


@pytest.fixture
def browser(running_browser: Chromium) -> Chromium:
    """Return the browser, light and in its usual size."""
    running_browser.emulate()
    running_browser.command("Emulation.clearDeviceMetricsOverride")
    running_browser.command("Emulation.setScriptExecutionDisabled", value=False)
    return running_browser


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report over a history with something of everything."""
    folder = tmp_path_factory.mktemp("browsed")
    with History.open(folder / "history.db") as history:
        fill(HistoryBuilder(history))
        for session in history.queries.sessions():
            history.find_change_points(session.record.id)
        return write_report(history, folder / "report", title="Sample").parent
