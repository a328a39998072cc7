from __future__ import annotations

from typing import Any

import pytest

from reports.verdict_parts import conditions_part


@pytest.mark.parametrize(
    ("before", "now", "differs"),
    [
        (39, 42, False),
        (39, 59, True),
        ([700, 2100], [705, 2100], False),
        ([700, 2100], [705, 1400], True),
        (0.0, 0.0, False),
        (0.0, 0.5, True),
        (-0.05, 0.05, True),
        ("powersave", "performance", True),
        ("580.159.03", "580.160.03", True),
        ("card-1001", "card-1002", True),
        (1_900_000_000, 1_910_000_000, False),
    ],
)
def test_a_condition_that_is_about_the_same_is_not_marked(before: Any, now: Any, differs: bool) -> None:
    """Numbers may be apart by a tenth; words, versions and names must be equal."""
    (view,) = conditions_part(({"fact": now}, {"fact": before}))
    assert view.differs is differs


def test_a_condition_that_only_one_run_has_is_not_compared() -> None:
    """It is shown with a dash beside it; when something was measured is told elsewhere."""
    views = conditions_part(({"load": 1.5, "measured": "2026-01-01"}, {"governor": "performance"}))
    assert [(view.name, view.before, view.differs) for view in views] == [
        ("load", "–", False),
        ("governor", "performance", False),
    ]
