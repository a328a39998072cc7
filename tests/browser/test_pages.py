"""Every page of a report, opened from disk."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.kinds import KINDS, SEARCHED, SORTED, pages_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.chromium import Chromium

NARROW = 390
# Scripts add these, so that a page's source does not tell which it has.
SEARCH, SORT = "main input[type=search]", "main button.sort"
BACKGROUND = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"


def test_the_kinds_of_pages_are_those_that_are_tested(browser: Chromium, report: Path) -> None:
    """A kind, a search or a table to be sorted that is new must be added to the sets that the other tests go by."""
    pages = pages_of(report)
    found: dict[str, set[str]] = {SEARCH: set(), SORT: set()}
    for kind, files in pages.items():
        browser.open(files[0].as_uri())
        for what, kinds in found.items():
            if browser.driver.find_elements("css selector", what):
                kinds.add(kind)
    assert set(pages) == KINDS
    assert found == {SEARCH: SEARCHED, SORT: SORTED}


def test_every_page_opens_without_an_error_and_without_a_request(browser: Chromium, report: Path) -> None:
    """The console stays empty, and nothing is asked for but the page itself."""
    found = {}
    for file in sorted(report.glob("*.html")):
        browser.open(file.as_uri())
        asked = [address for address in browser.requests() if address.partition("#")[0] != file.as_uri()]
        found[file.name] = (browser.complaints(), [address for address in asked if not address.startswith("data:")])
    assert {name: seen for name, seen in found.items() if seen != ([], [])} == {}


def test_no_link_is_dead(report: Path) -> None:
    """Every address in a file of the report, whatever its format, is a file of the report, and its anchor is there."""
    sources = {file.name: file.read_text(encoding="utf-8") for file in report.iterdir()}
    ids = {name: set(re.findall(r'\bid="([^"]+)"', source)) for name, source in sources.items()}
    dead = []
    for file, source in sources.items():
        for address in re.findall(r'\bhref="([^"]*)"|\]\(<([^>]*)>\)', source):
            name, _, anchor = "".join(address).partition("#")
            # What has an equals sign is the state of a view.
            if (name or file) not in sources or (anchor and "=" not in anchor and anchor not in ids[name or file]):
                dead.append(f"{file} leads to {''.join(address)}")
    assert dead == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_is_dark_where_dark_is_preferred(browser: Chromium, report: Path, kind: str) -> None:
    """Its background follows the preference, and is light on paper either way."""
    shades = {}
    for scheme, media in (("light", ""), ("dark", ""), ("dark", "print")):
        browser.emulate(scheme=scheme, media=media)
        browser.open(pages_of(report)[kind][0].as_uri())
        # A page that is printed has no background: that of paper shows, which is transparent here.
        colour = browser.run(BACKGROUND)
        shades[scheme, media] = 255 if len(colour) == 4 and colour[3] == 0 else sum(colour[:3]) / 3
    assert shades["light", ""] > 230
    assert shades["dark", ""] < 50
    assert shades["dark", "print"] > 230


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_prints(browser: Chromium, report: Path, kind: str) -> None:
    """It becomes a PDF with text, and what can only be operated on a screen is not on it."""
    browser.open(pages_of(report)[kind][0].as_uri())
    document = base64.b64decode(browser.command("Page.printToPDF")["data"])
    assert document.startswith(b"%PDF")
    assert len(document) > 20_000
    assert b"/Font" in document
    browser.emulate(media="print")
    controls = "return [...document.querySelectorAll('input')].filter((input) => input.checkVisibility()).length"
    assert browser.run(controls) == 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_shows_what_it_has_without_scripts(browser: Chromium, report: Path, kind: str) -> None:
    """Heading, drawings and tables are in the page itself."""
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(pages_of(report)[kind][0].as_uri())
    text = browser.driver.find_element("tag name", "main").text
    assert browser.driver.find_element("tag name", "h1").text
    assert len(text) > 200
    assert browser.driver.find_elements("css selector", "main table, main svg")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_fits_a_telephone(browser: Chromium, report: Path, kind: str) -> None:
    """What is wider than the screen scrolls in a box of its own, not the page."""
    browser.command("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(pages_of(report)[kind][0].as_uri())
    assert browser.run("return document.documentElement.scrollWidth") <= NARROW
