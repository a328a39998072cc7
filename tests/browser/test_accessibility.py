"""What a reader who cannot see well, or has no mouse, meets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.kinds import KINDS, pages_of

if TYPE_CHECKING:
    from tests.browser.chromium import Chromium

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
STOPS = 40
FOCUSED = """
const element = document.activeElement;
const box = element.getBoundingClientRect();
const style = getComputedStyle(element);
return {
  name: element.tagName, text: element.textContent.trim().slice(0, 60), hash: location.hash,
  seen: element.checkVisibility() && box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
};
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_fault_of_a_page_is_serious(browser: Chromium, report: Path, kind: str, scheme: str) -> None:
    """Axe finds nothing serious or critical, contrast included, with everything unfolded."""
    browser.emulate(scheme=scheme)
    browser.open(pages_of(report)[kind][0].as_uri())
    browser.run("for (const folded of document.querySelectorAll('details')) folded.open = true;")
    browser.run(AXE)
    found = browser.run("return axe.run(document, { resultTypes: ['violations'] })")
    assert found["passes"]
    faults = [
        f"{violation['impact']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert faults == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_whoever_goes_by_keyboard_sees_where_they_are(browser: Chromium, report: Path, kind: str) -> None:
    """The first stop leads past the navigation; each one is on the screen and has a mark around it."""
    browser.open(pages_of(report)[kind][0].as_uri())
    stops = []
    for _ in range(STOPS):
        browser.press("Tab")
        stops.append(browser.run(FOCUSED))
    # After the last one the browser itself has the focus.
    on_page = [stop for stop in stops if stop["name"] != "BODY"]
    assert on_page[0]["text"] == "Skip to the content"
    assert len(on_page) > 5
    assert [stop for stop in on_page if not (stop["seen"] and stop["marked"])] == []


def test_the_skip_link_leads_to_the_content(browser: Chromium, report: Path) -> None:
    """Enter on the first stop of a page goes to what the page is about."""
    browser.open((report / "index.html").as_uri())
    browser.press("Tab", "Enter")
    assert browser.run(FOCUSED)["hash"] == "#content"
