"""Views of pages: what is searched, sorted or linked to is in the address, so that it can be sent to somebody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.kinds import KINDS, SEARCHED, SORTED, pages_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.chromium import Chromium

ROWS = """
return [...document.querySelectorAll("main tbody tr")].filter((row) => row.checkVisibility())
  .map((row) => row.textContent.replace(/\\s+/g, " ").trim());
"""
# Tables whose order is part of the address.
NAMED = "table[id] button.sort, table.matrix button.sort"
PARTS = "return [...document.querySelectorAll('main :is(section, article, h2, h3)[id]')].map((part) => part.id)"
# A word of the sample that some rows have and others have not, by the kind of page that is searched.
WORDS = {
    "index": "resnet50",
    "layers": "Relu",
    "engine": "Relu",
    "session": "throughput",
    "sessions": "2026-01-18",
    "environment": "resnet50",
}


def settled(browser: Chromium, before: list[str]) -> list[str]:
    """Return the rows that are shown once they are others than ``before``; a page may wait for a pause in typing."""
    deadline = time.monotonic() + 5
    while browser.run(ROWS) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)  # the last of several letters
    return list(browser.run(ROWS))


@pytest.mark.parametrize("kind", sorted(SEARCHED))
def test_a_search_leaves_what_fits_and_can_be_sent(browser: Chromium, report: Path, kind: str) -> None:
    """Fewer rows are shown, the address says for what, and opening that address shows the same again."""
    word = WORDS[kind]
    browser.open(pages_of(report)[kind][0].as_uri())
    before = browser.run(ROWS)
    browser.driver.find_element("css selector", "input[type=search]").send_keys(word)
    found = settled(browser, before)
    address = browser.driver.current_url
    assert any(word in row for row in found)
    assert len(found) < len(before)
    assert word in address.partition("#")[2]
    browser.open(address)
    assert browser.run(ROWS) == found
    field = browser.driver.find_element("css selector", "input[type=search]")
    field.click()
    browser.press(*["Backspace"] * len(word))
    assert settled(browser, found) == before


@pytest.mark.parametrize("kind", sorted(SORTED))
def test_a_table_is_sorted_and_can_be_sent(browser: Chromium, report: Path, kind: str) -> None:
    """The column says which way; a table that has a name says it in the address, which shows the same again."""
    browser.open(pages_of(report)[kind][0].as_uri())
    before = browser.run(ROWS)
    named = browser.driver.find_elements("css selector", NAMED)
    buttons = named or browser.driver.find_elements("css selector", "button.sort")
    shown = next(button for button in buttons if button.is_displayed())
    for _ in range(2):  # one way may be that of the page
        shown.click()
    found, address = browser.run(ROWS), browser.driver.current_url
    assert browser.driver.find_elements("css selector", "th[aria-sort]")
    assert sorted(found) == sorted(before)
    if named:
        assert "sort" in address.partition("#")[2]
        browser.open(address)
        assert browser.run(ROWS) == found


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_link_to_a_part_of_a_page_shows_that_part(browser: Chromium, report: Path, kind: str) -> None:
    """A section that others link to is on the screen when its address is opened."""
    file = pages_of(report)[kind][0]
    browser.open(file.as_uri())
    anchors = browser.run(
        "return [...document.querySelectorAll('main [id]:is(section, article, h2, h3)')].map((e) => e.id)"
    )
    for anchor in anchors[-1:]:
        browser.open(f"{file.as_uri()}#{anchor}")
        place = browser.run("return document.getElementById(arguments[0]).getBoundingClientRect().top", anchor)
        assert -1 <= place < 900


def test_the_overview_leads_to_a_case_in_two_steps(browser: Chromium, report: Path) -> None:
    """The first link of what needs attention opens a page that tells of that case."""
    browser.open((report / "index.html").as_uri())
    link = browser.driver.find_element("css selector", ".attention a")
    case = link.text.split()[0]
    link.click()
    assert browser.driver.current_url.partition("#")[0] != (report / "index.html").as_uri()
    assert case in browser.driver.find_element("tag name", "main").text


@pytest.mark.parametrize("hash_", ["#filter=%E0%A4%A", "#nothing", "#%3Cimg%20src=x%3E", "#=&&==&view=view"])
def test_a_broken_address_breaks_no_page(browser: Chromium, report: Path, hash_: str) -> None:
    """Whatever follows the hash, each kind of page opens without an error, and shows itself."""
    for files in pages_of(report).values():
        browser.open(f"{files[0].as_uri()}{hash_}")
        assert browser.complaints() == []
        assert browser.driver.find_element("tag name", "h1").text
