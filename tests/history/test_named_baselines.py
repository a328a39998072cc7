from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ConfigurationError, HistoryError
from harness.history.named_baselines import NamedBaseline, newest_revision
from tests.history.building import NOON


def named(name: str = "release", revision: int = 1, **changes: Any) -> NamedBaseline:
    """Return a revision of a baseline."""
    common: dict[str, Any] = {"source": "session 1", "reason": "shipped", "author": "Ada", "created_at": NOON}
    return NamedBaseline(name=name, revision=revision, **(common | changes))


def test_the_newest_revision_is_in_force() -> None:
    """Whatever the order in which they are given."""
    made = [named(revision=2), named(revision=3), named(revision=1), named("other", revision=9)]
    assert newest_revision(made, "release").revision == 3


def test_an_unknown_baseline_is_an_error() -> None:
    """The error names the nearest, all that there are, and how one is made."""
    with pytest.raises(HistoryError, match=r"Did you mean 'release'\? Known: nightly, release.*baseline pin"):
        newest_revision([named(), named("nightly")], "relase")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": " a"}, id="a name that begins with a blank"),
        pytest.param({"reason": ""}, id="no reason"),
        pytest.param({"author": " "}, id="no author"),
    ],
)
def test_what_is_no_named_baseline(changes: dict[str, Any]) -> None:
    """It has a name that can be typed, a reason and an author."""
    with pytest.raises(ConfigurationError):
        named(**changes)
