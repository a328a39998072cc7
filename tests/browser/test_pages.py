"""Every page of a report, opened from disk."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from harness.history.store import History
from reports.write import write_report
from tests.browser.kinds import KINDS, SEARCHED, SORTED, pages_of
from tests.reports.sample_history import HistoryBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.chromium import Chromium

NARROW = 390
# Pixels of A4 between margins of 12 mm.
PAPER = 703
# Scripts add these, so that a page's source does not tell which it has.
SEARCH, SORT = "main input[type=search]", "main button.sort"
# Captions that a button lies over, or that has its own button out of sight.
COVERED = """
const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
return [...document.querySelectorAll("main table")].filter((table) => table.caption && table.checkVisibility())
  .filter((table) => {
    const box = table.closest(".scroll");
    const words = document.createRange();
    words.selectNodeContents(table.caption);
    const buttons = [...box.querySelectorAll(".table-tools button")].map((button) => button.getBoundingClientRect());
    const seen = box.getBoundingClientRect();
    return [...words.getClientRects()].some((line) => buttons.some((button) => !apart(line, button)))
      || buttons.some((button) => button.right > seen.right || button.left < seen.left);
  })
  .map((table) => table.caption.textContent.slice(0, 60));
"""
# By class of the drawing, the size on the screen of its smallest words, with everything unfolded.
SMALLEST_WORDS = """
for (const folded of document.querySelectorAll("details")) folded.open = true;
const shown = (part) => part.checkVisibility();
const sizes = {};
for (const drawing of [...document.querySelectorAll("main svg")].filter(shown)) {
  const scale = drawing.getScreenCTM().a;
  for (const words of [...drawing.querySelectorAll("text")].filter(shown)) {
    const kind = drawing.getAttribute("class");
    sizes[kind] = Math.min(sizes[kind] ?? Infinity, parseFloat(getComputedStyle(words).fontSize) * scale);
  }
}
return sizes;
"""
# Of a box that scrolls sideways: at which of its sides there is a shadow, once the frame is drawn.
SHADOWS = """
const [box, at] = arguments;
box.scrollLeft = at * box.scrollWidth;
return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const shadows = getComputedStyle(box).boxShadow.matchAll(/rgba?\\(([^)]*)\\) (-?[\\d.]+)px/g);
  const strong = [...shadows].filter(([, colour]) => Number(colour.split(",")[3] ?? 1) > 0.2);
  done(strong.map(([, , x]) => (x < 0 ? "right" : "left")));
})));
"""
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
def test_a_page_fits_paper(browser: Chromium, report: Path, kind: str) -> None:
    """Nothing is cut off at the right, and what leads to other pages or saves a table is left out."""
    browser.command("Emulation.setDeviceMetricsOverride", width=PAPER, height=1000, deviceScaleFactor=1, mobile=False)
    browser.open(pages_of(report)[kind][0].as_uri())
    browser.emulate(media="print")
    assert browser.run("return document.documentElement.scrollWidth") <= PAPER
    left = "return [...document.querySelectorAll(arguments[0])].filter((part) => part.checkVisibility()).length"
    assert browser.run(left, "nav.site, .filter, .table-tools, .view, .choose, .tip") == 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_heads_of_tables_are_repeated_on_paper(browser: Chromium, report: Path, kind: str) -> None:
    """Chromium repeats a head on each page that a table goes on, but not the buttons in it."""
    browser.open(pages_of(report)[kind][0].as_uri())
    browser.emulate(media="print")
    boxes = "return [...document.querySelectorAll('thead button')].map((part) => getComputedStyle(part).display)"
    assert set(browser.run(boxes)) <= {"contents"}
    positions = "return [...document.querySelectorAll('thead th *')].map((part) => getComputedStyle(part).position)"
    assert set(browser.run(positions)) <= {"static"}


def test_paper_has_drawings_in_the_place_of_charts_that_move(browser: Chromium, report: Path) -> None:
    """What a script draws on the screen, the server drew for print, in the series that are shown."""
    browser.open(pages_of(report)["case"][0].as_uri())
    shown = "return [...document.querySelectorAll(arguments[0])].filter((part) => part.checkVisibility()).length"
    charts = browser.run(shown, ".live")
    assert (charts > 2, browser.run(shown, ".still svg")) == (True, 0)
    browser.emulate(media="print")
    assert (browser.run(shown, ".live"), browser.run(shown, ".still svg")) == (0, charts)


def test_paper_says_why_without_being_unfolded(browser: Chromium, report: Path) -> None:
    """The reasons in the matrix are in the print of the first page, and hidden on the screen until somebody asks."""
    seen = "return [...document.querySelectorAll('.matrix details p')].map((part) => part.checkVisibility())"
    browser.open((report / "index.html").as_uri())
    assert set(browser.run(seen)) == {False}
    browser.emulate(media="print")
    assert set(browser.run(seen)) == {True}


@pytest.mark.parametrize("width", [420, 600, 800, 1300])
def test_nothing_lies_over_a_caption(browser: Chromium, report: Path, width: int) -> None:
    """The buttons that save a table stand beside the words over it, however narrow the window and wide the table."""
    browser.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    covered = {}
    for kind, files in pages_of(report).items():
        browser.open(files[0].as_uri())
        covered[kind] = browser.run(COVERED)
    assert {kind: found for kind, found in covered.items() if found} == {}


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


def test_labels_of_a_chart_tell_its_lines_apart(browser: Chromium, tmp_path: Path) -> None:
    """However close its values of few microseconds lie, no two lines across a chart of a case have the same label."""
    with History.open(tmp_path / "history.db") as history:
        build = HistoryBuilder(history)
        for index in range(4):
            session = build.session(index)
            history.add_trial(build.trial(session, "resnet50", "fp16", slower=0.0005))
            history.finish_session(session.id)
        fast = write_report(history, tmp_path / "report").parent
    note = """
    const fill = CanvasRenderingContext2D.prototype.fillText;
    window.labels = new Map();
    CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
      if (this.textAlign === "right") window.labels.set(this.canvas, [...(window.labels.get(this.canvas) ?? []), text]);
      return fill.call(this, text, ...where);
    };"""
    script = browser.command("Page.addScriptToEvaluateOnNewDocument", source=note)["identifier"]
    try:
        browser.open(next(fast.glob("case-*.html")).as_uri())
    finally:
        browser.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    charts = browser.run("return [...window.labels.values()]")
    assert len(charts) > 2
    assert [labels for labels in charts if len(set(labels)) < len(labels)] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_words_in_drawings_can_be_read_on_a_telephone(browser: Chromium, report: Path, kind: str) -> None:
    """A wide drawing is not shrunk with the screen until its words are smaller than seven pixels."""
    browser.command("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(pages_of(report)[kind][0].as_uri())
    sizes = browser.run(SMALLEST_WORDS)
    assert {name: size for name, size in sizes.items() if size < 7} == {}


@pytest.mark.parametrize("kind", ["case", "layers", "model", "verdict", "versions"])
def test_what_scrolls_sideways_can_be_reached_by_keyboard(browser: Chromium, report: Path, kind: str) -> None:
    """Every box of a drawing takes the focus, or something in it does."""
    browser.command("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(pages_of(report)[kind][0].as_uri())
    boxes = "[...document.querySelectorAll('.drawing')].filter((box) => box.scrollWidth > box.clientWidth)"
    assert browser.run(f"return {boxes}.length") > 0
    out_of_reach = (
        f"return {boxes}.filter((box) => !box.matches('[tabindex]') && !box.querySelector('[tabindex]')).length"
    )
    assert browser.run(out_of_reach) == 0


def test_an_arrow_scrolls_the_box_of_a_drawing(browser: Chromium, report: Path) -> None:
    """The names at the right of the lines from version to version come into sight."""
    browser.command("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(pages_of(report)["versions"][0].as_uri())
    browser.run("document.querySelector('.drawing:has(.slopes)').focus()")
    browser.press("ArrowRight", "ArrowRight")
    moved = browser.run(
        "const box = document.querySelector('.drawing:has(.slopes)');"
        "return new Promise((done) => setTimeout(() => done(box.scrollLeft), 400))"
    )
    assert moved > 30


def test_a_layer_that_an_arrow_chooses_is_in_sight(browser: Chromium, report: Path) -> None:
    """The box of the drawing scrolls to the layer, and what is said of it stands beside it."""
    browser.command("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(pages_of(report)["layers"][0].as_uri())
    browser.run("document.querySelector('svg.layers').focus()")
    browser.press("ArrowRight")
    place = browser.run("return document.querySelector('svg.layers .cursor').getBoundingClientRect().left")
    assert 0 < place < NARROW
    assert browser.run("return document.querySelector('.drawing:has(.layers)').scrollLeft") > 100


@pytest.mark.parametrize(("kind", "box"), [("index", ".scroll:has(.matrix)"), ("versions", ".drawing:has(.slopes)")])
def test_a_shadow_says_where_there_is_more(browser: Chromium, report: Path, kind: str, box: str) -> None:
    """It is at the right of what goes on there, at both sides half-way, and at neither of what is seen as a whole."""
    browser.command("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(pages_of(report)[kind][0].as_uri())

    def shadows(at: float) -> list[str]:
        found: list[str] = browser.run(SHADOWS, browser.driver.find_element("css selector", box), at)
        return found

    assert [shadows(at) for at in (0, 0.3, 1)] == [["right"], ["left", "right"], ["left"]]
    browser.command("Emulation.setDeviceMetricsOverride", width=2000, height=800, deviceScaleFactor=1, mobile=False)
    assert shadows(0) == []
