from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from reports.badge import badge, badge_message
from reports.standing import STANDINGS, tally

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param(["pass"] * 12, "12 pass", id="all pass"),
        pytest.param(["pass", "regressed", "regressed"], "2 regressed", id="regressed hides passes"),
        pytest.param(["insufficient", "pass", "pass"], "2 pass, 1 insufficient", id="what is no pass is said"),
        pytest.param(
            ["crashed", "failed", "regressed", "missing", "inconclusive"],
            "1 crashed, 1 failed, 1 regressed, 2 more",
            id="worst first, the rest counted",
        ),
        pytest.param([], "no results", id="nothing"),
    ],
)
def test_the_state_is_said_in_words(keys: list[str], said: str) -> None:
    """What needs attention is all that is said; where nothing does, passes are counted first."""
    assert badge_message(tally(STANDINGS[key] for key in keys)) == said


def test_a_badge_is_sound_and_has_an_accessible_title() -> None:
    """It is XML, called what it says, and its texts have the room that they are given."""
    drawing = fromstring(badge([STANDINGS["pass"]] * 3))  # noqa: S314 - it was just drawn
    title = drawing.find(f"{SVG}title")
    assert title is not None
    assert title.text == drawing.get("aria-label") == "engines: 3 pass"
    assert [text.text for text in drawing.iter(f"{SVG}text")] == ["engines", "3 pass"]
    ends = [float(text.get("x", "")) + float(text.get("textLength", "")) for text in drawing.iter(f"{SVG}text")]
    _, label, _ = drawing.iter(f"{SVG}rect")
    assert ends[0] < float(label.get("width", "")) < ends[1] < float(drawing.get("width", ""))


@pytest.mark.parametrize(
    ("key", "colour"), [("pass", "#00664a"), ("regressed", "#a8340a"), ("insufficient", "#59636e")]
)
def test_only_what_was_judged_good_is_green(key: str, colour: str) -> None:
    """A baseline that is too short is neither good nor bad."""
    assert f'fill="{colour}"' in badge([STANDINGS[key]])
