"""The same pages, from ``trt-harness serve``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from harness.history.store import History
from reports.server import ReportServer
from tests.browser.kinds import pages_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.chromium import Chromium


@pytest.fixture
def address(report: Path) -> Iterator[str]:
    """Yield where the history of the report is served."""
    with (
        History.open(report.parent / "history.db", read_only=True) as history,
        ReportServer(history, "127.0.0.1", 0) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def test_served_pages_open_as_those_on_disk_do(browser: Chromium, report: Path, address: str) -> None:
    """Headers forbid nothing that a page needs, and nothing is asked for but the page."""
    for files in pages_of(report).values():
        browser.open(f"{address}{files[0].name}")
        # Browsers ask every server for its icon, of their own accord.
        asked = [url for url in browser.requests() if not url.endswith("/favicon.ico")]
        assert browser.complaints() == []
        assert asked == [f"{address}{files[0].name}"]
        assert browser.driver.find_element("tag name", "h1").text


def test_the_overview_is_filtered_by_the_server(browser: Chromium, address: str) -> None:
    """An address with a model shows that model's cases only, and says so."""
    browser.open(f"{address}?model=encoder")
    assert "model encoder only" in browser.driver.find_element("tag name", "h1").text
    links = browser.driver.find_elements("css selector", "main tbody th a")
    assert {link.text for link in links} == {"encoder"}
