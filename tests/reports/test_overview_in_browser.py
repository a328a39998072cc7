from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from benchmarks.browser import Browser
from harness.history.store import History
from reports.write import write_report
from tests.reports.sample_history import HistoryBuilder, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium on this machine")

ROWS = """[...document.querySelectorAll("section.machine:not([hidden]) tbody tr:not([hidden]) th")]
    .map(e => e.textContent)"""
FOCUS = """(() => { const cell = document.activeElement.closest("td, th");
    return cell && [cell.parentElement.cells[0].textContent, cell.dataset.precision ?? ""].join(" ").trim(); })()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a browser for all tests of this file."""
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first page of the sample history."""
    folder = tmp_path_factory.mktemp("browser")
    with History.open(folder / "history.db") as history:
        fill(HistoryBuilder(history))
        return write_report(history, folder / "report", title="Sample")


def press(browser: Browser, *keys: str) -> None:
    """Press keys, one after the other; a single character types itself."""
    for key in keys:
        told = {"key": key, "text": key} if len(key) == 1 else {"key": key}
        codes = {"Escape": 27, "Enter": 13, "Tab": 9}
        browser.call("Input.dispatchKeyEvent", type="keyDown", windowsVirtualKeyCode=codes.get(key, 0), **told)
        browser.call("Input.dispatchKeyEvent", type="keyUp", key=key)


def step_back(browser: Browser) -> None:
    """Go back in the browser's history, and wait until the page has followed."""
    browser.evaluate("new Promise(done => { addEventListener('hashchange', done, {once: true}); history.back(); })")


def test_it_opens_without_errors_and_without_requests(browser: Browser, index: Path) -> None:
    """Nothing but the file itself is asked for, and the console stays empty."""
    browser.open(index)
    events = {(event["method"], str(event["params"])[:300]) for event in browser.events}
    assert not [event for event in events if event[0] in ("Log.entryAdded", "Runtime.exceptionThrown")]
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert asked == [index.resolve().as_uri()]


def test_nothing_moves_while_it_loads(browser: Browser, index: Path) -> None:
    """The sum of layout shifts is zero."""
    browser.open(index)
    shifts = browser.evaluate(
        "new Promise(done => { new PerformanceObserver(list => done(list.getEntries().map(e => e.value)))"
        ".observe({type: 'layout-shift', buffered: true}); setTimeout(() => done([]), 300); })"
    )
    assert sum(shifts) == 0


def test_a_view_is_restored_from_its_address(browser: Browser, index: Path) -> None:
    """Standing, precision and order of a link that somebody sent are those that one sees."""
    browser.open(index, "#standing=regressed,failed&precision=fp16,int8&sort=-model")
    assert browser.evaluate(ROWS) == ["squeezenet", "resnet50"]
    assert browser.evaluate("document.getElementById('found').textContent") == "2 cases"
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(e => e.dataset.value)"
    assert browser.evaluate(pressed) == ["failed", "regressed", "fp16", "int8"]
    heads = "[...document.querySelectorAll('thead th:not([hidden]) .sort')].slice(0, 4).map(e => e.textContent)"
    assert browser.evaluate(heads) == ["Model", "Profile", "fp16", "int8"]
    shown = "[...document.querySelectorAll('.attention > li')].filter(e => e.offsetHeight).length"
    assert browser.evaluate(shown) == 2


def test_each_choice_is_a_step_back(browser: Browser, index: Path) -> None:
    """Two chips, then back twice: one chip, none."""
    browser.open(index)
    for value in ("regressed", "missing"):
        browser.evaluate(f"document.querySelector('[data-value={value}]').click()")
    assert browser.evaluate("location.hash") == "#standing=regressed,missing"
    assert browser.evaluate(ROWS) == ["encoder", "resnet50"]
    step_back(browser)
    assert (browser.evaluate("location.hash"), browser.evaluate(ROWS)) == ("#standing=regressed", ["resnet50"])
    step_back(browser)
    assert (browser.evaluate("location.hash"), len(browser.evaluate(ROWS))) == ("", 4)


def test_a_slash_searches_and_escape_shows_all(browser: Browser, index: Path) -> None:
    """Each word must be about one and the same case: resnet50 has passes, and a regression in FP16 only."""
    browser.open(index)
    press(browser, "/", *"resnet int8 regressed")
    assert browser.evaluate("document.activeElement.id") == "search"
    assert browser.evaluate(ROWS) == []
    assert browser.evaluate("document.getElementById('nothing').offsetHeight") > 0
    press(browser, "Escape", *"resnet fp16 regressed")
    assert browser.evaluate(ROWS) == ["resnet50"]
    assert browser.evaluate("location.hash") == "#q=resnet%20fp16%20regressed"
    press(browser, "Escape")
    assert len(browser.evaluate(ROWS)) == 4
    assert browser.evaluate("location.hash") == ""


def test_arrows_go_from_cell_to_cell(browser: Browser, index: Path) -> None:
    """They pass what is hidden; one cell of each matrix is in the order of the Tab key."""
    browser.open(index, "#precision=fp32,int8")
    browser.evaluate("document.querySelector('table.matrix td.cell:not([hidden]) > a').focus()")
    walked = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Home", "ArrowDown", "End", "ArrowRight"):
        press(browser, key)
        walked.append(browser.evaluate(FOCUS))
    assert walked == [
        "encoder int8", "resnet50 int8", "resnet50 fp32", "resnet50", "squeezenet", "squeezenet int8", "squeezenet int8"
    ]  # fmt: skip
    stops = (
        "[...document.querySelectorAll('table.matrix')].map(t => t.querySelectorAll('tbody a[tabindex=\"0\"]').length)"
    )
    assert browser.evaluate(stops) == [1, 1]


def test_a_column_sorts_up_down_and_back(browser: Browser, index: Path) -> None:
    """By latency: squeezenet, encoder, resnet50; what was not timed stays last."""
    browser.open(index)
    click = "document.querySelector('[data-sort=\"precision:int8\"]').click()"
    seen = []
    for _ in range(3):
        browser.evaluate(click)
        state = "document.querySelector('[data-sort=\"precision:int8\"]').closest('th').getAttribute('aria-sort')"
        seen.append((browser.evaluate(state), browser.evaluate(ROWS)[:3]))
    assert seen == [
        ("ascending", ["squeezenet", "resnet50", "encoder"]),
        ("descending", ["resnet50", "squeezenet", "encoder"]),
        (None, ["encoder", "resnet50", "squeezenet"]),
    ]


def test_worst_first_puts_the_crash_on_top(browser: Browser, index: Path) -> None:
    """Rows are ordered by the worst of the cells that are shown."""
    browser.open(index, "#sort=worst")
    assert browser.evaluate(ROWS)[:3] == ["encoder", "squeezenet", "resnet50"]
    browser.open(index, "#sort=worst&precision=fp16")
    assert browser.evaluate(ROWS)[:3] == ["resnet50", "encoder", "squeezenet"]


def test_without_scripts_everything_is_there_and_no_control_is_offered(browser: Browser, index: Path) -> None:
    """Filters that would do nothing are not shown."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(index, "#standing=regressed")
        assert browser.evaluate("document.querySelector('.filter').offsetHeight") == 0
        assert len(browser.evaluate(ROWS)) == 4
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
