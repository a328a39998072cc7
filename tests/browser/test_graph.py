"""The drawing of a graph in a browser: its colourings, and the address that says which one is seen."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import pytest

from reports.links import layers_file
from tests.browser.test_accessibility import AXE
from tests.reports.sample_history import NEW, SERVER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.browser.chromium import Chromium

SEEN = """
const shown = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).length;
const box = document.querySelector(".graph-drawing a.node.e5");
return {
  error: shown(".graph-drawing text.by-error"), time: shown(".graph-drawing text.by-time"),
  type: shown(".graph-drawing text.by-type"), legends: shown(".graph ul.legend"),
  fill: getComputedStyle(box.querySelector("rect")).fill,
};
"""


@pytest.fixture
def page(report: Path) -> str:
    """Return the address of the layers of an INT8 case, half of which are outside their tolerance."""
    return (report / layers_file("squeezenet-int8-batch1x4x16", 1, SERVER.hash, NEW.hash)).as_uri()


def test_colourings_are_chosen_by_mouse_and_keyboard(browser: Chromium, page: str) -> None:
    """One colouring is seen at a time, with its legend, and the address says which."""
    browser.open(page)
    first = browser.run(SEEN)
    assert first["error"] > 60
    assert (first["time"], first["type"], first["legends"]) == (0, 0, 1)
    browser.driver.find_element("id", "graph-time").click()
    second = browser.run(SEEN)
    assert second["time"] > 60
    assert (second["error"], second["type"], second["legends"]) == (0, 0, 1)
    assert second["fill"] != first["fill"]
    assert browser.driver.current_url.endswith("#graph.colour=time")
    browser.driver.find_element("id", "graph-time").send_keys("\ue014")  # arrow to the right
    assert browser.run(SEEN)["type"] > 20
    assert browser.driver.current_url.endswith("#graph.colour=type")
    assert browser.complaints() == []


def test_an_address_shows_its_colouring(browser: Chromium, page: str) -> None:
    """Whoever opens the address of a colouring sees the drawing in it; an unknown one is the usual one."""
    browser.open(f"{page}#graph.colour=time&graph.fit=no")
    assert browser.run(SEEN)["time"] > 60
    assert browser.run("return document.getElementById('graph-fit').checked") is False
    assert 0 <= browser.run("return document.getElementById('graph').getBoundingClientRect().top") < 500
    browser.open(f"{page}#graph.colour=nonsense")
    assert browser.run(SEEN)["error"] > 60


def test_a_box_leads_to_its_row(browser: Chromium, page: str) -> None:
    """A click on a box shows the row of its tensor, and the colouring stays as it was."""
    browser.open(f"{page}#graph.colour=time")
    browser.run(
        "document.querySelector('.graph-drawing a.node').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert browser.driver.current_url.endswith("#tensor-1")
    assert 0 <= browser.run("return document.getElementById('tensor-1').getBoundingClientRect().top") < 900
    assert browser.run(SEEN)["time"] > 60


def test_colourings_need_no_script(browser: Chromium, page: str) -> None:
    """Without scripts the error is shown, and the others can still be chosen."""
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    texts = browser.driver.find_elements("css selector", ".graph-drawing text.by-error")
    assert texts[0].is_displayed()
    browser.driver.find_element("id", "graph-type").click()
    assert not texts[0].is_displayed()


@pytest.mark.parametrize("colour", ["error", "time", "type"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colouring_can_be_read(browser: Chromium, page: str, scheme: str, colour: str) -> None:
    """Axe finds nothing serious in any colouring, and letters keep their contrast on every colour, as drawn."""
    browser.emulate(scheme=scheme)
    browser.open(f"{page}#graph.colour={colour}")
    browser.run(AXE)
    found = browser.run("return axe.run(document.getElementById('graph'), { resultTypes: ['violations'] })")
    assert [each["id"] for each in found["violations"] if each["impact"] in ("serious", "critical")] == []
    assert browser.run(CONTRAST) >= 4.5


@pytest.mark.parametrize(("colour", "apart"), [("error", 11.0), ("time", 7.0)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_neighbouring_steps_can_be_told_apart(
    browser: Chromium, page: str, scheme: str, colour: str, apart: float
) -> None:
    """Colours of adjacent steps are apart in CIELAB, to those who do not see red, green or blue, too."""
    browser.emulate(scheme=scheme)
    browser.open(page)
    steps = browser.run(STEPS, colour)
    assert len(steps) == {"error": 6, "time": 5}[colour]
    for sight, matrix in SIGHTS.items():
        seen = [_lab(step, matrix) for step in steps]
        found = [round(math.dist(*pair), 1) for pair in itertools.pairwise(seen)]
        assert min(found) >= apart, (sight, found)


def _lab(colour: list[int], matrix: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return CIELAB of a colour in sRGB (IEC 61966-2-1, D65), as seen through a matrix on linear light."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    ]
    red, green, blue = (max(sum(a * b for a, b in zip(row, linear, strict=True)), 0.0) for row in matrix)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


# Machado, Oliveira and Fernandes 2009, of severity 1.
SIGHTS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
# Red, green and blue of each step's boxes, on the card.
STEPS = """
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
const [letter, first, last] = { error: ["e", 0, 5], time: ["t", 1, 5] }[arguments[0]];
document.getElementById(`graph-${arguments[0]}`).checked = true;
const some = document.querySelector(".graph-drawing .node");
const found = [];
for (let step = first; step <= last; step += 1) {
  some.setAttribute("class", `node ${letter}${step}`);
  const card = getComputedStyle(document.documentElement).getPropertyValue("--card");
  for (const layer of [card, getComputedStyle(some.querySelector("rect")).fill]) {
    canvas.fillStyle = layer;
    canvas.fillRect(0, 0, 1, 1);
  }
  found.push([...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3));
}
return found;
"""
# Axe measures no text inside a drawing. Colours with an opacity lie on the card.
CONTRAST = """
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
const luminance = (...layers) => {
  for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
  const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
    .map((part) => part / 255).map((part) => (part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4));
  return .2126 * r + .7152 * g + .0722 * b;
};
const styles = getComputedStyle(document.documentElement);
const drawing = document.querySelector(".graph-drawing");
const some = drawing.querySelector(".node");
const colour = document.querySelector(".graph input[type=radio]:checked").value;
const worst = [];
for (let step = 0; step < 8; step += 1) {
  some.setAttribute("class", `node ${{ error: "e", time: "t", type: "n" }[colour]}${step}`);
  const back = luminance(styles.getPropertyValue("--card"), getComputedStyle(some.querySelector("rect")).fill);
  for (const text of some.querySelectorAll("text, tspan")) {
    const ink = luminance(getComputedStyle(text).fill);
    worst.push((Math.max(ink, back) + .05) / (Math.min(ink, back) + .05));
  }
}
return Math.min(...worst);
"""
