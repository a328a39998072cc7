from __future__ import annotations

import pytest

from reports.links import Links


def test_an_account_says_what_was_asked_for_and_begins_anew() -> None:
    """Names that are there have a plus, others a minus; what was accounted for once is not again."""
    links = Links()
    links.offer(["b.html"])
    for name in ("b.html", "a.html", "b.html"):
        links.to(name)
    assert links.take_account() == "-a.html +b.html"
    assert links.take_account() == ""


@pytest.mark.parametrize(
    ("offered", "holds"),
    [
        pytest.param(["b.html", "c.html"], True, id="the same answers"),
        pytest.param(["a.html", "b.html"], False, id="a page has come"),
        pytest.param([], False, id="a page has gone"),
    ],
)
def test_an_account_holds_as_long_as_its_answers_do(offered: list[str], holds: bool) -> None:
    """Pages that were not asked for do not matter."""
    links = Links()
    links.offer(offered)
    assert links.still_hold("-a.html +b.html") is holds
    assert links.still_hold("")
